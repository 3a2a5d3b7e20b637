"""Stores the state of a sweep in one SQLite file, with one transaction when a trial starts and one when it ends."""

import json
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from src.errors import TrialbookError
from src.job import Outcome
from src.oracles import Proposal
from src.redaction import all_redacted, redacted
from src.space.point import written
from src.states import TrialState
from src.study.instructions import Instructions
from src.study.messages import Message, Messages
from src.study.schema import LATER, SCHEMA, SCHEMA_VERSION, SINCE_1, UNKNOWN, Identity
from src.study.trials import Trials


class Store(Messages, Instructions, Trials):
    """The store of one study. Its methods may be called from any thread."""

    @classmethod
    def create(cls, path: Path | None, **meta: Any) -> "Store":
        """Creates a study with its first facts, in a file or, without a path, in memory."""
        store = cls(sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False))
        store._db.execute("pragma journal_mode = wal")
        with store._transaction():
            for statement in (*SCHEMA.split(";\n"), LATER):
                store._db.execute(statement)
            store._describe({"schema": SCHEMA_VERSION, "created": time.time(), **meta})
        return store

    @classmethod
    def reopen(cls, path: Path) -> "Store":
        """Opens a study to resume it, and upgrades an older schema.

        Raises:
            TrialbookError: a newer version made it.
        """
        store = cls(sqlite3.connect(f"file:{quote(str(path))}?mode=rw", uri=True, isolation_level=None, check_same_thread=False))
        store._check_schema(path)
        with store._transaction():
            for table, columns in SINCE_1.items():
                there = {name for (name,) in store._read("select name from pragma_table_info(?)", table)}
                for column in columns:
                    if column not in there:
                        store._db.execute(f"alter table {table} add column {column} text")
            store._db.execute(LATER)
            store._describe({"schema": SCHEMA_VERSION})
        return store

    @classmethod
    def open(cls, path: Path) -> "Store":
        """Opens a study for reading; its sweep may be running.

        Raises:
            TrialbookError: a newer version made it.
            sqlite3.DatabaseError: the file is not a study.
        """
        alone = not os.access(path.parent, os.W_OK) and not path.with_name(f"{path.name}-wal").exists()
        how = "immutable=1" if alone else "mode=ro"  # in a folder without write access, SQLite reads only files declared immutable
        store = cls(sqlite3.connect(f"file:{quote(str(path))}?{how}", uri=True, isolation_level=None))
        store._check_schema(path)
        return store

    def _check_schema(self, path: Path) -> None:
        if (found := int(self.meta().get("schema", SCHEMA_VERSION))) > SCHEMA_VERSION:
            self.close()
            raise TrialbookError(f"{path} has schema {found}; expected at most {SCHEMA_VERSION}. Read it with the Trialbook that made it.")

    def describe(self, *messages: Message, **meta: Any) -> None:
        """Adds facts about the sweep, and messages for MLflow."""
        with self._transaction():
            self._describe(meta)
            self._post(messages)

    def start_trial(
        self,
        number: int,
        proposal: Proposal,
        active_hash: str,
        oracle: dict[str, Any],
        message: Message,
        identity: Identity = UNKNOWN,
        at: float | None = None,
    ) -> None:
        """Records that a trial starts, for the first time or again: its row, the oracle's state and the message in one transaction.

        Args:
            at: the start, as time.time() returns it; None for now.
        """
        row = {
            "number": number,
            "overrides": json.dumps(written(proposal.point)),
            "state": TrialState.RUNNING,
            "attempts": 1,
            "parent": proposal.parent,
            "initial_epoch": proposal.initial_epoch,
            "rung_epochs": proposal.epochs,
            "started": at or time.time(),
        }
        values = {
            "active_hash": active_hash,
            "config_hash": identity.config_hash,
            "code": identity.code,
            "packages": identity.packages,
            "configuration": json.dumps(all_redacted(identity.configuration), default=str),
        }
        row |= values
        again = ", ".join(f"{name} = excluded.{name}" for name in values)
        with self._transaction():
            self._db.execute(
                f"insert into trial ({', '.join(row)}) values ({', '.join('?' * len(row))}) on conflict (number)"  # noqa: S608  names of ours
                f" do update set state = excluded.state, attempts = attempts + 1, score = null, cause = null, {again}",
                tuple(row.values()),
            )
            self._write_oracle(oracle)
            self._post([message])

    def epochs_of(self, number: int, history: dict[int, dict[str, float]], at: float | None = None) -> None:
        """Records epochs, counted from 1, in one transaction; skips one that was recorded before with the same metrics."""
        with self._transaction():
            for epoch, metrics in history.items():
                text = json.dumps(metrics)
                if self._read("select 1 from epoch where number = ? and epoch = ? and metrics = ?", number, epoch, text):
                    continue
                self._db.execute("insert or replace into epoch values (?, ?, ?)", (number, epoch, text))
                self._post([Message(number, "epoch", {"epoch": epoch, "metrics": metrics, "time": at or time.time()})])

    def epoch(self, number: int, epoch: int, metrics: dict[str, float]) -> None:
        """Records one epoch, as `epochs_of` does."""
        self.epochs_of(number, {epoch: metrics})

    def end_trial(
        self,
        number: int,
        outcome: Outcome,
        score: float | None,
        oracle: dict[str, Any],
        message: Message,
        at: float | None = None,
        attempts: int | None = None,
    ) -> None:
        """Records that a trial ended: its row, the oracle's state and the message in one transaction.

        Args:
            at: the end, as time.time() returns it; None for now.
            attempts: the number of attempts that count; None leaves it as it is.
        """
        kept, metrics = outcome.metrics.get("kept/epoch"), json.dumps(outcome.metrics)
        digest, cause = outcome.facts.get("data_digest"), redacted(outcome.cause)
        with self._transaction():
            self._db.execute(
                "update trial set state = ?, score = ?, kept_epoch = ?, epochs = ?, seconds = ?, cause = ?, ended = ?, metrics = ?,"
                " data_digest = coalesce(?, data_digest), attempts = coalesce(?, attempts) where number = ?",
                (outcome.state, score, kept, outcome.epochs, outcome.seconds, cause, at or time.time(), metrics, digest, attempts, number),
            )
            self._write_oracle(oracle)
            self._post([message])

    def remove(self, numbers: list[int]) -> None:
        """Removes trials, their epochs and their messages."""
        with self._transaction():
            for number in numbers:
                for table in ("trial", "epoch", "outbox"):
                    self._execute(f"delete from {table} where number = ?", number)  # noqa: S608  names of ours

    def keep(self, path: Path) -> None:
        """Writes a copy of the study, which may be in memory, to a file."""
        with closing(sqlite3.connect(path)) as file:
            self._db.backup(file)

    def _write_oracle(self, oracle: dict[str, Any]) -> None:
        self._db.execute("insert or replace into oracle values (1, ?)", (json.dumps(oracle),))
