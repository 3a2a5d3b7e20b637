"""A sweep against a real `mlflow server`, artifacts through the server."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient

from src.tracking.ui import free_port


@pytest.fixture
def server(tmp_path: Path, prepared_store: Path) -> Iterator[str]:
    address = f"http://127.0.0.1:{(port := free_port(5200 + os.getpid() % 1000))}"
    (tmp_path / "server.db").write_bytes(prepared_store.read_bytes())
    command = f"mlflow server --host 127.0.0.1 --port {port} --workers 1 --backend-store-uri sqlite:///{tmp_path}/server.db"
    command += f" --artifacts-destination {tmp_path}/kept"
    with subprocess.Popen([sys.executable, "-m", *command.split()], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        for _ in range(200):
            try:
                urllib.request.urlopen(f"{address}/health", timeout=1)
                break
            except OSError:
                time.sleep(0.3)
        yield address
        process.terminate()


def test_a_sweep_is_recorded_by_a_server(server: str, command: Callable, tmp_path: Path, store_uri: str) -> None:
    done = command("src.sweep", "-m", "data=digits", "training.epochs=2", "optimizer=sgd,adam", MLFLOW_TRACKING_URI=server)
    assert done.returncode == 0 and done.stderr == "", done.stdout + done.stderr
    assert f"{server}/#/compare-runs" in done.stdout
    assert MlflowClient(store_uri).get_experiment_by_name("digits") is None
    client = MlflowClient(server)
    found = client.search_runs([client.get_experiment_by_name("digits").experiment_id])
    assert sorted(run.data.tags["trialbook.kind"] for run in found) == ["sweep", "trial", "trial"]
    assert {run.info.status for run in found} == {"FINISHED"}
    for run in found:
        if run.data.tags["trialbook.kind"] == "trial":
            assert "model.h5" in {file.path for file in client.list_artifacts(run.info.run_id)}
    assert len(list((tmp_path / "kept").rglob("model.h5"))) == 2
