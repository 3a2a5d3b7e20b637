"""What `python -m src.delete` takes away, refuses and gives back, on a sweep of a function."""

import json
import os
import shlex
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow import MlflowClient

from src.running.deletion import _builds_on_all
from src.study.lock import driving
from src.study.store import Store
from tests.conftest import overlay, runs_of

Command = Callable[..., "subprocess.CompletedProcess[str]"]
SLOPE = """
def run(config, report):
    report(1, {"height": config["trial"]["rate"]})
    (report.folder / "notes.txt").write_text("kept")
    return {"height": config["trial"]["rate"]}
"""
OPTION = "_target_: src.trials.slope.run\nobjective: min:height\nuses: []\nrate: 0.1\n"
WORDS = ("src.sweep", "-m", "trial=slope", "trial.rate=0.1,0.2,0.3")


@pytest.fixture
def swept(command: Command, tmp_path: Path) -> dict[str, str]:
    """A sweep of three trials; the environment of its functions."""
    added = overlay(tmp_path, {"slope": SLOPE}, {"trial/slope.yaml": OPTION})
    done = command(*WORDS, **added)
    assert done.returncode == 0, done.stdout + done.stderr
    return added


def sweep_of(tmp_path: Path) -> Path:
    [folder] = (tmp_path / "mlruns" / "sweeps").iterdir()
    return folder


def files_of(tmp_path: Path) -> set[Path]:
    """The files of sweeps and runs, but for what comes and goes with a database that is open."""
    return {
        file
        for part in ("sweeps", "artifacts")
        for file in (tmp_path / "mlruns" / part).rglob("*")
        if file.suffix not in (".db-wal", ".db-shm")
    }


def test_a_sweep_goes_everywhere_and_comes_back(swept: dict[str, str], command: Command, tmp_path: Path, store_uri: str) -> None:
    folder, before, runs = sweep_of(tmp_path), files_of(tmp_path), {run.info.run_id for run in runs_of(store_uri, "slope")}
    asked = command("src.delete", "sweep=latest")
    assert asked.returncode == 2 and "nothing was deleted; expected y, or yes=true" in asked.stderr
    assert f"sweep {folder.name}: 3 trials, 4 runs of MLflow" in asked.stdout and files_of(tmp_path) == before
    gone = command("src.delete", f"sweep={folder.name}", "yes=true")
    assert gone.returncode == 0, gone.stdout + gone.stderr
    assert not folder.exists() and runs_of(store_uri, "slope") == [] and not list((tmp_path / "mlruns" / "artifacts").iterdir())
    assert command("src.compare").returncode == 2
    assert command("src.doctor").returncode == 0, "nothing is out of order afterwards"
    [back] = [line.strip() for line in gone.stdout.splitlines() if line.startswith("  sh ")]
    subprocess.run(shlex.split(back), cwd=tmp_path, check=True)
    assert files_of(tmp_path) == before and {run.info.run_id for run in runs_of(store_uri, "slope")} == runs
    assert len(json.loads(command("src.compare", "format=json").stdout)) == 3


def test_one_trial_goes_and_is_tried_again_by_resume(swept: dict[str, str], command: Command, tmp_path: Path, store_uri: str) -> None:
    folder = sweep_of(tmp_path)

    def numbers() -> list[int]:
        return [number for (number,) in sqlite3.connect(folder / "study.db").execute("select number from trial")]

    gone = command("src.delete", "sweep=latest", "trial=2", "yes=true", "format=json")
    assert gone.returncode == 0, gone.stdout + gone.stderr
    [told] = json.loads(gone.stdout)
    assert (told["sweep"], told["trials"], told["runs"]) == (folder.name, 1, 1)
    assert [row["trial.rate"] for row in json.loads(command("src.compare", "format=json").stdout)] == ["0.1", "0.3"]
    assert not (folder / "00001").exists() and len(runs_of(store_uri, "slope")) == 3
    again = command(*WORDS, "resume=latest", **swept)
    assert again.returncode == 0, again.stdout + again.stderr
    assert sqlite3.connect(folder / "study.db").execute("select number, score from trial").fetchall() == [(0, 0.1), (2, 0.3), (3, 0.2)]
    assert len(runs_of(store_uri, "slope")) == 4
    subprocess.run(shlex.split(told["bring_back"]), cwd=tmp_path, check=True)
    assert numbers() == [0, 1, 2, 3], "what ran since stays"
    assert (folder / "00001").exists() and len(runs_of(store_uri, "slope")) == 5
    twice = command("src.delete", "sweep=latest", "trial=4,4", "yes=true", "format=json")
    assert twice.returncode == 0, twice.stderr
    (folder / "00003").mkdir()  # as a sweep that went on would have it
    [told] = json.loads(twice.stdout)
    refused = subprocess.run(shlex.split(told["bring_back"]), cwd=tmp_path, check=False, capture_output=True, text=True)
    assert refused.returncode == 1 and "00003 is there again, so nothing was moved" in refused.stderr
    assert numbers() == [0, 1, 2]


def test_what_runs_or_serves_is_refused_by_name(swept: dict[str, str], command: Command, tmp_path: Path, store_uri: str) -> None:
    folder, client = sweep_of(tmp_path), MlflowClient(store_uri)
    [run, *_] = [run for run in runs_of(store_uri, "slope") if run.data.tags["trialbook.kind"] == "trial"]
    with driving(folder):
        refused = command("src.delete", "sweep=latest", "yes=true")
        assert refused.returncode == 2 and f"it is being run by process {os.getpid()}" in refused.stderr
    client.create_registered_model("slopes")
    client.create_model_version("slopes", f"{run.info.artifact_uri}/x", run.info.run_id)
    client.set_registered_model_alias("slopes", "champion", "1")
    number = int(run.data.tags["trialbook.trial"]) + 1
    for words in ((), (f"trial={number}",)):
        refused = command("src.delete", "sweep=latest", "yes=true", *words)
        assert refused.returncode == 2 and f"version 1 of slopes, the champion, is its run {run.info.run_id}" in refused.stderr
    client.delete_registered_model_alias("slopes", "champion")
    asked = command("src.delete", "sweep=latest")
    assert "version 1 of slopes stays registered without its files" in asked.stdout
    for word, why in {
        "trial=0": "expected numbers from 1",
        "trial=9": "there is none; expected 1 to 3",
        "trail=1": "did you mean 'trial'?",
        "format=csv": "expected format=table or format=json",
    }.items():
        refused = command("src.delete", "sweep=latest", word)
        assert refused.returncode == 2 and why.lower() in refused.stderr.lower(), refused.stderr
    assert folder.exists() and len(runs_of(store_uri, "slope")) == 4


@pytest.mark.parametrize(("name", "builds"), [("race", True), ("asha", True), ("hyperband", True), ("grid", False)])
def test_oracles_that_build_on_every_trial_lose_none(name: str, builds: bool) -> None:
    assert _builds_on_all(Store.create(None, oracle={"name": name})) is builds
