"""A short round of SIGKILLs; `python -m tests.faults.kill` and `python -m tests.faults.workers` are the long ones."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow import MlflowClient

from src.config.paths import ROOT
from tests.conftest import Command
from tests.waiting import until

pytestmark = pytest.mark.slow
SWEEP = ["src.sweep", "-m", "data=digits", "training=fixed_epochs", "training.epochs=20", "seed=1,2", "model.dropout=0.3"]


def test_killed_at_random_moments_nothing_is_lost_or_run_again(command: Command) -> None:
    done = command("tests.faults.kill", "oracles=hyperband", "kills=3")
    assert done.returncode == 0 and "'kills': 3" in done.stdout, done.stdout[-3000:] + done.stderr[-3000:]


@pytest.mark.long
def test_killed_workers_cost_an_attempt_each() -> None:
    command = [sys.executable, "-m", "tests.faults.workers", "executors=local", "kills=1", "drivers=1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "'worker_kills': 1, 'driver_kills': 1" in done.stdout, done.stdout[-3000:] + done.stderr[-3000:]


@pytest.mark.long
def test_a_killed_training_ends_with_the_undisturbed_digits(command: Command, tmp_path: Path) -> None:
    def rows(folder: str) -> list[tuple]:
        file = next((tmp_path / folder / "mlruns" / "sweeps").glob("*/study.db"), None)
        try:
            return sqlite3.connect(file).execute("select number, epoch, metrics from epoch order by 1, 2").fetchall() if file else []
        except sqlite3.OperationalError:
            return []

    for folder in ("whole", "killed"):
        (tmp_path / folder).mkdir()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    killed = subprocess.Popen([sys.executable, "-m", *SWEEP], cwd=tmp_path / "killed", env=environment, stdout=subprocess.DEVNULL)
    until(lambda: len(rows("killed")) >= 25 or killed.poll() is not None)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    for folder, more in (("killed", ["resume=latest"]), ("whole", [])):
        done = command(*SWEEP, *more, cwd=tmp_path / folder)
        assert done.returncode == 0, done.stdout + done.stderr
    assert [(*key, json.loads(text)) for *key, text in rows("killed")] == [(*key, json.loads(text)) for *key, text in rows("whole")]
    client = MlflowClient(f"sqlite:///{tmp_path}/killed/mlruns/mlflow.db")
    runs = client.search_runs([client.get_experiment_by_name("digits").experiment_id])
    assert len(runs) == 3 and {run.info.status for run in runs} == {"FINISHED"}
    attempts = {run.data.tags["trialbook.trial"]: run.data.tags["trialbook.attempt"] for run in runs if "trialbook.trial" in run.data.tags}
    assert attempts == {"0": "1", "1": "2"}


@pytest.mark.long
def test_of_two_promoters_the_better_model_wins_and_a_killed_one_breaks_nothing(command: Command) -> None:
    done = command("tests.faults.promote", "races=1", "kills=1")
    assert done.returncode == 0 and "'races': 1, 'kills': 1" in done.stdout, done.stdout + done.stderr[-3000:]


@pytest.mark.long
def test_a_full_disk_is_told_and_the_sweep_goes_on_when_there_is_room() -> None:
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    command = [sys.executable, "-m", "tests.faults.disk", "rounds=1", "seed=5"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and '"untroubled": 0' in done.stdout, done.stdout + done.stderr[-3000:]
