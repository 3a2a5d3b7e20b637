"""Deletes a sweep or some of its trials: what goes, why it may not, and the script that brings it back."""

import json
import os
import shlex
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from src import files
from src.errors import ConfigError
from src.study import destination
from src.study.finding import SWEEPS
from src.study.folders import of_trial
from src.study.lock import driving, is_driven
from src.study.store import Store
from src.tracking.address import canonical, database
from src.tracking.removal import Removal, restoring
from src.tracking.upkeep import attic_of

SCRIPT = "bring_back.sh"
BUILDING = ("asha", "hyperband", "race")
ROWS_BACK = """
import sqlite3, sys
study, kept, numbers = sys.argv[1:]
open(kept).close()
db = sqlite3.connect(study, isolation_level=None)
db.execute("attach ? as kept", (kept,))
db.execute("begin immediate")
for table, columns in (("trial", "*"), ("epoch", "*"), ("outbox", "null, number, kind, payload, refused")):
    db.execute(f"insert into {table} select {columns} from kept.{table} where number in ({numbers}) order by number")
db.execute("commit")
"""


@dataclass(frozen=True)
class Deleted:
    """What was deleted.

    Attributes:
        runs: their number.
        attic: the folder of the files.
        bring_back: the command that undoes it.
    """

    sweep: str
    trials: int
    runs: int
    megabytes: float
    attic: str
    bring_back: str


class Deletion:
    """A deletion that may be done.

    Args:
        folder: of the sweep.
        numbers: of trials, from 0; empty for all.
        uri: of the store, as the environment says it.

    Raises:
        ConfigError: it runs, there are no such trials, others build on them, or a champion is among them.
    """

    def __init__(self, folder: Path, numbers: list[int], uri: str) -> None:
        self._folder, self._numbers = folder, numbers
        if is_driven(folder):
            owner = (folder / "driver.lock").read_text(errors="replace")
            raise ConfigError([f"sweep={folder.name}: it is being run by {owner}; expected it to have ended. Ctrl-C there ends it."])
        with closing(Store.open(folder / "study.db")) as store:
            meta, rows = store.meta(), store.trials()
            if mistakes := list(_mistakes(numbers, {row.number for row in rows}, {row.parent for row in rows}, store)):
                raise ConfigError(mistakes)
        self._uri, self._trials = destination.uri_of(meta, uri), len(numbers or rows)
        self._removal = Removal(self._uri, meta.get("experiment_id", ""), folder.name, numbers)
        self._registered = self._removal.registered
        if champions := [one for one in self._registered if one.champion]:
            raise ConfigError(
                f"sweep={folder.name}: version {one.version} of {one.model}, the champion, is its run {one.run}; expected another champion"
                f" first: {destination.prefix(self._uri)}python -m src.promote rollback=true model={one.model}"
                for one in champions
            )

    @property
    def _own(self) -> list[Path]:
        """The folders of the sweep, or of its trials."""
        return [path for number in self._numbers if (path := of_trial(self._folder, number)).is_dir()] or (
            [] if self._numbers else [self._folder]
        )

    @property
    def described(self) -> list[str]:
        """Lines for people about what would go."""
        which = f", trials {', '.join(str(number + 1) for number in self._numbers)}" if self._numbers else f": {self._trials} trials"
        lines = [f"sweep {self._folder.name}{which}, {len(self._removal.runs)} runs of MLflow, {self._megabytes:.1f} MB"]
        lines += [
            f"version {one.version} of {one.model} stays registered, but its files go: promote rollback=true will pass it over"
            for one in self._registered
        ]
        return lines

    @property
    def _megabytes(self) -> float:
        paths = [*self._removal.folders, *self._own]
        return sum(file.stat().st_size for path in paths for file in path.resolve().rglob("*") if file.is_file()) / 2**20

    def done(self) -> Deleted:
        """Deletes. Killed in between, the same command again does the rest: the study goes last."""
        file, megabytes = database(self._uri), self._megabytes
        attic = Path(os.path.relpath(attic_of(file.parent if file else SWEEPS.parent)))
        moves = [(path, attic / "artifacts" / path.name) for path in self._removal.folders]
        moves += [(path.resolve(), attic / "sweeps" / path.resolve().relative_to(self._folder.resolve().parent)) for path in self._own]
        files.write(attic / SCRIPT, self._script(moves, attic).encode())
        with driving(self._folder):
            for path, target in moves:
                if path.name != self._folder.name:
                    _move(path, target)
            self._removal.delete()
            if self._numbers:
                self._remove_rows(attic / "study.db")
            else:
                _move(*moves[-1])
                self._folder.unlink(missing_ok=True)  # a link to a sweep that lay elsewhere
        command = f"sh {shlex.quote(str(attic / SCRIPT))}"
        return Deleted(self._folder.name, self._trials, len(self._removal.runs), round(megabytes, 1), str(attic), command)

    def _remove_rows(self, copy: Path) -> None:
        with closing(Store.reopen(self._folder / "study.db")) as store:
            store.keep(copy)
            store.remove(self._numbers)

    def _script(self, moves: list[tuple[Path, Path]], attic: Path) -> str:
        """The text of the script that undoes the deletion. What may fail comes first: MLflow may not answer."""
        lines = ["#!/bin/sh", f"# brings back what was deleted of sweep {self._folder.name}", "set -e"]
        python = shlex.quote(sys.executable)  # that has MLflow; the one in PATH may have none
        lines += [
            f"! test -e {_quoted(path)} || {{ echo {_quoted(path)} is there again, so nothing was moved >&2; exit 1; }}"
            for path, _ in moves
        ]
        if self._removal.runs:
            lines.append(f"{python} -c {shlex.quote(restoring(canonical(self._uri), self._removal.runs))}")
        if self._numbers:  # the rows alone: the sweep may have gone on since
            study, kept = self._folder.absolute() / "study.db", attic.absolute() / "study.db"
            lines.append(f"{python} -c {shlex.quote(ROWS_BACK)} {_quoted(study)} {_quoted(kept)} {','.join(map(str, self._numbers))}")
        lines += [f"mv {_quoted(target)} {_quoted(path)}" for path, target in moves]
        if not self._numbers and self._folder.is_symlink():
            lines.append(f"ln -s {shlex.quote(str(self._folder.resolve()))} {_quoted(self._folder)}")
        return "\n".join([*lines, ""])


def _mistakes(numbers: list[int], known: set[int], parents: set[int | None], store: Store) -> Iterator[str]:
    """Yields why trials cannot be deleted alone."""
    for number in numbers:
        if number not in known:
            yield f"trial={number + 1}: there is none; expected 1 to {max(known, default=0) + 1}, each once."
        elif number in parents:
            yield f"trial={number + 1}: another trial continues it; expected the whole sweep, without trial=."
    if numbers and _builds_on_all(store):
        yield "trial=…: the oracle of this sweep builds on every trial; expected the whole sweep, without trial=."


def _builds_on_all(store: Store) -> bool:
    """True if the oracle's later proposals, or what it concludes, follow from all earlier trials."""
    if json.loads(store.meta().get("oracle", "{}")).get("name") in BUILDING:
        return True
    try:
        return bool(store.oracle())  # somebody's own oracle that remembers more than its trials
    except (IndexError, json.JSONDecodeError, sqlite3.DatabaseError):  # it was adopted, or never began
        return False


def _quoted(path: Path) -> str:
    return shlex.quote(str(path.absolute()))


def _move(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(path, target)
