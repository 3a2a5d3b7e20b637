"""`python -m src.reproduce` on digits: the verdicts, and what it is never talked into."""

from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow import MlflowClient

from src.tracking.runs import Runs
from tests.conftest import runs_of


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


def test_mistakes(command: Callable) -> None:
    assert "run is not given" in command("src.reproduce").stderr
    assert "did you mean 'run'?" in command("src.reproduce", "rnu=1").stderr
