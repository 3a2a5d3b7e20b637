"""What is out of order in a record, found and mended."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow import MlflowClient

from src.config.paths import ROOT
from tests.conftest import runs_of

Command = Callable[..., "subprocess.CompletedProcess[str]"]
SWEEP = ("src.sweep", "-m", "data=digits", "training.epochs=1", "model.units=4,8")


@pytest.fixture
def swept(command: Command, tmp_path: Path) -> str:
    """A sweep of two trials, by the id of its best run."""
    assert command(*SWEEP).returncode == 0
    runs = [run for run in runs_of(f"sqlite:///{tmp_path}/mlruns/mlflow.db") if run.data.tags["trialbook.kind"] == "trial"]
    return str(max(runs, key=lambda run: run.data.metrics["kept/val_accuracy"]).info.run_id)


def times(folder: Path) -> dict[Path, int]:
    """When each file was changed, but for the one in which SQLite's readers keep count of each other."""
    return {file: file.stat().st_mtime_ns for file in folder.rglob("*") if not file.name.endswith("-shm")}


def test_everything_that_is_out_of_order_is_told_and_mended(swept: str, command: Command, tmp_path: Path, store_uri: str) -> None:
    whole = command("src.doctor")
    assert whole.returncode == 0 and "mend  " not in whole.stdout, whole.stdout + whole.stderr
    record = tmp_path / "mlruns"
    [study] = record.glob("sweeps/*/study.db")
    client = MlflowClient(store_uri)
    sweep = client.get_run(swept).data.tags["trialbook.sweep"]
    stale = client.create_run(client.get_run(swept).info.experiment_id, tags={"trialbook.kind": "trial", "trialbook.sweep": sweep})
    (study.parent / ".table.csv.abcd1234.trialbook-part").write_text("half")
    os.utime(study.parent / ".table.csv.abcd1234.trialbook-part", (1, 1))
    (study.parent / ".table.csv.fresh123.trialbook-part").write_text("being written")
    (record / "artifacts" / ("0" * 32)).mkdir()
    payload = '{"epoch": 9, "metrics": {"loss": 0.5}, "time": 1}'
    with sqlite3.connect(study) as database:
        database.execute("insert into outbox (number, kind, payload) values (0, 'epoch', ?)", (payload,))
    before = times(tmp_path)
    told = command("src.doctor")
    assert told.returncode == 1
    for words in ("1 records have not reached MLflow", "1 are called RUNNING", "2 that belong to no run"):
        assert words in told.stdout
    assert times(tmp_path) == before
    mended = command("src.doctor", "--fix")
    assert mended.returncode == 0, mended.stdout + mended.stderr
    assert mended.stdout.count("mended") == 3
    assert command("src.doctor").returncode == 0
    assert client.get_run(stale.info.run_id).info.status == "KILLED"
    assert (study.parent / ".table.csv.fresh123.trialbook-part").exists()
    assert not (study.parent / ".table.csv.abcd1234.trialbook-part").exists() and not (record / "artifacts" / ("0" * 32)).exists()


def test_a_changed_model_is_named_and_stays(swept: str, command: Command, tmp_path: Path) -> None:
    with (tmp_path / "mlruns" / "artifacts" / swept / "artifacts" / "model.h5").open("ab") as model:
        model.write(b"more")
    told = command("src.doctor", "--fix")
    assert told.returncode == 1 and f"model.h5 of run {swept} is not what was recorded" in told.stdout


def test_a_record_that_was_moved_is_found_and_settles_with_its_champion(swept: str, command: Command, tmp_path: Path) -> None:
    assert command("src.promote").returncode == 0
    shutil.copytree(tmp_path / "mlruns", tmp_path / "elsewhere" / "mlruns")
    before = sorted(tmp_path.glob("mlruns/**/*"))
    shutil.move(tmp_path / "mlruns", tmp_path / "old")
    shutil.move(tmp_path / "elsewhere", tmp_path / "new")
    uri = f"sqlite:///{tmp_path}/new/mlruns/mlflow.db"
    for verb in (SWEEP, ("src.promote",)):
        refused = command(*verb, MLFLOW_TRACKING_URI=uri)
        assert refused.returncode == 2 and f"would be written to file://{tmp_path}/mlruns" in refused.stderr, refused.stderr
    assert "copied here from" in command("src.doctor", MLFLOW_TRACKING_URI=uri).stdout
    assert command("src.doctor", "--fix", MLFLOW_TRACKING_URI=uri).returncode == 0
    assert command(*SWEEP, "seed=1", MLFLOW_TRACKING_URI=uri).returncode == 0
    picture = ROOT / "tests" / "readme" / "mlflow.png"
    assert command("src.predict", f"image={picture}", "model=digits", MLFLOW_TRACKING_URI=uri).returncode == 0
    assert before and not list(tmp_path.glob("mlruns/artifacts/*"))


@pytest.mark.parametrize("words", [("--fixx",), ("fix=true",)])
def test_unknown_words_are_refused(words: tuple[str, ...], command: Command) -> None:
    refused = command("src.doctor", *words)
    assert refused.returncode == 2 and words[0] in refused.stderr
