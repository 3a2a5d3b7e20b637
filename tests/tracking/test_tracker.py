"""What a tracker writes, read back from the store."""

import hashlib
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from src.artifacts import DIGEST_TAGS
from src.errors import TrialbookError, Unreachable
from src.exits import exit_on_error
from src.objective import Objective
from src.tracking import links
from src.tracking.runs import SURROUNDINGS, Runs
from src.tracking.store import client, connect, look_up, read
from src.tracking.tracker import MlflowTracker
from tests.waiting import until

HISTORY = {"loss": [0.5, 0.4], "val_accuracy": [0.7, 0.8]}


def begin(tracker: MlflowTracker, trial: str = "0", parent: str | None = None, again: bool = False, **tags: str) -> str:
    identity = {"trialbook.sweep": "S", "trialbook.kind": "trial", "trialbook.trial": trial, **tags}
    return tracker.start(name=f"trial {trial}", params={"optimizer.learning_rate": 0.1}, tags=identity, parent=parent, again=again)


def test_a_sweep_is_a_parent_and_a_run_per_trial(tracker: MlflowTracker, store_uri: str, tmp_path: Path) -> None:
    note = {"trialbook.sweep": "S", "trialbook.kind": "sweep", "mlflow.note.content": "**why**"}
    parent_id = tracker.start(name="sweep", params={"oracle": "grid"}, tags=note, parent=None, again=False)
    run_id = begin(tracker, parent=parent_id)
    for epoch in (1, 2):
        tracker.epochs(run_id, [{"epoch": epoch, "metrics": {name: values[epoch - 1] for name, values in HISTORY.items()}, "time": 1e9}])
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "model.h5").write_bytes(b"whole")
    tags = {"trialbook.device": "CPU"}
    tracker.end(run_id, state="FINISHED", metrics={"kept/val_accuracy": 0.8}, tags=tags, time=1e9, folder=tmp_path / "files")
    tracker.end(parent_id, state="KILLED", metrics={"trials/finished": 1.0}, tags={}, time=1e9, folder=tmp_path / "none")
    client = MlflowClient(store_uri)
    parent, child = client.get_run(parent_id), client.get_run(run_id)
    assert (parent.info.status, child.info.status) == ("KILLED", "FINISHED")
    assert child.data.tags["mlflow.parentRunId"] == parent_id and child.data.tags["trialbook.device"] == "CPU"
    assert child.data.params == {"optimizer.learning_rate": "0.1"}
    assert [(metric.step, metric.value) for metric in client.get_metric_history(run_id, "loss")] == [(1, 0.5), (2, 0.4)]
    artifacts = tmp_path / "mlruns" / "artifacts" / run_id / "artifacts"
    assert {file.name: file.read_bytes() for file in artifacts.iterdir()} == {"model.h5": b"whole"}
    assert parent.data.tags["mlflow.note.content"] == "**why**"


def test_a_run_that_somebody_tags_is_stopped_once(tracker: MlflowTracker, store_uri: str) -> None:
    mine, other = begin(tracker), begin(tracker, "1")
    client = MlflowClient(store_uri)
    for run_id, value in ((mine, "True"), (other, "true")):
        client.set_tag(run_id, "trialbook.stop", value)
    assert tracker.stopped(lambda run_id: run_id == mine) == [mine]
    assert tracker.stopped(lambda run_id: run_id == mine) == []
    assert [client.get_run(run_id).data.tags["trialbook.stop"] for run_id in (mine, other)] == ["heard", "true"]


def test_with_a_gpu_a_sweep_has_system_metrics(
    tracker: MlflowTracker, store_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda _: "nvidia-smi")
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.1")
    run_id = begin(tracker, **{"trialbook.kind": "sweep"})
    client = MlflowClient(store_uri)
    until(lambda: "system/cpu_utilization_percentage" in client.get_run(run_id).data.metrics)
    tracker.end(run_id, state="FINISHED", metrics={}, tags={}, time=1e9, folder=tmp_path / "none")
    assert not any(thread.name == "SystemMetricsMonitor" for thread in threading.enumerate())


def test_a_message_that_comes_twice_is_the_same_as_once(tracker: MlflowTracker, store_uri: str, tmp_path: Path) -> None:
    run_id = begin(tracker)
    assert begin(tracker, again=True) == run_id != begin(tracker, "1", again=True)
    for _ in range(2):
        tracker.epochs(run_id, [{"epoch": 1, "metrics": {"loss": 0.5}, "time": 1e9}])
        tracker.end(run_id, state="FINISHED", metrics={}, tags={}, time=1e9, folder=tmp_path / "none")
    assert len(MlflowClient(store_uri).get_metric_history(run_id, "loss")) == 1


def test_a_trial_that_runs_again_is_the_same_run(tracker: MlflowTracker, store_uri: str, tmp_path: Path) -> None:
    run_id = begin(tracker, **{"trialbook.attempt": "1"})
    tracker.end(run_id, state="KILLED", metrics={}, tags={}, time=1e9, folder=tmp_path / "none")
    assert begin(tracker, again=True, **{"trialbook.attempt": "2"}) == run_id
    run = MlflowClient(store_uri).get_run(run_id)
    assert run.info.status == "RUNNING" and run.data.tags["trialbook.attempt"] == "2"


def test_a_deleted_experiment_takes_no_sweep_and_is_found_by_its_id(tracker: MlflowTracker, store_uri: str) -> None:
    client, parent = MlflowClient(store_uri), begin(tracker, **{"trialbook.kind": "sweep"})
    client.rename_experiment(tracker.experiment_id, "paper")
    assert look_up(store_uri, "digits", tracker.experiment_id, parent) == "paper"
    assert MlflowTracker(store_uri, "digits", tracker.experiment_id).experiment_id == tracker.experiment_id
    client.delete_run(parent)
    with pytest.raises(TrialbookError, match=f"was deleted.*\nRestore it: .* mlflow runs restore --run-id {parent}"):
        look_up(store_uri, "digits", tracker.experiment_id, parent)
    with pytest.raises(TrialbookError, match="is not there"):
        look_up(store_uri, "digits", tracker.experiment_id, "0" * 32)
    with pytest.raises(TrialbookError, match=r"experiment digits \(id 77\)"):
        look_up(store_uri, "digits", "77")
    client.delete_experiment(tracker.experiment_id)
    for call in (look_up, MlflowTracker):
        with pytest.raises(TrialbookError, match=r"deleted in MLflow.*\nRestore it: .*--experiment-id 1\nor choose another"):
            call(store_uri, "paper")


def test_a_deleted_run_is_not_made_twice(tracker: MlflowTracker, store_uri: str) -> None:
    run_id, client = begin(tracker), MlflowClient(store_uri)
    client.delete_run(run_id)
    with pytest.raises(MlflowException, match="must be in the 'active' state"):
        begin(tracker, again=True)
    client.restore_run(run_id)
    assert begin(tracker, again=True) == run_id


def test_an_outage_is_told_from_a_refusal(tracker: MlflowTracker, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = begin(tracker)
    with pytest.raises(MlflowException):
        tracker.epochs("no such run", [{"epoch": 1, "metrics": {"loss": 0.5}, "time": 1e9}])

    def down(*_: object, **__: object) -> None:
        raise ConnectionError("server is down")

    monkeypatch.setattr(tracker._client, "log_batch", down)
    with pytest.raises(Unreachable, match="server is down"):
        tracker.epochs(run_id, [{"epoch": 1, "metrics": {"loss": 0.5}, "time": 1e9}])


def test_a_store_that_does_not_answer_is_told_before_anything_runs() -> None:
    with pytest.raises(TrialbookError, match=r"127\.0\.0\.1:9.*Expected a running MLflow server"):
        connect("http://127.0.0.1:9", "x")
    with pytest.raises(TrialbookError, match="sqlite:///PATH"):
        connect("mlruns", "x")


def test_a_moved_store_is_refused(store_uri: str, tmp_path: Path) -> None:
    connect(store_uri, "x")
    (tmp_path / "mlruns").rename(tmp_path / "moved")
    with pytest.raises(TrialbookError, match="was moved or copied"):
        connect(store_uri.replace("mlruns/", "moved/"), "x")


def test_an_experiment_may_keep_its_artifacts_elsewhere(store_uri: str, tmp_path: Path) -> None:
    (tmp_path / "big disk" / "artifacts").mkdir(parents=True)
    with client(store_uri) as connected:
        connected.create_experiment("mine", artifact_location=(tmp_path / "big disk" / "artifacts").as_uri())
    connect(store_uri, "x")


def test_a_transaction_cut_short_by_a_kill_is_taken_back(tracker: MlflowTracker, store_uri: str) -> None:
    file = store_uri.removeprefix("sqlite:///")
    script = """
import os, sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("pragma cache_size = 1")
database.execute("begin")
database.execute("update experiments set name = 'half done' where experiment_id = 1")
database.execute("create table bulk as with recursive n(i) as (select 1 union all select i + 1 from n where i < 9999) select i from n")
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", script, file], check=True)
    assert Path(f"{file}-journal").stat().st_size
    connect(store_uri, "digits")
    assert read(Path(file), "select name from experiments where experiment_id = 1") == [("digits",)]


def test_epochs_stay_in_their_order_though_the_clock_was_set_back(tracker: MlflowTracker, store_uri: str) -> None:
    run_id = begin(tracker)
    for epoch in (1, 2):
        tracker.epochs(run_id, [{"epoch": epoch, "metrics": {"loss": 1 / epoch}, "time": 1e9 - epoch}])
    assert Runs(store_uri).recorded(run_id).history("loss") == [1.0, 0.5]


def test_what_mlflow_says_is_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end, exit_on_error():
        raise MlflowException("attempt to write a readonly database\nand more")
    assert end.value.code == 2 and capsys.readouterr().err.startswith("MLflow: attempt to write a readonly database. Expected")


def test_links_are_encoded_and_open_the_charts_best_first() -> None:
    accuracy, loss = Objective("val_accuracy", "max"), Objective("val_loss", "min")
    assert (
        links.comparison("sqlite:///x", "1", ["a"], "S", accuracy)
        == "http://127.0.0.1:5000/#/experiments/1/runs/a?workflowType=machine_learning"
    )
    several = links.comparison("http://h:1/", "1", ["a", "b"], "S", accuracy)
    assert several.startswith("http://h:1/#/experiments/1/runs?searchFilter=tags.%60trialbook.sweep%60%20%3D%20%22S%22%20and%20")
    assert "orderByKey=metrics.%60kept/val_accuracy%60&orderByAsc=false&compareRunsMode=CHART" in several and " " not in several
    assert "kept/val_loss%60&orderByAsc=true" in links.comparison("sqlite:///x", "1", ["a", "b"], "S", loss)


@pytest.mark.parametrize("whole", [("model.h5", "model.keras"), ("model.keras",), ()])
def test_a_run_without_a_whole_model_is_read_by_its_weights(whole: tuple, tracker: MlflowTracker, store_uri: str, tmp_path: Path) -> None:
    contents = {"model.weights.h5": b"w" * 2**20, **{name: name.encode() * 2**20 for name in whole}}
    (tmp_path / "files").mkdir()
    for name, content in contents.items():
        (tmp_path / "files" / name).write_bytes(content)
    run_id = begin(tracker, **{f"trialbook.{name}": "1" for name in ("overrides", "config_hash", "objective")})
    MlflowClient(store_uri).log_param(run_id, "data", "digits")
    tags = {DIGEST_TAGS[name]: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    tags |= dict.fromkeys(SURROUNDINGS, "1")
    tracker.end(run_id, state="FINISHED", metrics={"kept/val_accuracy": 0.8}, tags=tags, time=1e9, folder=tmp_path / "files")
    assert Runs(store_uri).read(run_id).megabytes == len(whole[0] if whole else "w")
