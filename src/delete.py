"""Deletes a sweep, or some of its trials, from the study, MLflow and the disk, and prints how to bring them back.

python -m src.delete sweep=SWEEP_ID
python -m src.delete sweep=latest trial=3,4 yes=true

Files are moved into mlruns/attic/, MLflow marks the runs as deleted, registered models stay. A running sweep cannot be deleted, nor the
run of a champion. A resumed sweep runs its deleted trials again.
"""

import sys
from dataclasses import asdict, dataclass
from typing import Literal

from src.config.arguments import read_arguments
from src.config.command_line import conf_loader, tracking_uri
from src.errors import ConfigError
from src.events import as_json
from src.exits import exit_on_error
from src.study.finding import find_sweeps
from src.terminal import Terminal, agreed


@dataclass(frozen=True)
class Arguments:
    """The arguments of the command.

    Attributes:
        sweep: latest, an id or a name; several separated by commas.
        trial: numbers of trials, counted from 1 as on the terminal; without it the whole sweep.
        yes: delete without asking.
        format: table, or json.
    """

    sweep: str
    trial: str = ""
    yes: bool = False
    format: Literal["table", "json"] = "table"


def main() -> None:
    """Deletes sweeps or trials."""
    with exit_on_error():
        arguments = read_arguments(Arguments, sys.argv[1:], __doc__)
        terminal = Terminal()
        folders, numbers = find_sweeps(arguments.sweep), _numbers(arguments.trial)
        if numbers and len(folders) > 1:
            raise ConfigError([f"trial={arguments.trial}: {len(folders)} sweeps are given; expected one."])
        with terminal.waiting("loading MLflow"), conf_loader() as loader:
            from src.running.deletion import Deletion

            uri = tracking_uri(loader)
        deletions = [Deletion(folder, numbers, uri) for folder in folders]
        if arguments.format == "table":
            for deletion in deletions:
                terminal.say("\n".join(deletion.described))
        if not arguments.yes and not agreed("delete?"):
            raise ConfigError(["nothing was deleted; expected y, or yes=true on the command line"])
        done = [deletion.delete() for deletion in deletions]
        if arguments.format == "json":
            print(as_json([asdict(one) for one in done]))  # noqa: T201
            return
        for one in done:
            terminal.say(f"deleted; the files are in {one.attic}, where they may be removed. To bring them back:")
            terminal.command(one.bring_back)
            if numbers:
                terminal.say("The report still shows them. To renew it:")
                terminal.command(f"python -m src.compare sweep={one.sweep} report={folders[0] / 'report.html'}")


def _numbers(text: str) -> list[int]:
    """Parses numbers of trials that count from 1, and returns them from 0; raises a ConfigError for other words."""
    numbers = []
    for word in text.split(",") if text else ():
        if not word.isdecimal() or word == "0":
            raise ConfigError([f"trial={text}: {word!r}; expected numbers from 1, as the terminal prints them, such as trial=3,4"])
        numbers.append(int(word) - 1)
    return list(dict.fromkeys(numbers))


if __name__ == "__main__":
    main()
