"""Adds trials to a sweep, one that runs or one that ended.

python -m src.add optimizer.learning_rate=0.003,0.01              two trials; all else as the sweep fixes it, or as conf/ has it
python -m src.add sweep=dropout model.dropout=0.4 model.units=64  one, for the sweep of that name

All other words are keys of a trial. A sweep that runs takes the trials up next; one that ended takes them when it goes on: resume=.
"""

import json
import shlex
import sys
from contextlib import closing
from dataclasses import dataclass
from typing import Literal

from src.config.arguments import HELP, read_arguments, split
from src.config.command_line import conf_loader
from src.errors import ConfigError, collecting
from src.exits import exit_on_error
from src.redaction import mark_secrets_in
from src.results.additions import read_additions
from src.space import overrides
from src.study.finding import find_sweeps
from src.study.instructions import ADD
from src.study.lock import is_driven
from src.study.overview import command_to_resume
from src.study.store import Store
from src.terminal import Terminal


@dataclass(frozen=True)
class Arguments:
    """The words of the command, beside the keys of a trial.

    Attributes:
        sweep: latest, an id or a name.
        format: table, or json.
    """

    sweep: str = "latest"
    format: Literal["table", "json"] = "table"


def main() -> None:
    """Adds the points to the study, from where the sweep's driver takes them."""
    with exit_on_error(), conf_loader() as loader:
        own, words = split(Arguments, [word for word in sys.argv[1:] if word not in ("-m", "--multirun")])
        arguments, mistakes = read_arguments(Arguments, [*own, *(HELP & {*words})], __doc__), list[str]()
        mark_secrets_in(" ".join(words))
        [folder, *others] = find_sweeps(arguments.sweep)
        mistakes += [f"sweep={arguments.sweep}: one sweep at a time; expected its name or id, or latest."] if others else []
        with closing(Store.reopen(folder / "study.db")) as store:
            found = None
            with collecting(mistakes):
                found = read_additions(loader, store, words)
            if mistakes or not found:
                raise ConfigError(mistakes)
            for point in found.points:
                store.instruct(ADD, point=point)
            resume = command_to_resume(store.meta(), folder)
        runs = is_driven(folder)
        if arguments.format == "json":
            added = [overrides(point) for point in found.points]
            print(json.dumps({"sweep": folder.name, "added": added, "known": found.known, "runs": runs, "resume": resume}))  # noqa: T201
            return
        terminal = Terminal()
        for point in found.points:
            terminal.say(f"added  {shlex.join(overrides(point))}")
        for line in found.known:
            terminal.say(f"known  {line}")
        if runs:
            terminal.say(f"{folder.name} takes them up as soon as a slot is free; if it ends before that, resume= does\n\nNext:")
            terminal.say("  python -m src.status watch=true    looks on")
        else:
            terminal.say(f"{folder.name} does not run; they wait for it to go on\n\nNext:\n  {resume}")


if __name__ == "__main__":
    main()
