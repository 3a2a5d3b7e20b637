"""What MLflow refuses costs nothing beside it."""

import math
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE
from requests import HTTPError, Response

from src.errors import Refused
from src.tracking.tracker import MlflowTracker
from tests.tracking.test_tracker import begin


def test_one_bad_item_costs_nothing_else(tracker: MlflowTracker, store_uri: str, tmp_path: Path) -> None:
    identity = {"trialbook.sweep": "S", "trialbook.kind": "trial", "trialbook.trial": "0", "trialbook.note": "half \udc80\0", "a@b": "x"}
    with pytest.raises(Refused, match=r"units\[0\].*long.*a@b") as start:
        tracker.start(name="n" * 300, params={"units[0]": 1, "b": 2, "long": "x" * 6001}, tags=identity, parent=None, again=False)
    run_id = start.value.run_id
    epochs = [{"epoch": n, "metrics": {"loss": float("nan"), "top@3": 0.5, "gain": float("inf")}, "time": 1e9} for n in (1, 2)]
    with pytest.raises(Refused) as reported:
        tracker.epochs(run_id, epochs)
    with pytest.raises(Refused) as ended:
        tracker.end(
            run_id, state="FINISHED", metrics={"kept/top@3": 0.5, "s": 1.0}, tags={"c": "y" * 9000}, time=1e9, folder=tmp_path / "none"
        )
    run = MlflowClient(store_uri).get_run(run_id)
    assert run.info.status == "FINISHED" and len(run.info.run_name) == 250 and run.data.params == {"b": "2"}
    assert run.data.tags["trialbook.note"] == "half \\udc80\\x00"
    assert set(run.data.metrics) == {"loss", "gain", "s"} and math.isnan(run.data.metrics["loss"])
    left = [one.value.left for one in (start, reported, ended)]
    assert [one["params"] for one in left] == [{"units[0]": "1", "long": "x" * 6001}, {}, {}]
    assert [one["tags"] for one in left] == [{"a@b": "x"}, {}, {"c": "y" * 9000}]
    assert [[epoch["metrics"] for epoch in one["epochs"]] for one in left] == [[], [{"top@3": 0.5}] * 2, [{"kept/top@3": 0.5}]]
    again = {"params": {"ok": "1"}, "epochs": [{"epoch": 2, "metrics": {"top 3": 0.5}, "time": 1e9}], "metrics": {}, "tags": {}}
    tracker.end(run_id, state=None, time=1e9, folder=tmp_path / "none", **again)  # what was left, with names that pass
    run = MlflowClient(store_uri).get_run(run_id)
    assert run.info.status == "FINISHED" and run.data.metrics["top 3"] == 0.5 and run.data.params["ok"] == "1"


def test_an_item_that_only_the_server_refuses_is_found_among_the_others(
    tracker: MlflowTracker, store_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id, log_batch = begin(tracker), tracker._client.log_batch

    def stricter(run: str, metrics: list, params: list, tags: list) -> None:
        if any(metric.key == "d" for metric in metrics):
            raise MlflowException("no d here", error_code=INVALID_PARAMETER_VALUE)
        log_batch(run, metrics=metrics, params=params, tags=tags)

    monkeypatch.setattr(tracker._client, "log_batch", stricter)
    with pytest.raises(Refused, match="d: no d here") as refused:
        tracker.epochs(run_id, [{"epoch": 1, "metrics": dict.fromkeys("abcdef", 0.5), "time": 1e9}])
    assert refused.value.left["epochs"] == [{"epoch": 1, "metrics": {"d": 0.5}, "time": 1e9}]
    assert set(MlflowClient(store_uri).get_run(run_id).data.metrics) == set("abcef")


def test_a_file_that_a_server_refuses_stays_and_the_run_ends(
    tracker: MlflowTracker, store_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id, log_artifact = begin(tracker), tracker._client.log_artifact
    (tmp_path / "kept").mkdir()
    for name in ("model.h5", "small.txt"):
        (tmp_path / "kept" / name).write_text("x")
    too_large = HTTPError("413 too large", response=Response())
    too_large.response.status_code = 413

    def refuse(run: str, path: str) -> None:
        if not path.endswith("small.txt"):
            raise too_large
        log_artifact(run, path)

    monkeypatch.setattr(tracker._client, "log_artifacts", refuse)
    monkeypatch.setattr(tracker._client, "log_artifact", refuse)
    with pytest.raises(Refused, match=r"model\.h5: 413 too large") as refused:
        tracker.end(run_id, state="FINISHED", metrics={}, tags={}, time=1e9, folder=tmp_path / "kept")
    assert refused.value.left["files"] == "kept" and [one.name for one in (tmp_path / "kept").iterdir()] == ["model.h5"]
    assert MlflowClient(store_uri).get_run(run_id).info.status == "FINISHED"
