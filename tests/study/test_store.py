import sqlite3
from pathlib import Path

import pytest

from src.study.store import Store
from src.trial import Outcome


def test_ask_and_tell_survive_the_process(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "study.db")
    store.describe(name="x", space=[["seed", 1, 2]])
    store.asked(0, {"seed": "1"}, "hash", {"cursor": 1})
    store.recorded(0, "run")
    store.epoch(0, 1, {"loss": 0.5})
    store.told(0, Outcome("FINISHED", {"kept/epoch": 1}, {"loss": [0.5]}, 2.0), 0.9, {"cursor": 2})
    store.asked(1, {"seed": "2"}, "hash2", {"cursor": 3})
    # not closed: a killed process does not close
    db = sqlite3.connect(tmp_path / "study.db")
    assert db.execute("select number, state, score, kept_epoch, epochs, run_id from trial").fetchall() == [
        (0, "FINISHED", 0.9, 1, 1, "run"),
        (1, "RUNNING", None, None, None, None),
    ]
    assert db.execute("select state from oracle").fetchall() == [('{"cursor": 3}',)]
    assert db.execute("select metrics from epoch").fetchall() == [('{"loss": 0.5}',)]
    assert store.meta()["schema"] == "1"


def test_a_failed_transaction_changes_nothing(tmp_path: Path) -> None:
    store = Store.create(None)
    store.asked(0, {}, "hash", {"cursor": 1})
    with pytest.raises(sqlite3.IntegrityError):
        store.asked(0, {}, "hash", {"cursor": 2})
    store.asked(1, {}, "hash", {"cursor": 3})
    assert [trial["number"] for trial in store.trials()] == [0, 1]
