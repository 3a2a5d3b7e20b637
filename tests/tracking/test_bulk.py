"""Many runs at once are the records that MLflow's own API makes of the same messages, one by one."""

import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

from src import files
from src.errors import Unreachable
from src.oracles import Proposal
from src.study.outbox import Outbox
from src.study.store import Message, Store
from src.tracking import local
from src.tracking.local import Tables
from src.tracking.store import read
from src.tracking.tracker import MlflowTracker
from tests.waiting import until

NAN, INF = float("nan"), float("inf")
SWEEP = {"trialbook.sweep": "S", "trialbook.kind": "sweep"}
METRICS = "key, value, typeof(value), timestamp, step, is_nan, typeof(is_nan)"
ROWS = {  # ids that are drawn at random are replaced by names
    "experiments": "select name, lifecycle_stage from experiments",
    "runs": """select name, source_type, source_name, entry_point_name, user_id, status, start_time, end_time, source_version,
        lifecycle_stage, replace(artifact_uri, run_uuid, 'ID'), experiment_id, deleted_time is null from runs""",
    "params": "select r.name, key, value from params join runs r using (run_uuid)",
    "tags": """select r.name, key, coalesce(parent.name, value) from tags join runs r using (run_uuid)
        left join runs parent on parent.run_uuid = value""",
    "metrics": f"select r.name, {METRICS} from metrics join runs r using (run_uuid)",  # noqa: S608
    "latest_metrics": f"select r.name, {METRICS} from latest_metrics join runs r using (run_uuid)",  # noqa: S608
    "datasets": "select experiment_id, name, digest, dataset_source_type, dataset_source, dataset_schema, dataset_profile from datasets",
    "inputs": """select r.name, i.source_type, destination_type, step, d.name, t.name, t.value from inputs i
        join runs r on run_uuid = destination_id join datasets d on dataset_uuid = source_id join input_tags t using (input_uuid)""",
}


def start(number: int, at: float | None = 5.0, **changes: Any) -> Message:
    tags = {"trialbook.sweep": "S", "trialbook.kind": "trial", "trialbook.trial": str(number), "trialbook.attempt": "1", "mine": "true"}
    run = {"name": f"trial {number}", "params": {"lr": 0.1, "n": number, "none": None}, "tags": tags, "time": at}
    return Message(number, "start", run | changes | {"tags": tags | changes.get("tags", {})})


def epoch(number: int, step: int, at: float = 10.0, **metrics: float) -> Message:
    return Message(number, "epoch", {"epoch": step, "metrics": metrics, "time": at})


def end(number: int, state: str | None = "FINISHED", files: str = "none", at: float = 20.0, **contents: Any) -> Message:
    return Message(number, "end", {"state": state, "metrics": {}, "tags": {}, "time": at, "files": files} | contents)


DATA = {"dataset": {"name": "digits", "digest": "d" * 64}}
PARENT = Message(None, "start", {"name": "sweep", "params": {"oracle": "grid"}, "tags": SWEEP, "time": 1.0})
SCRIPT = [
    (
        *(PARENT, start(0), epoch(0, 1, loss=0.5, acc=NAN), epoch(0, 2, loss=INF, acc=1), epoch(0, 3, loss=-INF)),
        end(0, files="kept", metrics={"kept/loss": 0.5, "loss": 9.0}, tags={"trialbook.device": "CPU"}, **DATA),
    ),
    (
        *(start(1), epoch(1, 1, loss=0.1), epoch(1, 1, loss=0.1), epoch(1, 1, loss=NAN), epoch(1, 1, loss=NAN), epoch(1, 1, loss=-0.0)),
        *(start(2, name="n" * 300, tags={"mlflow.note.content": "x" * 9000}), epoch(2, 5, a=1.0), epoch(2, 3, a=2.0)),
        *(epoch(2, 5, 11.0, a=0.5), start(3), epoch(3, 1, **{"loss": 0.2, "top@3": 0.5}), end(3, metrics={"b": 2})),  # top@3 is refused
        *(start(4), end(4, "FAILED", **DATA)),
    ),
    (
        *(epoch(2, 4, a=7.0), epoch(2, 5, 11.0, a=0.5), epoch(2, 5, 11.0, a=0.75), end(2, "KILLED")),
        *(end(1, None, "kept", tags={"late": "1", "mine": "false"}), end(1, **DATA), end(1, None, "more", metrics={"more": 1.0})),
    ),
    (
        start(2, tags={"trialbook.attempt": "2"}, params={"lr": 0.2, "new": 1}),
        *(epoch(2, 6, a=0.25), end(2, "FINISHED", at=30.0, **DATA), start(4, params={"lr": 0.1}), start(5, params={"x@y": 1, "ok": 2})),
        *(end(5), start(6), start(7, tags={"mlflow.runName": "seven"}), end(7)),
    ),
    (
        end(6, "FINISHED", params={"lr": 0.1, "added": 1}, epochs=[{"epoch": 1, "metrics": {"z": 1.0}, "time": 3.0}]),
        *(end(4, "KILLED"), end(0, None, tags={"trialbook.note": "", "mine": "again"})),
        Message(None, "end", end(0, metrics={"trials": 8.0}).payload),
    ),
]


class Side:
    """A study and a store. The runs that MLflow's API took alone are those of `alone`."""

    def __init__(self, folder: Path, prepared: Path) -> None:
        self.folder, self.file = folder, folder / "mlruns" / "mlflow.db"
        self.file.parent.mkdir(parents=True)
        shutil.copy(prepared, self.file)
        self.store, self.tracker = Store.create(folder / "study.db"), MlflowTracker(f"sqlite:///{self.file}", "digits")
        self.alone: list[str] = []
        create = self.tracker._client.create_run
        self.tracker._client.create_run = lambda *run: (self.alone.append(run[-1]), create(*run))[1]

    def post(self, *messages: Message) -> None:
        for message in messages:
            for name in ["config.yaml", "sub/curves.png"] if message.payload.get("files", "none") != "none" else []:
                files.write(self.folder / str(message.number) / "undelivered" / message.payload["files"] / name, b"x")
            if message.kind == "start" and message.number is not None:
                self.store.start_trial(message.number, Proposal({}), "hash", {}, message)
            else:
                self.store.post(message)

    def deliver(self, *messages: Message, again: bool = False) -> int:
        """Returns the number of messages that are left after a first attempt; the same outbox may make others."""
        outbox = Outbox(self.store, self.tracker, lambda number: self.folder / str(number))
        self.post(*messages)
        left = outbox.flush()
        if again:
            until(lambda: not self.store.undelivered(1))
        outbox.close()
        return left

    def records(self) -> dict[str, list[str]]:
        """What is in the store and in the study: tables, files, refusals."""
        names = dict(read(self.file, "select run_uuid, name from runs"))
        found = [file for file in (self.file.parent / "artifacts").rglob("*") if file.is_file()]
        tables = {table: [repr(row).replace(str(self.folder), "") for row in read(self.file, query)] for table, query in ROWS.items()}
        artifacts = [f"{names[file.parts[file.parts.index('artifacts') + 1]]} {file.name} {file.stat().st_mode}" for file in found]
        refusals = [re.sub("[0-9a-f]{32}", "ID", why) for why in self.store.refusals()]
        waiting = [file.name for file in self.folder.rglob("undelivered")]
        return {name: sorted(some) for name, some in {**tables, "files": artifacts, "refusals": refusals, "waiting": waiting}.items()}


@pytest.fixture
def side(prepared_store: Path, tmp_path: Path) -> Side:
    return Side(tmp_path / "bulk", prepared_store)


@pytest.fixture
def slow(prepared_store: Path, tmp_path: Path) -> Side:
    return with_the_api_alone(tmp_path, prepared_store)


def with_the_api_alone(folder: Path, prepared: Path) -> Side:
    made = Side(folder / "slow", prepared)
    made.tracker._bulk = None
    return made


@pytest.fixture(scope="module")
def expected(prepared_store: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, list[str]]]:
    """The records after each part of the script."""
    slow, found = with_the_api_alone(tmp_path_factory.mktemp("api"), prepared_store), []
    for messages in SCRIPT:
        slow.post(*messages)
        assert slow.deliver() == 0
        found.append(slow.records())
    assert len(slow.alone) == 9 and all(found[-1][table] for table in ROWS) and len(found[-1]["files"]) == 4
    return found


def test_the_records_are_those_of_the_api(side: Side, expected: list[dict[str, list[str]]]) -> None:
    for messages, records in zip(SCRIPT, expected, strict=True):
        side.post(*messages)
        assert side.deliver() == 0
        assert side.records() == records
    assert side.alone == ["sweep", "trial 3", "trial 5", "trial 7"]  # those of which something is unusual


@pytest.mark.parametrize("killed", [True, pytest.param(False, marks=pytest.mark.long)])
@pytest.mark.parametrize("cut", ["Tables.settle", "Tables.use", "Store.delivered"])
def test_what_was_cut_off_arrives_once(
    cut: str, killed: bool, side: Side, expected: list[dict[str, list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, name = {"Tables": Tables, "Store": Store}[cut.partition(".")[0]], cut.partition(".")[2]
    working, cuts = getattr(owner, name), 0
    monkeypatch.setattr("src.study.outbox.FIRST_PAUSE", 0.01)
    for messages, records in zip(SCRIPT, expected, strict=True):
        calls = []

        def cutting(self: Any, *arguments: Any, calls: list[int] = calls) -> Any:
            calls.append(1)
            if len(calls) == (2 if name == "delivered" and messages[0] is PARENT else 1):  # noqa: B023  the sweep's own run comes first
                raise Unreachable("cut off")
            return working(self, *arguments)

        with monkeypatch.context() as broken:
            broken.setattr(owner, name, cutting)
            cuts += side.deliver(*messages, again=not killed) > 0
        assert side.deliver() == 0
        assert side.records() == records
    assert cuts > 2


def test_a_row_that_only_the_database_refuses_spoils_no_neighbour(side: Side, slow: Side) -> None:
    for one in (side, slow):
        with closing(sqlite3.connect(one.file)) as other:
            other.execute("create trigger t before insert on params when new.value = 'odd' begin select raise(abort, 'odd'); end")
        one.post(PARENT, start(0, params={"b": "odd", "a": 1}), end(0), start(1), end(1))
        assert one.deliver() == 0
    assert side.records() == slow.records()
    assert len(side.store.refusals()) == 1 and len(side.records()["params"]) == 5


def test_deleted_runs_and_experiments_take_nothing(side: Side, slow: Side) -> None:
    for one in (side, slow):
        one.post(*SCRIPT[0], start(1))
        one.deliver()
        one.tracker._client.delete_run(one.store.run_id(0))
        one.post(epoch(0, 9, loss=0.5), end(0, tags={"late": "yes"}), epoch(1, 9, loss=0.5))
        one.deliver()
        one.tracker._client.delete_experiment(one.tracker.experiment_id)
        one.post(start(2), end(2))
        assert one.deliver() == 0
    assert len(side.store.refusals()) == 4
    assert side.records() == slow.records()


def test_another_writer_is_waited_for(side: Side, slow: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "SECONDS", 0.01)
    side.post(PARENT)
    side.deliver()
    side.post(*SCRIPT[0][1:])
    with closing(sqlite3.connect(side.file)) as other:
        other.execute("begin immediate")
        assert side.deliver() == len(SCRIPT[0]) - 1
    assert side.deliver() == 0
    slow.post(*SCRIPT[0])
    slow.deliver()
    assert side.records() == slow.records()


def test_a_file_that_is_refused_waits_with_its_reason(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise MlflowException.invalid_parameter_value("too large")

    monkeypatch.setattr(Path, "rename", lambda *_: (_ for _ in ()).throw(OSError("another disk")))
    monkeypatch.setattr(LocalArtifactRepository, "log_artifacts", refuse)
    monkeypatch.setattr(LocalArtifactRepository, "log_artifact", refuse)
    side.post(PARENT, start(0), end(0, files="kept"), start(1), end(1))
    assert side.deliver() == 0
    assert side.store.refusals() == ["end: config.yaml: too large; sub: too large"] and side.alone == ["sweep"]
    assert read(side.file, "select count(*) from runs where status = 'FINISHED'") == [(2,)]


def test_the_tables_of_another_mlflow_are_left_to_its_api(side: Side) -> None:
    with closing(sqlite3.connect(side.file)) as other:
        other.execute("alter table tags add column novelty text")
    side.post(*SCRIPT[0])
    assert side.deliver() == 0 and side.alone == ["sweep", "trial 0"] and not side.store.refusals()


@pytest.mark.parametrize("table", local.COLUMNS)
def test_the_tables_of_this_mlflow_are_known(table: str, prepared_store: Path) -> None:
    assert {name for (name,) in read(prepared_store, "select name from pragma_table_info(?)", table)} == set(local.COLUMNS[table])
