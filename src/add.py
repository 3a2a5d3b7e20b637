"""Adds trials to a sweep that runs or has ended.

python -m src.add optimizer.learning_rate=0.003,0.01              two trials; other keys have the values of the sweep, or of conf/
python -m src.add sweep=dropout model.dropout=0.4 model.units=64  one trial, for the sweep of that name

All other words are keys of a trial. A running sweep runs the new trials next; an ended one runs them when it is resumed (resume=).
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
    """The arguments of the command, beside the keys of a trial.

    Attributes:
        sweep: latest, an id or a name.
        format: table, or json.
    """

    sweep: str = "latest"
    format: Literal["table", "json"] = "table"


def main() -> None:
    """Writes the points into the study, where the driver of the sweep finds them."""
    with exit_on_error(), conf_loader() as loader:
        own, words = split(Arguments, [word for word in sys.argv[1:] if word not in ("-m", "--multirun")])
        arguments = read_arguments(Arguments, [*own, *(HELP & {*words})], __doc__)
        mark_secrets_in(" ".join(words))
        mistakes = list[str]()
        folder, *others = find_sweeps(arguments.sweep)
        if others:
            mistakes.append(f"sweep={arguments.sweep}: one sweep at a time; expected its name or id, or latest.")
        with closing(Store.reopen(folder / "study.db")) as store:
            with collecting(mistakes):
                found = read_additions(loader, store, words)
            if mistakes:
                raise ConfigError(mistakes)
            for point in found.points:
                store.instruct(ADD, point=point)
            resume = command_to_resume(store.meta(), folder)
        runs = is_driven(folder)
        added = [overrides(point) for point in found.points]
        if arguments.format == "json":
            print(json.dumps({"sweep": folder.name, "added": added, "known": found.known, "runs": runs, "resume": resume}))  # noqa: T201
            return
        terminal = Terminal()
        terminal.say("\n".join([*(f"added  {shlex.join(one)}" for one in added), *(f"known  {line}" for line in found.known)]))
        if runs:
            terminal.say(f"{folder.name} runs them as soon as a slot is free; if it ends before that, when it is resumed\n\nNext:")
            terminal.command("python -m src.status watch=true", "shows its progress")
        else:
            terminal.say(f"{folder.name} does not run now; it runs them when it is resumed\n\nNext:\n  {resume}")


if __name__ == "__main__":
    main()
