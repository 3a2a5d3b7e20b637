"""What doctor may set aside: nothing that is not provably ours and ownerless."""

import os
import shutil
from pathlib import Path

import pytest
from mlflow import MlflowClient

from src import files
from src.tracking import upkeep
from src.tracking.paging import every
from src.tracking.runs import Runs
from src.tracking.store import _create, connect

THEIRS = (".vimrc.personal", ".env.template", ".mlflow.db.20261126", ".team.db.backup01", ".mlflow.db.bak", "artifacts/notes.txt")


def run_of(uri: str, name: str = "digits") -> str:
    client, experiment = connect(uri, name)
    run_id = client.create_run(experiment).info.run_id
    client.log_text(run_id, "x", "x.txt")
    return str(run_id)


@pytest.fixture
def team(tmp_path: Path, prepared_store: Path) -> Path:
    """A store with a run, files of somebody else's, a folder of a run that is gone, and a half-written file."""
    folder = tmp_path / "mlruns"
    folder.mkdir()
    file = Path(shutil.copy(prepared_store, folder / "team.db"))
    run_of(f"sqlite:///{file}")
    for name in THEIRS:
        (folder / name).write_text("theirs")
    (folder / "artifacts" / ("a" * 32)).mkdir()
    (folder / "artifacts" / ("a" * 32) / "cache.bin").write_text("theirs")
    (folder / "artifacts" / ("0" * 32) / "artifacts").mkdir(parents=True)
    half = folder / f".table.csv.abcd1234{files.PART}"
    half.write_text("half")
    for one in folder.rglob("*"):
        os.utime(one, (1, 1))
    return file


def names(file: Path) -> set[str]:
    return {str(one.relative_to(file.parent)) for one in file.parent.rglob("*")}


def test_what_is_ours_and_ownerless_moves_into_the_attic(team: Path) -> None:
    before = names(team)
    left = upkeep.left_behind(team)
    assert {one.name for one in left} == {"0" * 32, f".table.csv.abcd1234{files.PART}"}
    said = upkeep.set_aside(team, left)
    [date] = (team.parent / "attic").iterdir()
    moved = {str(one.relative_to(date)) for one in date.rglob("*")} - {"artifacts"}
    assert moved == {f"artifacts/{'0' * 32}", f"artifacts/{'0' * 32}/artifacts", f".table.csv.abcd1234{files.PART}"}
    assert f"rm -r {team.parent / 'attic'}" in said and before - moved <= names(team)
    assert upkeep.left_behind(team) == []


def test_beside_another_store_no_run_is_ownerless(team: Path, prepared_store: Path) -> None:
    other = f"sqlite:///{shutil.copy(prepared_store, team.parent / 'mlflow.db')}"
    run = run_of(other)
    assert upkeep.neighbours(team) == ["mlflow.db"]
    assert [one.name for one in upkeep.left_behind(team)] == [f".table.csv.abcd1234{files.PART}"]
    assert (team.parent / "artifacts" / run).is_dir()


def test_a_folder_that_is_no_experiments_is_not_looked_into(tmp_path: Path, prepared_store: Path) -> None:
    file = Path(shutil.copy(prepared_store, tmp_path / "mlflow.db"))
    (tmp_path / "artifacts" / ("0" * 32)).mkdir(parents=True)
    assert upkeep.left_behind(file) == []


def test_what_our_own_writer_leaves_is_known_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "replace", lambda *_: os._exit(0))  # a kill before the rename
    if (child := os.fork()) == 0:
        files.write(tmp_path / "table.csv", b"half")
    os.waitpid(child, 0)
    [half] = tmp_path.iterdir()
    assert upkeep.BESIDE.fullmatch(half.name)


def test_a_new_store_removes_only_its_own_halves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    halves = (f".mlflow.db.123{files.PART}", f".mlflow.db.123{files.PART}-journal")
    for name in (*halves, ".mlflow.db.123", ".mlflow.db.swp", f".other.db.1{files.PART}"):
        (tmp_path / name).write_text("x")
    monkeypatch.setattr(MlflowClient, "search_experiments", lambda *_, **__: None)
    monkeypatch.setattr(Path, "rename", lambda *_: None)
    monkeypatch.setattr("src.tracking.store.MlflowClient", lambda _: MlflowClient.__new__(MlflowClient))
    _create(tmp_path / "mlflow.db")
    assert {one.name for one in tmp_path.iterdir()} == {".mlflow.db.123", ".mlflow.db.swp", f".other.db.1{files.PART}"}


def test_every_page_of_a_search_is_read(team: Path) -> None:
    uri = f"sqlite:///{team}"
    client, experiment = connect(uri, "digits")
    made = {client.create_run(experiment, tags={"trialbook.kind": "trial"}).info.run_id for _ in range(3)}
    assert made <= {run.info.run_id for run in every(client.search_runs, [experiment], max_results=1)}
    assert made == {run for run, _ in upkeep.running(Runs(uri))}
