"""Deletes a sweep, or some of its trials, everywhere: study, runs of MLflow, files. It says how to bring them back.

python -m src.delete sweep=SWEEP_ID
python -m src.delete sweep=latest trial=3,4 yes=true

Files go into mlruns/attic/, MLflow marks the runs as deleted, registered models stay. Refused are a sweep that runs, and one whose
run is a champion's. A sweep that goes on with resume= tries its deleted trials again.
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
    """The words of the command.

    Attributes:
        sweep: latest, an id or a name; several with commas.
        trial: numbers of trials, as the terminal counts them from 1; without it the whole sweep.
        yes: delete without a question.
        format: table, or json.
    """

    sweep: str
    trial: str = ""
    yes: bool = False
    format: Literal["table", "json"] = "table"


def main() -> int:
    """Deletes; returns the exit code."""
    with exit_on_error():
        arguments = read_arguments(Arguments, sys.argv[1:], __doc__)
        terminal = Terminal()
        folders, numbers = find_sweeps(arguments.sweep), _numbers(arguments.trial)
        if numbers and len(folders) > 1:
            raise ConfigError([f"trial={arguments.trial}: of {len(folders)} sweeps; expected one sweep."])
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
            return 0
        for one in done:
            terminal.say(f"deleted; the files are in {one.attic}, where they may be removed. To bring them back:")
            terminal.command(one.bring_back)
            if numbers:
                report = folders[0] / "report.html"
                terminal.say("Its report shows them until it is made anew:")
                terminal.command(f"python -m src.compare sweep={one.sweep} report={report}")
    return 0


def _numbers(text: str) -> list[int]:
    """Reads numbers of trials.

    Raises:
        ConfigError: they are none.
    """
    words = text.split(",") if text else []
    if wrong := [word for word in words if not word.isdecimal() or word == "0"]:
        raise ConfigError([f"trial={text}: {wrong[0]!r}; expected numbers from 1, as the terminal says them, such as trial=3,4"])
    return list(dict.fromkeys(int(word) - 1 for word in words))


if __name__ == "__main__":
    sys.exit(main())
