"""Sweeps against a real MLflow server, artifacts through the server: on PostgreSQL as teams have it, where it is installed."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from mlflow import MlflowClient

from tests.tracking.team import mlflow_server, postgresql, programs


@pytest.fixture
def server(tmp_path: Path, prepared_store: Path) -> Iterator[str]:
    with ExitStack() as stack:
        if programs():
            store = stack.enter_context(postgresql())
        else:
            (tmp_path / "server.db").write_bytes(prepared_store.read_bytes())
            store = f"sqlite:///{tmp_path}/server.db"
        yield stack.enter_context(mlflow_server(store, tmp_path / "kept"))


@pytest.mark.long
def test_sweeps_are_recorded_by_a_server(server: str, command: Callable, cold_command: Callable, tmp_path: Path, store_uri: str) -> None:
    for number, executor in enumerate(("local", "ray"), 1):
        run = cold_command if executor == "ray" else command  # Ray does not survive a fork
        done = run(
            "src.sweep", "-m", "data=digits", "training.epochs=2", "optimizer=sgd,adam", f"executor={executor}", MLFLOW_TRACKING_URI=server
        )
        assert done.returncode == 0 and done.stderr == "", done.stdout + done.stderr
        assert f"{server}/#/experiments/" in done.stdout and "compareRunsMode=CHART" in done.stdout
        client = MlflowClient(server)
        found = client.search_runs([client.get_experiment_by_name("digits").experiment_id])
        assert sorted(run.data.tags["trialbook.kind"] for run in found) == [*["sweep"] * number, *["trial"] * 2 * number]
        assert {run.info.status for run in found} == {"FINISHED"}
        trials = [run for run in found if run.data.tags["trialbook.kind"] == "trial"]
        for trial in trials:
            assert "model.h5" in {file.path for file in client.list_artifacts(trial.info.run_id)}
            assert [metric.step for metric in client.get_metric_history(trial.info.run_id, "val_accuracy")] == [1, 2]
        assert len({trial.data.metrics["kept/val_accuracy"] for trial in trials}) == 2  # the same digits by either executor
        assert len(list((tmp_path / "kept").rglob("model.h5"))) == 2 * number
    assert MlflowClient(store_uri).get_experiment_by_name("digits") is None
