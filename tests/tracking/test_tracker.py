"""What a tracker writes, read back from the store."""

import hashlib
from pathlib import Path

import pytest
from mlflow import MlflowClient

from src.errors import TrialbookError
from src.tracking import links
from src.tracking.store import connect
from src.tracking.tracker import MlflowTracker
from src.trial import Outcome

HISTORY = {"loss": [0.5, 0.4], "val_accuracy": [0.7, 0.8]}


@pytest.fixture
def tracker(store_uri: str) -> MlflowTracker:
    return MlflowTracker(store_uri, "digits", "20260101-000000-abcd", {"trialbook.sweep": "20260101-000000-abcd"})


def test_a_sweep_is_a_parent_and_a_run_per_trial(tracker: MlflowTracker, store_uri: str, tmp_path: Path) -> None:
    tracker.open("sweep", {"oracle": "grid"}, {"trialbook.objective": "max:val_accuracy"}, "**why**")
    run_id = tracker.start(0, "optimizer=sgd", {"optimizer": "sgd", "optimizer.learning_rate": 0.1}, {"trialbook.trial": "0"})
    for epoch in (1, 2):
        tracker.epoch(0, epoch, {name: values[epoch - 1] for name, values in HISTORY.items()})
    files = {"model.h5": b"whole", "model.weights.h5": b"weights", "history.csv": b"epoch"}
    tracker.finish(0, Outcome("FINISHED", {"kept/val_accuracy": 0.8}, HISTORY, 1.0, files=files, facts={"device": "CPU"}))
    tracker.close("FINISHED", {"trials/finished": 1.0}, {}, {"table.csv": b"rank"})
    assert not tracker.lost

    client = MlflowClient(store_uri)
    parent, child = sorted(
        client.search_runs([run.experiment_id for run in client.search_experiments()]), key=lambda run: run.info.run_id == run_id
    )
    assert child.info.run_id == run_id
    assert (parent.info.status, child.info.status) == ("FINISHED", "FINISHED")
    assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert child.data.tags["trialbook.sweep"] == parent.data.tags["trialbook.sweep"]
    assert child.data.tags["trialbook.sha256.model"] == hashlib.sha256(b"whole").hexdigest()
    assert child.data.tags["trialbook.sha256.weights"] == hashlib.sha256(b"weights").hexdigest()
    assert child.data.tags["trialbook.device"] == "CPU"
    assert child.data.params == {"optimizer": "sgd", "optimizer.learning_rate": "0.1"}
    assert [(metric.step, metric.value) for metric in client.get_metric_history(run_id, "loss")] == [(1, 0.5), (2, 0.4)]
    artifacts = tmp_path / "mlruns" / "artifacts" / run_id / "artifacts"
    assert {file.name: file.read_bytes() for file in artifacts.iterdir()} == files
    assert parent.data.tags["mlflow.note.content"] == "**why**"


def test_a_failed_trial_says_why(tracker: MlflowTracker, store_uri: str) -> None:
    run_id = tracker.start(0, "x", {}, {})
    tracker.finish(0, Outcome("FAILED", cause="ValueError: no", files={"traceback.txt": b"Traceback"}))
    run = MlflowClient(store_uri).get_run(run_id)
    assert run.info.status == "FAILED"
    assert run.data.tags["trialbook.cause"] == "ValueError: no"
    assert "mlflow.parentRunId" not in run.data.tags


def test_an_outage_is_noted_and_not_raised(tracker: MlflowTracker, store_uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tracker.start(0, "x", {}, {})

    def down(*_: object, **__: object) -> None:
        raise ConnectionError("server is down")

    monkeypatch.setattr(tracker._client, "log_batch", down)
    tracker.epoch(0, 1, {"loss": 0.5})
    tracker.finish(0, Outcome("FINISHED"))
    assert tracker.lost == ["epoch: server is down", "finish: server is down"]


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


def test_links_are_encoded_and_change_with_the_number_of_runs() -> None:
    assert (
        links.comparison("sqlite:///x", "1", ["a"], "S", "val_accuracy")
        == "http://127.0.0.1:5000/#/experiments/1/runs/a?workflowType=machine_learning"
    )
    assert (
        links.comparison("http://h:1/", "1", ["a", "b"], "S", "val_accuracy")
        == "http://h:1/#/compare-runs?runs=%5B%22a%22%2C%20%22b%22%5D&experiments=%5B%221%22%5D&workflowType=machine_learning"
    )
    many = links.comparison("sqlite:///x", "1", ["a"] * 51, "S", "val_accuracy")
    assert "compareRunsMode=CHART" in many and "orderByKey=metrics.%60kept/val_accuracy%60" in many and " " not in many
