"""What is out of order in a record, found and mended."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow import MlflowClient

from src import doctor
from src.config.paths import ROOT
from src.errors import TrialbookError
from src.job import Outcome
from src.oracles import Proposal
from src.running import record
from src.study import destination
from src.study.finding import SWEEPS, TRIALS
from src.study.messages import Message
from src.study.store import Store
from src.tracking.store import connect
from tests.conftest import runs_of

Command = Callable[..., "subprocess.CompletedProcess[str]"]
SWEEP = ("src.sweep", "-m", "data=digits", "training.engine=keras", "training.epochs=1", "model.units=4", "seed=1,2")  # compiles nothing


@pytest.fixture
def swept(command: Command, tmp_path: Path) -> str:
    """A sweep of two trials, by the id of its best run."""
    assert command(*SWEEP).returncode == 0
    runs = [run for run in runs_of(f"sqlite:///{tmp_path}/mlruns/mlflow.db") if run.data.tags["trialbook.kind"] == "trial"]
    return str(max(runs, key=lambda run: run.data.metrics["kept/val_accuracy"]).info.run_id)


def times(folder: Path) -> dict[Path, int]:
    """When each file was changed, but for the one in which SQLite's readers keep count of each other."""
    return {file: file.stat().st_mtime_ns for file in folder.rglob("*") if not file.name.endswith("-shm")}


def test_everything_that_is_out_of_order_is_told_and_mended_but_for_a_changed_model(
    swept: str, command: Command, tmp_path: Path, store_uri: str
) -> None:
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
    for words in ("1 records have not reached MLflow", "1 are RUNNING in MLflow", "2 that belong to no run"):
        assert words in told.stdout
    assert times(tmp_path) == before
    mended = command("src.doctor", "--fix")
    assert mended.returncode == 0, mended.stdout + mended.stderr
    assert mended.stdout.count("mended") == 3
    assert command("src.doctor").returncode == 0
    assert client.get_run(stale.info.run_id).info.status == "KILLED"
    assert (study.parent / ".table.csv.fresh123.trialbook-part").exists()
    assert not (study.parent / ".table.csv.abcd1234.trialbook-part").exists() and not (record / "artifacts" / ("0" * 32)).exists()
    with (tmp_path / "mlruns" / "artifacts" / swept / "artifacts" / "model.h5").open("ab") as model:
        model.write(b"more")
    stays = command("src.doctor", "--fix")
    assert stays.returncode == 1 and f"model.h5 of run {swept} is not what was recorded" in stays.stdout


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
    assert command(*SWEEP, "optimizer=adam", MLFLOW_TRACKING_URI=uri).returncode == 0
    picture = ROOT / "tests" / "readme" / "mlflow.png"
    assert command("src.predict", f"image={picture}", "model=digits", MLFLOW_TRACKING_URI=uri).returncode == 0
    assert before and not list(tmp_path.glob("mlruns/artifacts/*"))


@pytest.mark.parametrize("words", [("--fixx",), ("fix=true",)])
def test_unknown_words_are_refused(words: tuple[str, ...], command: Command) -> None:
    refused = command("src.doctor", *words)
    assert refused.returncode == 2 and words[0] in refused.stderr


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Store]:
    """Makes a study with two trials to record, in the folder of this test."""
    monkeypatch.chdir(tmp_path)

    def make(uri: str, experiment_id: str, place: Path = SWEEPS) -> Store:
        folder = place / "S"
        folder.mkdir(parents=True)
        meta = {"experiment": "digits", "single": place == TRIALS, **destination.described(uri, experiment_id, folder)}
        store = Store.create(folder / "study.db", **meta)
        for number in range(2):
            tags = {"trialbook.sweep": "S", "trialbook.kind": "trial", "trialbook.trial": str(number)}
            start = {"name": "x", "params": {"a": 1}, "tags": tags}
            store.start_trial(number, Proposal({}), "hash", {}, Message(number, "start", start))
            end = record.end_message("FINISHED", {"s": 1.0}, {}, "none")
            store.end_trial(number, Outcome("FINISHED"), 0.5, {}, Message(number, "end", end))
        return store

    return make


def told_of(uri: str, word: str) -> list[doctor.Finding]:
    return [finding for finding in doctor.findings(uri) if finding.text.startswith(word)]


@pytest.mark.parametrize("place", [SWEEPS, TRIALS], ids=["sweep", "single"])
def test_what_waits_goes_into_the_studys_own_experiment(place: Path, study: Callable, store_uri: str) -> None:
    client, experiment = connect(store_uri, "digits")
    store = study(store_uri, experiment, place)
    client.rename_experiment(experiment, "paper")
    [finding] = told_of(store_uri, "sweep S")
    assert "4 records have not reached MLflow" in finding.text
    finding.fix()
    assert store.waiting() == 0 and {run.info.status for run in runs_of(store_uri, "paper")} == {"FINISHED"}
    assert client.get_experiment_by_name("digits") is None


def test_what_mlflow_refused_is_told_and_delivered_when_its_cause_is_gone(study: Callable, store_uri: str) -> None:
    client, experiment = connect(store_uri, "digits")
    store = study(store_uri, experiment)
    store.refused(store.undelivered(), "start: the experiment must be active")
    client.delete_experiment(experiment)
    [finding] = told_of(store_uri, "sweep S")
    assert "refused 4 records; the first: start: the experiment must be active" in finding.text and "--fix" in finding.mend
    with pytest.raises(TrialbookError, match="deleted in MLflow"):
        finding.fix()
    assert len(store.refusals()) == 4
    client.restore_experiment(experiment)
    finding.fix()
    assert store.refusals() == [] and len(runs_of(store_uri)) == 2


def test_records_that_belong_into_another_store_are_not_delivered_here(study: Callable, store_uri: str, tmp_path: Path) -> None:
    study(f"sqlite:///{tmp_path}/team.db", "1")
    [finding] = told_of(store_uri, "sweep S")
    assert finding.fix is None and f"another store: MLFLOW_TRACKING_URI=sqlite:///{tmp_path}/team.db python -m" in finding.mend


def test_one_that_can_not_be_mended_keeps_no_other_from_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise TrialbookError("it cannot")

    found = [doctor.Finding("one", "a", fail), doctor.Finding("two", "b", lambda: "moved")]
    monkeypatch.setattr(doctor, "findings", lambda _: iter(found))
    monkeypatch.setattr("sys.argv", ["doctor", "--fix"])
    assert doctor.main() == 1
    assert capsys.readouterr().out == "mend    one; it cannot\nmended  two; moved\n"


def test_the_store_that_was_read_is_named_and_none_in_memory(tmp_path: Path, prepared_store: Path) -> None:
    uri = f"sqlite:///{shutil.copy(prepared_store, tmp_path / 'team.db')}"
    assert [finding.text for finding in told_of(uri, "store")] == [f"store: {tmp_path}/team.db is whole"]
    [finding] = told_of("sqlite://", "store")
    assert "in memory" in finding.mend
    assert told_of(f"sqlite:///{tmp_path}/none.db", "store")[0].text == f"store: none at {tmp_path}/none.db yet"


def test_a_damaged_study_is_not_to_be_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store_uri: str) -> None:
    monkeypatch.chdir(tmp_path)
    (SWEEPS / "S").mkdir(parents=True)
    (SWEEPS / "S" / "study.db").write_text("x" * 5000)
    [finding] = told_of(store_uri, "sweep S")
    assert "rm " not in finding.mend and "mv mlruns/sweeps/S" in finding.mend
