"""Reads and writes the SQLite database of a study, in transactions."""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from src import files
from src.redaction import all_redacted

PAGE = 4096  # bytes by which a SQLite file grows


class Database:
    """A connection to one database. Its methods may be called from any thread."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._db.row_factory = sqlite3.Row
        self._lock = threading.RLock()

    @property
    def folder(self) -> Path | None:
        """The folder of the study and of its trials' folders; None if the study is in memory."""
        return self._file.parent if self._file.name else None

    @property
    def _file(self) -> Path:
        return Path(self._db.execute("pragma database_list").fetchone()[2])

    def close(self) -> None:
        """Closes the connection, which folds the write-ahead log into the file."""
        self._db.close()

    def _read(self, query: str, *values: Any) -> list[Any]:
        with self._lock:
            return self._db.execute(query, values).fetchall()

    def _execute(self, statement: str, *values: Any) -> None:
        self._db.execute(statement, values)

    def _describe(self, meta: dict[str, Any]) -> None:
        rows = [(key, value if isinstance(value, str) else json.dumps(value, default=str)) for key, value in all_redacted(meta).items()]
        self._db.executemany("insert or replace into meta values (?, ?)", rows)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Takes the write lock at once, and commits or rolls back as a whole."""
        with self._lock:
            try:
                self._db.execute("begin immediate")
                yield
                self._db.execute("commit")
            except BaseException as error:
                if self._db.in_transaction:  # SQLite itself rolls back when the disk is full
                    self._db.execute("rollback")
                if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
                    raise files.full(self._file, PAGE) from error
                raise
