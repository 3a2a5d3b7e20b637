"""Sweeps on a real Ray cluster of two nodes, the second of which shares no disk with the driver."""

import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from src import executors
from src.config.paths import ROOT
from src.errors import ConfigError
from src.executors import ray_cluster as ray
from tests.executors.cluster import Cluster, hiding, two_nodes
from tests.waiting import PATIENCE, until

pytestmark = pytest.mark.skipif(not hiding([]), reason="skipped: this system cannot hide a folder from a process")
TWO_NODES = pytest.mark.xdist_group("two nodes")
DIGITS = ["src.sweep", "-m", "data=digits"]
HYPERBAND = ["oracle=hyperband", "oracle.max_epochs=4", "optimizer=adam", "optimizer.learning_rate=tag(log,interval(1e-4,1e-1))"]
NODE = {"workers": "auto", "threads": 1, "gpus_per_trial": 0.0, "minutes_per_trial": None}


@pytest.fixture(scope="module")
def shared_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with two_nodes(tmp_path_factory.getbasetemp()) as running:
        yield running


@pytest.fixture
def cluster(shared_cluster: Cluster) -> Cluster:
    """With both of its nodes, whatever a test before did."""
    shared_cluster.complete()
    return shared_cluster


def rows(folder: Path, table: str) -> list[sqlite3.Row]:
    """A table of the newest sweep's study; nothing where there is no study yet."""
    studies = sorted((folder / "mlruns" / "sweeps").glob("*/study.db"))
    try:
        db = sqlite3.connect(studies[-1] if studies else ":memory:")
        db.row_factory = sqlite3.Row
        return db.execute({"trial": "select * from trial", "epoch": "select * from epoch order by epoch"}[table]).fetchall()
    except sqlite3.OperationalError:
        return []


def curves(folder: Path) -> dict[str, list[str]]:
    """Overrides of each trial → its metrics, epoch after epoch."""
    return {
        trial["overrides"]: [epoch["metrics"] for epoch in rows(folder, "epoch") if epoch["number"] == trial["number"]]
        for trial in rows(folder, "trial")
    }


@TWO_NODES
@pytest.mark.long
def test_hyperband_goes_on_where_a_trial_was_on_another_machine(
    cluster: Cluster, command: Callable, cold_command: Callable, tmp_path: Path
) -> None:
    done = cold_command(*DIGITS, *HYPERBAND, "executor=ray", f"executor.address={cluster.address}", **cluster.environment)
    assert done.returncode == 0 and done.stderr == "", done.stdout + done.stderr
    assert "2 workers: 2 cores on 2 machines and training.threads=1" in done.stdout
    there = curves(tmp_path)
    logs = sorted((tmp_path / "mlruns" / "sweeps").glob("*/sweep.log"))[-1].read_text()
    assert len({line.rpartition("process ")[2] for line in logs.splitlines() if "begins on" in line}) == 2
    assert command(*DIGITS, *HYPERBAND).returncode == 0
    here = curves(tmp_path)
    both = set(there) & set(here)  # with two slots the next bracket begins earlier
    assert len(both) >= len(here) - 2 > 4 and {one: there[one] for one in both} == {one: here[one] for one in both}


@TWO_NODES
@pytest.mark.long
def test_the_loss_of_a_machine_costs_an_attempt(cluster: Cluster, tmp_path: Path) -> None:
    words = [*DIGITS, "seed=1,2,3,4", "model.dropout=0.3", "training=fixed_epochs", "training.epochs=300", "executor=ray"]
    words = [sys.executable, "-m", *words, f"executor.address={cluster.address}"]
    environment = {**os.environ, **cluster.environment, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(words, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as sweep:
        until(lambda: len({row["number"] for row in rows(tmp_path, "epoch")}) == 2 or sweep.poll() is not None)  # on either node one trains
        cluster.kill_second()
        said = sweep.communicate(timeout=PATIENCE)[0]
    assert sweep.returncode == 0, said
    assert sorted((row["state"], row["attempts"]) for row in rows(tmp_path, "trial")) == [*[("FINISHED", 1)] * 3, ("FINISHED", 2)], said


@pytest.mark.parametrize(
    ("address", "why"),
    [("127.0.0.1:9", "refused"), ("nowhere", "Invalid address"), ("silent", "timed out")],
)
def test_a_cluster_that_does_not_answer_is_told_before_ray_waits_for_it(address: str, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import ray as library

    waited: list[str] = []
    init = library.init
    monkeypatch.setattr(library, "init", lambda address, **how: (waited.append(address), init(address, **how)))
    monkeypatch.setattr(ray, "PATIENCE", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = address.replace("silent", f"127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(ConfigError, match=why):
            executors.create({"_target_": "src.executors.ray_cluster.Ray", "address": address, **NODE})
    assert waited == [address] * (":" not in address), "Ray waits 40 s for an address; what is none it refuses at once"


def test_without_ray_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match="pip install ray"):
        executors.create({"_target_": "src.executors.ray_cluster.Ray", "address": None, **NODE})
