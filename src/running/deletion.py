"""Deletes a sweep or some of its trials, and writes the script that restores them."""

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
from src.study.folders import bytes_in, of_trial
from src.study.lock import driving, is_driven, owner
from src.study.schema import TrialRow
from src.study.store import Store
from src.tracking.address import canonical, database
from src.tracking.removal import Removal, restoring
from src.tracking.upkeep import attic_of

SCRIPT = "bring_back.sh"
BUILDING = ("asha", "hyperband", "race")  # oracles whose proposals follow from all earlier trials
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
    """The result of a deletion.

    Attributes:
        sweep: id of the sweep.
        trials, runs: number of deleted trials, and of deleted runs in MLflow.
        attic: the folder to which the files were moved.
        bring_back: the command that undoes the deletion.
    """

    sweep: str
    trials: int
    runs: int
    megabytes: float
    attic: str
    bring_back: str


class Deletion:
    """A deletion that was checked and can be done.

    Args:
        folder: the folder of the sweep.
        numbers: numbers of the trials, from 0; empty for the whole sweep.
        uri: address of the store in the environment.

    Raises:
        ConfigError: the sweep runs, a trial does not exist, other trials build on it, or it is the champion.
    """

    def __init__(self, folder: Path, numbers: list[int], uri: str) -> None:
        self._folder, self._numbers = folder, numbers
        if is_driven(folder):
            raise ConfigError(
                [f"sweep={folder.name}: it is being run by {owner(folder)}; expected it to have ended. Ctrl-C there ends it."]
            )
        with closing(Store.open(folder / "study.db")) as store:
            meta, rows = store.meta(), store.trials()
            mistakes = list(_mistakes(numbers, rows, store))
        if mistakes:
            raise ConfigError(mistakes)
        self._uri, self._trials = destination.uri_of(meta, uri), len(numbers or rows)
        self._removal = Removal(self._uri, meta.get("experiment_id", ""), folder.name, numbers)
        self._registered = self._removal.registered
        champions = [one for one in self._registered if one.champion]
        if champions:
            raise ConfigError(
                f"sweep={folder.name}: version {one.version} of {one.model}, the champion, is its run {one.run}; expected another champion"
                f" first: {destination.prefix(self._uri)}python -m src.promote rollback=true model={one.model}"
                for one in champions
            )

    @property
    def _own(self) -> list[Path]:
        if not self._numbers:
            return [self._folder]
        folders = [of_trial(self._folder, number) for number in self._numbers]
        return [folder for folder in folders if folder.is_dir()]

    @property
    def described(self) -> list[str]:
        """Lines that describe what would be deleted."""
        which = f", trials {', '.join(str(number + 1) for number in self._numbers)}" if self._numbers else f": {self._trials} trials"
        lines = [f"sweep {self._folder.name}{which}, {len(self._removal.runs)} runs of MLflow, {self._megabytes:.1f} MB"]
        lines += [
            f"version {one.version} of {one.model} stays registered without its files: promote rollback=true will skip it"
            for one in self._registered
        ]
        return lines

    @property
    def _megabytes(self) -> float:
        return sum(bytes_in(path.resolve()) for path in (*self._removal.folders, *self._own)) / 2**20

    def delete(self) -> Deleted:
        """Deletes. If it is killed, the same command again deletes the rest, because the study is moved last."""
        file, megabytes = database(self._uri), self._megabytes
        attic = Path(os.path.relpath(attic_of(file.parent if file else SWEEPS.parent)))
        moves = [(path, attic / "artifacts" / path.name) for path in self._removal.folders]
        root = self._folder.resolve().parent
        moves += [(path.resolve(), attic / "sweeps" / path.resolve().relative_to(root)) for path in self._own]
        files.write(attic / SCRIPT, self._script(moves, attic).encode())
        with driving(self._folder):
            for path, target in moves:
                if path.name != self._folder.name:
                    _move(path, target)
            self._removal.delete()
            if self._numbers:
                with closing(Store.reopen(self._folder / "study.db")) as store:
                    store.keep(attic / "study.db")
                    store.remove(self._numbers)
            else:
                _move(*moves[-1])
                self._folder.unlink(missing_ok=True)  # only a link is left, if the sweep was in another folder
        command = f"sh {shlex.quote(str(attic / SCRIPT))}"
        return Deleted(self._folder.name, self._trials, len(self._removal.runs), round(megabytes, 1), str(attic), command)

    def _script(self, moves: list[tuple[Path, Path]], attic: Path) -> str:
        """Returns the script that undoes the deletion. Steps that may fail come first, above all those that need MLflow."""
        lines = ["#!/bin/sh", f"# brings back what was deleted of sweep {self._folder.name}", "set -e"]
        python = shlex.quote(sys.executable)  # the one in PATH may not have MLflow
        lines += [
            f"! test -e {_quoted(path)} || {{ echo {_quoted(path)} is there again, so nothing was moved >&2; exit 1; }}"
            for path, _ in moves
        ]
        if self._removal.runs:
            lines.append(f"{python} -c {shlex.quote(restoring(canonical(self._uri), self._removal.runs))}")
        if self._numbers:  # restores rows, not the whole study: the sweep may have continued since
            study, kept = self._folder.absolute() / "study.db", attic.absolute() / "study.db"
            lines.append(f"{python} -c {shlex.quote(ROWS_BACK)} {_quoted(study)} {_quoted(kept)} {','.join(map(str, self._numbers))}")
        lines += [f"mv {_quoted(target)} {_quoted(path)}" for path, target in moves]
        if not self._numbers and self._folder.is_symlink():
            lines.append(f"ln -s {shlex.quote(str(self._folder.resolve()))} {_quoted(self._folder)}")
        return "\n".join([*lines, ""])


def _mistakes(numbers: list[int], rows: list[TrialRow], store: Store) -> Iterator[str]:
    """Yields the reasons why these trials cannot be deleted without the others."""
    known, parents = {row.number for row in rows}, {row.parent for row in rows}
    for number in numbers:
        if number not in known:
            yield f"trial={number + 1}: there is none; expected 1 to {max(known, default=0) + 1}, each once."
        elif number in parents:
            yield f"trial={number + 1}: another trial continues it; expected the whole sweep, without trial=."
    if numbers and _builds_on_all(store):
        yield "trial=…: the oracle of this sweep builds on every trial; expected the whole sweep, without trial=."


def _builds_on_all(store: Store) -> bool:
    """Returns True if the oracle's later proposals or its conclusion depend on all earlier trials."""
    if json.loads(store.meta().get("oracle", "{}")).get("name") in BUILDING:
        return True
    try:
        return bool(store.oracle())  # an oracle of the user's that keeps a state
    except (IndexError, json.JSONDecodeError, sqlite3.DatabaseError):  # the sweep was adopted, or never started
        return False


def _quoted(path: Path) -> str:
    return shlex.quote(str(path.absolute()))


def _move(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(path, target)
