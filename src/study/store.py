"""The durable state of a sweep: one SQLite file, one transaction per ask and per tell."""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from src.space import Point
from src.trial import Outcome

SCHEMA_VERSION = 1
SCHEMA = """
create table meta   (key text primary key, value text);
create table trial  (number integer primary key, overrides json, active_hash text, state text, attempts integer, parent integer,
                     initial_epoch integer, epochs integer, run_id text, score real, kept_epoch integer, seconds real, cause text,
                     started real, ended real);
create table epoch  (number integer, epoch integer, metrics json, primary key (number, epoch));
create table oracle (id integer primary key check (id = 1), state text);
create table outbox (id integer primary key, number integer, kind text, payload json);
"""


class Store:
    """One study."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._db.row_factory = sqlite3.Row

    @classmethod
    def create(cls, path: Path | None) -> "Store":
        """A new study; without a path it is kept in memory."""
        store = cls(sqlite3.connect(path or ":memory:", isolation_level=None))
        store._db.execute("pragma journal_mode = wal")
        store._db.executescript(SCHEMA)
        store.describe(schema=SCHEMA_VERSION, created=time.time())
        return store

    @classmethod
    def open(cls, path: Path) -> "Store":
        """A study that is there, to read; its sweep may still be running."""
        return cls(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None))

    def describe(self, **meta: Any) -> None:
        """What the sweep is: sweep_id, name, command, space, objective, …"""
        with self._transaction():
            rows = [(key, value if isinstance(value, str) else json.dumps(value, default=str)) for key, value in meta.items()]
            self._db.executemany("insert or replace into meta values (?, ?)", rows)

    def meta(self) -> dict[str, str]:
        """All of `describe`, as text."""
        return dict(self._db.execute("select key, value from meta").fetchall())

    def asked(self, number: int, point: Point, active_hash: str, oracle: dict[str, Any]) -> None:
        """A trial starts: its row and the oracle's state in one transaction."""
        with self._transaction():
            self._db.execute(
                "insert into trial (number, overrides, active_hash, state, attempts, started) values (?, ?, ?, 'RUNNING', 1, ?)",
                (number, json.dumps(point), active_hash, time.time()),
            )
            self._keep(oracle)

    def recorded(self, number: int, run_id: str | None) -> None:
        """The MLflow run of a trial."""
        with self._transaction():
            self._db.execute("update trial set run_id = ? where number = ?", (run_id, number))

    def epoch(self, number: int, epoch: int, metrics: dict[str, float]) -> None:
        """The metrics of one epoch, counted from 1."""
        with self._transaction():
            self._db.execute("insert or replace into epoch values (?, ?, ?)", (number, epoch, json.dumps(metrics)))

    def told(self, number: int, outcome: Outcome, score: float | None, oracle: dict[str, Any]) -> None:
        """A trial ended: its row and the oracle's state in one transaction."""
        epochs = len(next(iter(outcome.history.values()), ()))
        with self._transaction():
            self._db.execute(
                "update trial set state = ?, score = ?, kept_epoch = ?, epochs = ?, seconds = ?, cause = ?, ended = ? where number = ?",
                (outcome.state, score, outcome.metrics.get("kept/epoch"), epochs, outcome.seconds, outcome.cause, time.time(), number),
            )
            self._keep(oracle)

    def trials(self) -> list[dict[str, Any]]:
        """The rows of all trials by number, `overrides` as a point."""
        rows = self._db.execute("select * from trial order by number").fetchall()
        return [{**row, "overrides": json.loads(row["overrides"])} for row in map(dict, rows)]

    def epochs(self) -> Iterator[tuple[int, int, dict[str, float]]]:
        """(trial, epoch, metrics) of every epoch, in order."""
        for number, epoch, metrics in self._db.execute("select number, epoch, metrics from epoch order by number, epoch"):
            yield number, epoch, json.loads(metrics)

    def close(self) -> None:
        """Folds the write-ahead log into the file."""
        self._db.close()

    def _keep(self, oracle: dict[str, Any]) -> None:
        self._db.execute("insert or replace into oracle values (1, ?)", (json.dumps(oracle),))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Takes the write lock at once, and commits or rolls back as a whole."""
        self._db.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._db.execute("rollback")
            raise
        self._db.execute("commit")
