"""`python -m src.adopt`: what it writes, and what it never replaces."""

import sys
from pathlib import Path

import keras_tuner  # noqa: F401  what follows needs it: tests/tiers.py
import pytest

from src import adopt
from src.adopting.adoption import Adoption

OURS = b"# made by python -m src.adopt search.py:build_model\n"


@pytest.fixture
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Runs the command, whose script would be written as these files; returns its code and what it said."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("src.adopt._check", lambda _: None)
    asked: list[tuple[str, str]] = []

    def run(files: dict[str, bytes], *words: str) -> tuple[int, str]:
        def adopted(script: str, name: str) -> Adoption:
            asked.append((script, name))
            return Adoption({tmp_path / path: content for path, content in files.items()}, ["1 hyperparameter"], ["seed: no"])

        monkeypatch.setattr("src.adopting.adoption.adopt", adopted)
        monkeypatch.setattr(sys, "argv", ["adopt", *words])
        try:
            adopt.main()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        said = capsys.readouterr()
        return code, said.out + said.err

    run.asked = asked  # type: ignore[attr-defined]
    return run


def test_it_says_what_it_wrote_and_what_comes_next(typed, tmp_path: Path) -> None:
    code, said = typed({"model.py": OURS, "x.npz": b"1"}, "search.py:build_model")
    assert code == 0 and typed.asked == [("search.py:build_model", "search")]
    assert "written  model.py" in said and "seed: no" in said and "python -m src.sweep sweeps=search" in said
    assert (tmp_path / "model.py").read_bytes() == OURS
    assert typed({"model.py": OURS, "x.npz": b"1"}, "search.py:build_model")[1].count("unchanged") == 2


def test_it_replaces_its_own_files_if_it_is_told_to(typed, tmp_path: Path) -> None:
    typed({"model.py": OURS, "x.npz": b"1"}, "search.py:build_model")
    newer = {"model.py": OURS + b"x = 1\n", "x.npz": b"2", "more.py": OURS}
    code, said = typed(newer, "search.py:build_model")
    assert code and "model.py is there with other content; expected replace=true, or another name=…" in said
    assert not (tmp_path / "more.py").exists(), "all or nothing"
    assert typed(newer, "search.py:build_model", "replace=true")[0] == 0
    assert (tmp_path / "model.py").read_bytes() == OURS + b"x = 1\n" and (tmp_path / "x.npz").read_bytes() == b"2"


def test_it_never_replaces_what_it_did_not_write(typed, tmp_path: Path) -> None:
    (tmp_path / "two_layer.py").write_text("def build(): ...\n")
    code, said = typed({"two_layer.py": OURS, "more.py": OURS}, "two_layer.py:build_model", "replace=true")
    assert code and "two_layer.py is there, and this command has not written it; expected name=…" in said
    assert (tmp_path / "two_layer.py").read_text() == "def build(): ...\n" and not (tmp_path / "more.py").exists()


@pytest.mark.parametrize("name", ["class", "null", "yes", "keras", "my-search", "1st"])
def test_a_name_must_be_one_that_files_and_options_can_have(name: str, typed) -> None:
    code, said = typed({}, "search.py:build_model", f"name={name}")
    assert code and f"name={name}: expected a Python name" in said and not typed.asked


@pytest.mark.parametrize(
    ("script", "name"),
    [
        ("search.py:build_model", "search"),
        ("a/b/My-Search.py:model_builder", "My_Search"),
        ("search.py:Net", "search_net"),
        ("2nd.py:build", "_2nd"),
        ("async.py:build", "async_"),
    ],
)
def test_files_have_the_name_of_the_script(script: str, name: str, typed) -> None:
    assert typed({}, script)[0] == 0 and typed.asked == [(script, name)]


def test_what_it_is_to_run_must_be_named(typed) -> None:
    code, said = typed({})
    assert code == 0 and "python -m src.adopt FILE.py:NAME" in said
    assert "did you mean" in typed({}, "search.py:build_model", "replce=true")[1]
