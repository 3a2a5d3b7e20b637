"""Databases of other versions of MLflow, of other programs, and of servers that are away."""

import logging
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from mlflow.store.db import utils

from src.errors import TrialbookError
from src.tracking import schema, upkeep
from src.tracking.store import client

OLDER = "75868b020152"  # the schema before that of MLflow 3.17


@pytest.fixture
def team(tmp_path: Path, prepared_store: Path) -> Path:
    return Path(shutil.copy(prepared_store, tmp_path / "team.db"))


def version(file: Path, new: str = "") -> str:
    with closing(sqlite3.connect(file)) as database, database:
        if new:
            database.execute("update alembic_version set version_num = ?", (new,))
        return str(database.execute("select version_num from alembic_version").fetchone()[0])


def test_an_older_database_is_copied_before_it_is_brought_up_and_a_line_says_so(
    team: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = version(team)
    version(team, OLDER)
    monkeypatch.setattr(utils, "_upgrade_db", lambda engine: version(Path(engine.url.database), now))  # a real one takes seconds
    monkeypatch.setattr(logging.getLogger("src"), "propagate", True)
    with caplog.at_level("WARNING", "src.tracking.schema"):
        schema.upgrade(team)
    copy = team.with_name(f"team.db.schema-{OLDER}")
    assert (version(team), version(copy)) == (now, OLDER)
    assert str(copy) in caplog.text and "older MLflow" in caplog.text
    assert upkeep.neighbours(team) == [], "the copy is no other store"


def test_a_database_that_is_not_ours_to_change_is_left_as_it_is(team: Path, tmp_path: Path) -> None:
    version(team, "f00000000000")
    with pytest.raises(TrialbookError, match="newer MLflow"), client(f"sqlite:///{team}"):
        pass
    other = tmp_path / "shop.db"
    with closing(sqlite3.connect(other)) as database, database:
        database.execute("create table orders (id integer)")
    before = other.read_bytes()
    with pytest.raises(TrialbookError, match="something else, with the table orders"), client(f"sqlite:///{other}"):
        pass
    assert other.read_bytes() == before and version(team) == "f00000000000"


@pytest.mark.parametrize("uri", ["postgresql+psycopg://me:tiger@127.0.0.1:9/runs", "postgresql+nothing://h/runs"])
def test_a_database_server_is_tried_once(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(utils, "create_sqlalchemy_engine_with_retry", lambda _: pytest.fail("MLflow would try ten times"))
    with pytest.raises(TrialbookError, match="Expected a running database server"), client(uri):
        pass


def test_a_store_in_memory_is_refused() -> None:
    with pytest.raises(TrialbookError, match=r"tracking.uri=sqlite://: a store in memory"), client("sqlite://"):
        pass
