"""Shows which sweeps there are, and how one stands.

python -m src.status                    every sweep: state, trials, best score, disk
python -m src.status sweep=latest       one: its trials, failures, curves, time left, the next commands
python -m src.status watch=true         the same, redrawn while it runs; q ends the view, not the sweep
python -m src.status sweep=latest rename=widths    a name, a note or tags, changed later
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

COMPACT = (",", ":")  # of JSON: twenty sweeps are less than 2,000 tokens
LABELS = ("rename", "note", "tags")


@dataclass(frozen=True)
class Arguments:
    """The arguments of the command.

    Attributes:
        sweep: latest, an id or a name; without it, all of them.
        watch: redraws until the sweep ends; without sweep= it is the one that runs.
        rename: the sweep gets this name; in MLflow, too.
        note: the sweep gets this note; null removes it.
        tags: the sweep gets these tags in place of its own, such as baseline,paper; [] removes them.
        most: how many sweeps, or best trials, are shown.
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
            mistakes.append(
                f"sweep={arguments.sweep}: one sweep at a time; expected its name or id, or latest; without sweep= all are shown."
            )
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
    most = arguments.most
    if arguments.watch:
        from src.study.watching import watch

        found = watch(folder, terminal, most)
    else:
        found = look(folder, most)
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
    most, damaged = arguments.most, list[str]()
    every = sorted(_overviews(damaged), key=lambda found: found[1].created, reverse=True)
    shown = every[:most]
    if arguments.format == "json":
        print("[" + ",\n ".join(json.dumps(view.facts(found, size(folder)), separators=COMPACT) for folder, found in shown) + "]")  # noqa: T201
        return
    if not every:
        terminal.say(f"no sweep in {SWEEPS.resolve()} yet; python -m src.sweep --help shows how one is made")
    else:
        terminal.table("sweeps, the latest one first", [view.row(found, size(folder)) for folder, found in shown])
    if len(every) > most:
        terminal.say(f"{len(every) - most} older ones: most={len(every)}")
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
            damaged.append(f"{file.parent.name}: cannot be read ({error}); python -m src.doctor looks at all of them")


if __name__ == "__main__":
    main()
