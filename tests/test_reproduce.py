"""`python -m src.reproduce` on digits: the verdicts, and what it is never talked into."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow import MlflowClient

from src.config.paths import ROOT
from src.tracking.runs import Runs
from tests.conftest import Command, runs_of


@pytest.fixture
def single(command: Callable, tmp_path: Path) -> str:
    """The id of a finished single run."""
    assert command("src.sweep", "data=digits", "training.epochs=2", "model.dropout=0.3").returncode == 0
    [run] = runs_of(f"sqlite:///{tmp_path}/mlruns/mlflow.db")
    return run.info.run_id


def test_the_same_machine_gives_the_same_digits(single: str, command: Callable, tmp_path: Path) -> None:
    done = command("src.reproduce", f"run={single}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "identical to the last digit" in done.stdout
    runs = Runs(f"sqlite:///{tmp_path}/mlruns/mlflow.db")
    run = runs.read(single)
    again = runs.read(runs_of(f"sqlite:///{tmp_path}/mlruns/mlflow.db")[0].info.run_id)
    assert run.run_id != again.run_id and run.digest == again.digest
    tags = runs.recorded(single).tags
    assert tags["trialbook.executor"] == "inline" and len(tags["trialbook.code"]) == 64

    runs.client.set_tag(single, "trialbook.overrides", f"{run.overrides} optimizer.learning_rate=0.01")
    runs.client.set_tag(single, "trialbook.code", "that of other code")
    done = command("src.reproduce", f"run={single}")
    assert done.returncode == 1 and "not the same trial: optimizer.learning_rate: 0.001 then, 0.01 now; code: that of othe" in done.stdout
    assert "not as it was: optimizer.learning_rate: 0.001 then, 0.01 now" in done.stdout, "before it trains"
    assert "from epoch 1 on" in done.stdout and "seed noise" not in done.stdout


def test_stored_overrides_are_checked_before_anything_runs(single: str, command: Callable, tmp_path: Path) -> None:
    client = MlflowClient(f"sqlite:///{tmp_path}/mlruns/mlflow.db")
    for hostile, message in {
        "data=digits +model.callback._target_=os.system": "_target_",
        "data=digits optimizer._target_=os.system": "_target_",
        "nonsense=1": "there is no 'nonsense'",
    }.items():
        client.set_tag(single, "trialbook.overrides", hostile)
        done = command("src.reproduce", f"run={single}")
        assert done.returncode == 2 and message in done.stderr and "Traceback" not in done.stderr, done.stdout + done.stderr


@pytest.fixture
def valley(tmp_path: Path) -> Command:
    """Commands of a copy of this repository to which the function of docs/adding.md was added."""
    copy = tmp_path / "copy"
    for folder in ("src", "conf", "sweeps"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    text = (ROOT / "docs" / "adding.md").read_text()
    for name in ("conf/trial/valley.yaml", "src/trials/valley.py"):
        (copy / name).write_text(text.partition(f"`{name}`\n```")[2].partition("\n")[2].partition("```")[0])

    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        environment = {**os.environ, "PYTHONPATH": str(copy)}
        return subprocess.run([sys.executable, "-m", *words], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    return run


@pytest.mark.long
def test_a_function_runs_again_with_the_recorded_values_of_keys_that_it_has(valley: Command, store_uri: str) -> None:
    swept = valley("src.sweep", "-m", "trial=valley", "trial.rate=0.01,0.02", "trial.steps=5")
    assert swept.returncode == 0, swept.stdout + swept.stderr
    run = next(run for run in runs_of(store_uri, "valley") if run.data.params.get("trial.rate") == "0.02").info.run_id
    done = valley("src.reproduce", f"run={run}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the same configuration, code and versions as then" in done.stdout
    assert "identical to the last digit: every metric of every step" in done.stdout
    runs = Runs(store_uri)
    again = runs.recorded(runs_of(store_uri, "valley")[0].info.run_id)
    assert again.run_id != run and again.params["trial.rate"] == "0.02" and len(again.history("height")) == 5

    runs.client.log_metric(run, "height", 0.5, step=3)
    done = valley("src.reproduce", f"run={run}")
    assert done.returncode == 1 and "other digits under the same conditions: 6 reports then, 5 now" in done.stdout, done.stdout
    runs.client.set_terminated(run, "FAILED")
    assert "MLflow has it as FAILED; expected the id of a finished trial" in valley("src.reproduce", f"run={run}").stderr


def test_mistakes(command: Callable) -> None:
    assert "run is not given" in command("src.reproduce").stderr
    assert "did you mean 'run'?" in command("src.reproduce", "rnu=1").stderr
