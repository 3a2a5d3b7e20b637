"""MLflow's tables in a local SQLite database: opens it, and writes the rows of many runs at once."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from src.errors import Unreachable

Row = tuple[Any, ...]
COLUMNS = {  # table → the columns that we know; a database with others is written by MLflow's API alone
    "runs": (
        *("run_uuid", "name", "source_type", "source_name", "entry_point_name", "user_id", "status", "start_time", "end_time"),
        *("source_version", "lifecycle_stage", "artifact_uri", "experiment_id", "deleted_time"),
    ),
    "params": ("key", "value", "run_uuid"),
    "tags": ("key", "value", "run_uuid"),
    "metrics": ("key", "value", "timestamp", "run_uuid", "step", "is_nan"),
    "latest_metrics": ("key", "value", "timestamp", "run_uuid", "step", "is_nan"),
    "datasets": (
        *("dataset_uuid", "experiment_id", "name", "digest", "dataset_source_type", "dataset_source", "dataset_schema"),
        "dataset_profile",
    ),
    "inputs": ("input_uuid", "source_type", "source_id", "destination_type", "destination_id", "step"),
    "input_tags": ("input_uuid", "name", "value"),
}
ON_CONFLICT = {  # table → how to update a row that exists; rows of the other tables stay as they are
    "tags": "(key, run_uuid) do update set value = excluded.value",
    "latest_metrics": """(key, run_uuid) do update
        set value = excluded.value, timestamp = excluded.timestamp, step = excluded.step, is_nan = excluded.is_nan
        where (excluded.step, excluded.timestamp, excluded.value)
            > (latest_metrics.step, latest_metrics.timestamp, latest_metrics.value)""",
}
SECONDS = 20  # how long to wait for another writer, as MLflow does
OF_TRIALS = """
    select trial.value, sweep.run_uuid from tags sweep
    join tags kind on kind.run_uuid = sweep.run_uuid and kind.key = 'trialbook.kind' and kind.value = 'trial'
    join tags trial on trial.run_uuid = sweep.run_uuid and trial.key = 'trialbook.trial'
    join runs on runs.run_uuid = sweep.run_uuid and runs.experiment_id = ?
    where sweep.key = 'trialbook.sweep' and sweep.value = ? and trial.value in (select value from json_each(?))
"""


class Tables:
    """The tables of an open database."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commits all changes, or none after an error; meanwhile nobody else writes."""
        with self._db:
            self._db.execute("begin immediate")
            yield

    @property
    def known(self) -> bool:
        """True if every table has exactly the columns in COLUMNS."""
        query = "select t.name, c.name from sqlite_master t, pragma_table_info(t.name) c where t.name in (select value from json_each(?))"
        found = set(self._db.execute(query, (_listed(COLUMNS),)).fetchall())
        return found == {(table, name) for table, names in COLUMNS.items() for name in names}

    def place(self, experiment_id: str) -> str | None:
        """Returns the address of an experiment's artifacts; None if the experiment is missing or deleted."""
        found = self._column(
            "select artifact_location from experiments where experiment_id = ? and lifecycle_stage = 'active'", experiment_id
        )
        return found[0] if found else None

    def active(self, run_ids: Iterable[str]) -> dict[str, str]:
        """Returns run → address of its artifacts, for those of the runs that exist and are not deleted."""
        query = "select run_uuid, artifact_uri from runs where lifecycle_stage = 'active' and run_uuid in (select value from json_each(?))"
        return dict(self._db.execute(query, (_listed(run_ids),)).fetchall())

    def of_trials(self, experiment_id: str, sweep: str, trials: Iterable[str]) -> dict[str, list[str]]:
        """Returns trial → its runs, deleted ones included, for some trials of a sweep."""
        found: dict[str, list[str]] = {}
        for trial, run_id in self._db.execute(OF_TRIALS, (experiment_id, sweep, _listed(trials))).fetchall():
            found.setdefault(trial, []).append(run_id)
        return found

    def insert(self, table: str, rows: list[Row]) -> None:
        """Adds rows; ON_CONFLICT says what becomes of those that exist."""
        names, places = ", ".join(COLUMNS[table]), ", ".join("?" * len(COLUMNS[table]))
        conflict = ON_CONFLICT.get(table, "do nothing")
        self._db.executemany(f"insert into {table} ({names}) values ({places}) on conflict {conflict}", rows)  # noqa: S608  names of ours

    def use(self, experiment_id: str, name: str, digest: str, run_id: str, edge: str, labels: list[tuple[str, str]]) -> None:
        """Records that a run used a data set, which is in its table already.

        Args:
            edge: a new id for this use.
        """
        self._db.execute(
            "insert into inputs (input_uuid, source_type, source_id, destination_type, destination_id)"
            " select ?, 'DATASET', dataset_uuid, 'RUN', ? from datasets where experiment_id = ? and name = ? and digest = ?"
            " on conflict do nothing",
            (edge, run_id, experiment_id, name, digest),
        )
        if self._column("select 1 from inputs where input_uuid = ?", edge):
            self.insert("input_tags", [(edge, *label) for label in labels])

    def settle(self, states: Iterable[tuple[str, int | None, str]]) -> None:
        """Sets (state, milliseconds of the end or None, run) of runs that are not deleted."""
        change = "update runs set status = ?, end_time = coalesce(?, end_time) where run_uuid = ? and lifecycle_stage = 'active'"
        self._db.executemany(change, states)

    def _column(self, query: str, *values: str) -> list[Any]:
        return [value for (value,) in self._db.execute(query, values).fetchall()]


def open_database(file: Path) -> sqlite3.Connection:
    """Opens a database that exists, for writing: only so can SQLite roll back what a killed writer left half done."""
    return sqlite3.connect(f"file:{quote(str(file))}?mode=rw", uri=True, timeout=SECONDS)


@contextmanager
def open_tables(file: Path) -> Iterator[Tables]:
    """Opens MLflow's tables, and closes them on exit.

    Raises:
        Unreachable: the database is gone, full, or busy for too long.
        sqlite3.Error: any other error.
    """
    try:
        with closing(open_database(file)) as db:
            db.isolation_level = None  # transactions begin where `transaction` says so
            db.execute("pragma foreign_keys = on")
            yield Tables(db)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_ERROR:  # a statement that this database does not understand
            raise
        raise Unreachable(str(error)) from error


def _listed(values: Iterable[str]) -> str:
    return json.dumps(list(values))
