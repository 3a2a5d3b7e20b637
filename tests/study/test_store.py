import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from src.errors import TrialbookError
from src.job import Outcome
from src.oracles import Proposal
from src.study.store import Message, Store

START, END = Message(0, "start", {"name": "x"}), Message(0, "end", {"state": "FINISHED"})


def test_ask_and_tell_survive_the_process(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "study.db")
    store.describe(name="x", space=[["seed", 1, 2]])
    store.start_trial(0, Proposal({"seed": "1"}), "hash", {"cursor": 1}, START)
    store.epoch(0, 1, {"loss": 0.5})
    store.end_trial(0, Outcome("FINISHED", {"kept/epoch": 1}, {"loss": [0.5]}, 2.0), 0.9, {"cursor": 2}, END)
    store.start_trial(1, Proposal({"seed": "2"}, parent=0, initial_epoch=3, epochs=9), "hash2", {"cursor": 3}, Message(1, "start", {}))
    # not closed: a killed process does not close
    again = Store.reopen(tmp_path / "study.db")
    told, asked = again.trials()
    assert (told.state, told.score, told.kept_epoch, told.epochs, told.attempts) == ("FINISHED", 0.9, 1, 1, 1)
    assert told.point == {"seed": "1"} and told.metrics == {"kept/epoch": 1}
    assert (asked.state, asked.parent, asked.initial_epoch, asked.rung_epochs) == ("RUNNING", 0, 3, 9)
    assert again.oracle() == {"cursor": 3} and again.meta()["schema"] == "3"
    assert list(again.epochs()) == [(0, 1, {"loss": 0.5})]
    assert [message.kind for message in again.undelivered()] == ["start", "epoch", "end", "start"]


def test_a_trial_that_runs_again_keeps_its_row(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "study.db")
    for _ in range(2):
        store.start_trial(0, Proposal({}), "hash", {}, START)
        store.epoch(0, 1, {"loss": 0.5})
    [trial] = store.trials()
    assert (trial.state, trial.attempts) == ("RUNNING", 2)
    assert [message.kind for message in store.undelivered()] == ["start", "epoch", "start"], "an epoch is delivered once"


def test_a_failed_transaction_changes_nothing() -> None:
    store = Store.create(None)
    with pytest.raises(TypeError):
        store.start_trial(0, Proposal({}), "hash", {"cursor": object()}, START)
    assert store.trials() == [] and store.undelivered() == []
    store.start_trial(0, Proposal({}), "hash", {}, START)
    assert len(store.trials()) == 1


def test_a_study_is_read_while_it_is_written(tmp_path: Path) -> None:
    writer = Store.create(tmp_path / "study.db")
    reader = Store.open(tmp_path / "study.db")
    writer.start_trial(0, Proposal({}), "hash", {}, START)
    assert len(reader.trials()) == 1
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.describe(name="x")


def test_a_study_of_somebody_else_is_read_without_a_file_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Store.create(tmp_path / "study.db", name="theirs").close()
    monkeypatch.setattr(os, "access", lambda *_: False)
    reader = Store.open(tmp_path / "study.db")
    assert reader.meta()["name"] == "theirs" and [file.name for file in tmp_path.iterdir()] == ["study.db"]


SCHEMA_1 = """
create table meta   (key text primary key, value text);
create table trial  (number integer primary key, overrides json, active_hash text, state text, attempts integer, parent integer,
                     initial_epoch integer, rung_epochs integer, epochs integer, run_id text, score real, kept_epoch integer, seconds real,
                     cause text, started real, ended real, metrics json);
create table epoch  (number integer, epoch integer, metrics json, primary key (number, epoch));
create table oracle (id integer primary key check (id = 1), state text);
create table outbox (id integer primary key, number integer, kind text, payload json);
insert into meta values ('schema', '1'), ('name', 'old');
insert into trial (number, overrides, active_hash, state, attempts) values (0, '{"seed": "1"}', 'hash', 'FINISHED', 1);
insert into outbox (number, kind, payload) values (0, 'start', '{}');
"""


def study_of_schema(number: int, path: Path) -> Path:
    with closing(sqlite3.connect(path)) as database:
        database.executescript(SCHEMA_1)
        database.execute("update meta set value = ? where key = 'schema'", (str(number),))
        database.commit()
    return path


def test_a_study_of_an_older_version_is_read_and_gone_on_with(tmp_path: Path) -> None:
    path = study_of_schema(1, tmp_path / "study.db")
    reader = Store.open(path)
    assert [(row.point, row.code) for row in reader.trials()] == [({"seed": "1"}, None)] and reader.waiting() == 1
    reader.close()
    writer = Store.reopen(path)
    writer.start_trial(1, Proposal({}), "hash", {}, START)
    assert writer.meta()["schema"] == "3" and len(writer.trials()) == 2 and writer.waiting() == 2


def test_a_study_of_a_newer_version_is_refused_with_both_numbers(tmp_path: Path) -> None:
    path = study_of_schema(4, tmp_path / "study.db")
    for how in (Store.open, Store.reopen):
        with pytest.raises(TrialbookError, match="schema 4; expected at most 3"):
            how(path)


def test_a_study_in_memory_is_kept_when_it_has_something_to_deliver(tmp_path: Path) -> None:
    store = Store.create(None, single=True)
    store.start_trial(0, Proposal({}), "hash", {}, START)
    store.keep(tmp_path / "study.db")
    again = Store.reopen(tmp_path / "study.db")
    assert again.meta()["single"] == "true" and [message.kind for message in again.undelivered()] == ["start"]
