"""Sweeps that lie elsewhere, and how their invocation ended."""

import json
from pathlib import Path

import pytest

from src import api
from src.errors import ConfigError
from src.study import finding as find
from src.study import result
from src.study.store import Store


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    folder = Path("out/20261126-120000-abcd")
    folder.mkdir(parents=True)
    Store.create(folder / "study.db", sweep_id=folder.name, objective="max:val_accuracy", name="").close()
    return folder


def test_a_sweep_in_another_folder_is_found_by_the_other_verbs(elsewhere: Path) -> None:
    find.link_sweep(elsewhere)
    for words in ("latest", elsewhere.name):
        [found] = find.find_sweeps(words)
        assert found.resolve() == elsewhere.resolve()


def test_a_damaged_study_is_a_sentence(elsewhere: Path) -> None:
    find.link_sweep(elsewhere)
    for content in (b"", b"no database at all"):
        (find.SWEEPS / "damaged").mkdir(exist_ok=True)
        (find.SWEEPS / "damaged" / "study.db").write_bytes(content)
        with pytest.raises(ConfigError, match=r"sweep=damaged: its study\.db cannot be read"):
            find.find_sweeps("damaged")


def test_a_sweep_in_its_usual_folder_has_no_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (find.SWEEPS / "S").mkdir(parents=True)
    find.link_sweep(find.SWEEPS / "S")
    assert [file.name for file in find.SWEEPS.iterdir()] == ["S"] and not (find.SWEEPS / "S").is_symlink()


def test_the_result_is_written_beside_the_study_and_where_its_starter_wants_it(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(result.COPY, "copy.json")
    result.write(elsewhere, 1, "a run")
    wanted = {"id": elsewhere.name, "folder": str(elsewhere.resolve()), "exit_code": 1, "best_run": "a run"}
    assert json.loads((elsewhere / "result.json").read_text()) == json.loads(Path("copy.json").read_text()) == wanted


def test_the_api_takes_the_result_and_not_the_printed_lines(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = result.Result(elsewhere.name, str(elsewhere), 0, None)
    monkeypatch.setattr(result, "run", lambda words, environment, tell: tell("no folder here\n") or ended)
    find.link_sweep(elsewhere)
    assert api.sweep("hydra.sweep.dir=out").id == elsewhere.name
