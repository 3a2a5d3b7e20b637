"""`python -m src.add`: what it refuses, and a sweep that goes on with what was added."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from src.study.store import Store
from tests.conftest import overlay, runs_of

Command = Callable[..., "subprocess.CompletedProcess[str]"]
OPTION = "_target_: src.trials.plain.run\nuses: []\nobjective: max:score\nrate: 0.5\n"


@pytest.fixture
def added(tmp_path: Path) -> dict[str, str]:
    return overlay(tmp_path, {"plain": "def run(config, report):\n    return config['trial']['rate']\n"}, {"trial/plain.yaml": OPTION})


def test_a_sweep_that_ended_goes_on_with_what_was_added(command: Command, added: dict[str, str], tmp_path: Path, store_uri: str) -> None:
    words = ("src.sweep", "-m", "trial=plain", "trial.rate=0.1,0.2", "seed=3", "name=rates")
    assert command(*words, **added).returncode == 0
    done = command("src.add", "trial.rate=0.2,0.3", "optimzer=sgd", "executor=local", **added)
    assert done.returncode == 2 and "2 mistakes" in done.stderr and "did you mean 'optimizer'?" in done.stderr
    assert "executor=local: a key of the whole sweep; expected those of a trial" in done.stderr
    assert "trial 2 (FINISHED); expected a point that is new" in command("src.add", "sweep=rates", "trial.rate=0.2", **added).stderr

    done = command("src.add", "trial.rate=0.2,0.3", **added)
    assert done.returncode == 0, done.stderr
    assert "added  trial=plain seed=3 trial.rate=0.3\n" in done.stdout and "trial.rate=0.2: trial 2 (FINISHED)" in done.stdout
    [folder] = (tmp_path / "mlruns" / "sweeps").iterdir()
    resume = f"python -m {' '.join(words)} resume={folder.name}"
    assert f"does not run now; it runs them when it is resumed\n\nNext:\n  {resume}\n" in done.stdout
    assert "trial.rate=0.3: added already, and waits" in command("src.add", "trial.rate=0.3", **added).stderr
    view = json.loads(command("src.status", "sweep=latest", "format=json", **added).stdout)
    assert (view["state"], view["added"], view["next"][0]) == ("ended", 1, resume)

    assert "changed, in MLflow, too" in command("src.status", "sweep=rates", "rename=speeds", "tags=paper", **added).stdout
    again = command(*words, "resume=latest", **added)
    assert again.returncode == 0 and "trial 3 of 3" in again.stdout, again.stdout + again.stderr
    trials = Store.open(folder / "study.db").trials()
    assert [(trial.point["trial.rate"], trial.score) for trial in trials] == [("0.1", 0.1), ("0.2", 0.2), ("0.3", 0.3)]
    assert command(*words, "resume=latest", **added).returncode == 0, "the oracle still does not know the third"
    assert len(Store.open(folder / "study.db").trials()) == 3
    runs = runs_of(store_uri, "plain")
    assert len(runs) == 4 and {(run.data.tags["trialbook.sweep_name"], run.data.tags["paper"]) for run in runs} == {("speeds", "true")}
    assert [run.info.run_name for run in runs if run.data.tags["trialbook.kind"] == "sweep"] == [f"speeds {folder.name}"]
