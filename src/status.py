"""Lists all sweeps, or shows the progress of one.

python -m src.status                    every sweep: state, trials, best score, disk
python -m src.status sweep=latest       one sweep: its trials, failures, curves, time left, the next commands
python -m src.status watch=true         the same, redrawn while it runs; q ends the view, not the sweep
python -m src.status sweep=latest rename=widths    changes its name, note or tags
"""

import json
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from src.config.arguments import read_arguments
from src.config.command_line import conf_loader, tracking_uri
from src.errors import ConfigError, TrialbookError
from src.exits import exit_on_error
from src.study import labels, view
from src.study.finding import ALL, SWEEPS, driven_sweeps, find_sweeps
from src.study.overview import Overview, look, size
from src.terminal import Terminal

COMPACT = (",", ":")  # separators of JSON; twenty sweeps take less than 2,000 tokens
LABELS = ("rename", "note", "tags")


@dataclass(frozen=True)
class Arguments:
    """The arguments of the command.

    Attributes:
        sweep: latest, an id or a name; without it all sweeps.
        watch: redraws until the sweep ends; without sweep= shows the running sweep.
        rename: new name of the sweep, also in MLflow.
        note: new note of the sweep; null removes it.
        tags: new tags of the sweep, such as baseline,paper; [] removes them.
        most: largest number of sweeps, or of best trials.
        format: table, or json with stable keys, where trials count from 0.
    """

    sweep: str = ""
    watch: bool = False
    rename: str = ""
    note: str = ""
    tags: str = ""
    most: int = 10
    format: Literal["table", "json"] = "table"


def main() -> None:
    """Shows all sweeps, or one."""
    with exit_on_error():
        arguments, mistakes = read_arguments(Arguments, sys.argv[1:], __doc__), list[str]()
        if arguments.watch and arguments.format != "table":
            mistakes.append(f"format={arguments.format}: watch=true draws on a terminal; expected one of the two.")
        if arguments.sweep == ALL or "," in arguments.sweep:
            words = "expected its name or id, or latest; without sweep= all are shown."
            mistakes.append(f"sweep={arguments.sweep}: one sweep at a time; {words}")
        changes = {name: getattr(arguments, name) for name in LABELS if getattr(arguments, name)}
        if changes and not arguments.sweep:
            mistakes.append(f"{', '.join(f'{name}=' for name in changes)}: of which sweep? Expected sweep=latest, a name or an id.")
        if mistakes:
            raise ConfigError(mistakes)
        terminal = Terminal()
        folder = find_sweeps(arguments.sweep)[0] if arguments.sweep else None
        if folder and changes:
            with conf_loader() as loader:
                terminal.say(labels.change(folder, tracking_uri(loader), **changes))
        if folder or arguments.watch:
            _show_one(folder or (driven_sweeps() or find_sweeps("latest"))[-1], arguments, terminal)
        else:
            _show_all(arguments, terminal)


def _show_one(folder: Path, arguments: Arguments, terminal: Terminal) -> None:
    if arguments.watch:
        from src.study.watching import watch

        found = watch(folder, terminal, arguments.most)
    else:
        found = look(folder, arguments.most)
    if arguments.format == "json":
        print(json.dumps(view.all_facts(found, size(folder)), separators=COMPACT))  # noqa: T201
        return
    for line in view.lines(found, terminal.width):
        terminal.say(line)
    terminal.say(f"disk  {view.bytes_text(size(folder))} in {folder} and the files of its runs")
    terminal.say("\nNext:")
    for command, what in view.commands(found):
        terminal.command(command, what)


def _show_all(arguments: Arguments, terminal: Terminal) -> None:
    damaged: list[str] = []
    every = sorted(_overviews(damaged), key=lambda found: found[1].created, reverse=True)
    shown = every[: arguments.most]
    if arguments.format == "json":
        print("[" + ",\n ".join(json.dumps(view.facts(found, size(folder)), separators=COMPACT) for folder, found in shown) + "]")  # noqa: T201
        return
    if every:
        terminal.table("sweeps, the latest one first", [view.row(found, size(folder)) for folder, found in shown])
    else:
        terminal.say(f"no sweep in {SWEEPS.resolve()} yet; python -m src.sweep --help shows how one is made")
    if len(every) > len(shown):
        terminal.say(f"{len(every) - len(shown)} older ones: most={len(every)}")
    for line in damaged:
        terminal.say(line)
    if every:
        terminal.say("\nNext:")
        terminal.command("python -m src.status sweep=latest", "one of them, by its id, its name or latest")


def _overviews(damaged: list[str]) -> Iterator[tuple[Path, Overview]]:
    """Yields the folder and the overview of every sweep; adds a line for each that cannot be read."""
    for file in SWEEPS.glob("*/study.db"):
        try:
            yield file.parent, look(file.parent, 1)
        except (sqlite3.DatabaseError, TrialbookError, KeyError) as error:
            damaged.append(f"{file.parent.name}: cannot be read ({error}); python -m src.doctor checks all of them")


if __name__ == "__main__":
    main()
