import os
import sqlite3
from pathlib import Path

import pytest

from src.oracles import Proposal
from src.study.store import Message, Store
from src.trial import Outcome

START, END = Message(0, "start", {"name": "x"}), Message(0, "end", {"state": "FINISHED"})


def test_ask_and_tell_survive_the_process(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "study.db")
    store.describe(name="x", space=[["seed", 1, 2]])
    store.asked(0, Proposal({"seed": "1"}), "hash", {"cursor": 1}, START)
    store.epoch(0, 1, {"loss": 0.5})
    store.told(0, Outcome("FINISHED", {"kept/epoch": 1}, {"loss": [0.5]}, 2.0), 0.9, {"cursor": 2}, END)
    store.asked(1, Proposal({"seed": "2"}, parent=0, initial_epoch=3, epochs=9), "hash2", {"cursor": 3}, Message(1, "start", {}))
    # not closed: a killed process does not close
    again = Store.reopen(tmp_path / "study.db")
    told, asked = again.trials()
    assert (told["state"], told["score"], told["kept_epoch"], told["epochs"], told["attempts"]) == ("FINISHED", 0.9, 1, 1, 1)
    assert told["overrides"] == {"seed": "1"} and told["metrics"] == {"kept/epoch": 1}
    assert (asked["state"], asked["parent"], asked["initial_epoch"], asked["rung_epochs"]) == ("RUNNING", 0, 3, 9)
    assert again.oracle() == {"cursor": 3} and again.meta()["schema"] == "1"
    assert list(again.epochs()) == [(0, 1, {"loss": 0.5})]
    assert [message.kind for message in again.undelivered()] == ["start", "epoch", "end", "start"]


def test_a_trial_that_runs_again_keeps_its_row(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "study.db")
    for _ in range(2):
        store.asked(0, Proposal({}), "hash", {}, START)
        store.epoch(0, 1, {"loss": 0.5})
    [trial] = store.trials()
    assert (trial["state"], trial["attempts"]) == ("RUNNING", 2)
    assert [message.kind for message in store.undelivered()] == ["start", "epoch", "start"], "an epoch is delivered once"


def test_a_failed_transaction_changes_nothing() -> None:
    store = Store.create(None)
    with pytest.raises(TypeError):
        store.asked(0, Proposal({}), "hash", {"cursor": object()}, START)
    assert store.trials() == [] and store.undelivered() == []
    store.asked(0, Proposal({}), "hash", {}, START)
    assert len(store.trials()) == 1


def test_a_study_is_read_while_it_is_written(tmp_path: Path) -> None:
    writer = Store.create(tmp_path / "study.db")
    reader = Store.open(tmp_path / "study.db")
    writer.asked(0, Proposal({}), "hash", {}, START)
    assert len(reader.trials()) == 1
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.describe(name="x")


def test_a_study_of_somebody_else_is_read_without_a_file_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Store.create(tmp_path / "study.db", name="theirs").close()
    monkeypatch.setattr(os, "access", lambda *_: False)
    reader = Store.open(tmp_path / "study.db")
    assert reader.meta()["name"] == "theirs" and [file.name for file in tmp_path.iterdir()] == ["study.db"]
