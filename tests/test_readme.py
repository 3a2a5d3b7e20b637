"""README.md is the newcomer's only map: its commands pass the checks, its examples run, its tree is the one on disk."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from src import compare, predict, promote, reproduce
from src.config.paths import ROOT
from src.config.words import read_words
from tests.conftest import checked

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", README, re.DOTALL)
LINES = [line for kind, block in BLOCKS if kind == "sh" for line in block.splitlines()]
COMMANDS = [line for line in LINES if line.startswith("python -m src.sweep")]
VERBS = {"src.compare": compare, "src.promote": promote, "src.predict": predict, "src.reproduce": reproduce}
NEWCOMER = "data=npz data.path=mine.npz model=two_layer,convolutional"


def test_it_is_short() -> None:
    assert len(README.splitlines()) <= 150


@pytest.mark.parametrize("command", [command for command in COMMANDS if NEWCOMER not in command])
def test_its_commands_are_accepted(command: str) -> None:
    assert len(COMMANDS) >= 10
    words = shlex.split(command, comments=True)[3:]
    if words == ["--help"]:
        with pytest.raises(SystemExit, match="0"):
            checked(words)
    else:
        checked(words)


def test_its_other_verbs_take_their_words() -> None:
    found = [shlex.split(line, comments=True) for line in LINES if line.startswith("python -m src.") and line not in COMMANDS]
    assert len(found) >= 4
    for _, _, verb, *words in found:
        read_words(VERBS[verb].Words, words)


def test_its_make_targets_exist() -> None:
    targets = set(re.findall(r"\bmake (\w+)", README))
    assert targets >= {"sweep", "test", "ui", "check", "help"}
    assert targets <= set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_its_tree_is_the_one_on_disk() -> None:
    tree = next(block for kind, block in BLOCKS if "mlruns/           everything" in block)
    named = {line.split("/")[0] for line in tree.splitlines()}
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith((".", "_"))}
    assert named == folders
    assert all(
        (ROOT / path).exists()
        for path in re.findall(r"`((?:conf|src|sweeps)/[\w/]*(?:\.\w+)?)`", README)
        if "x." not in path and "convolutional" not in path
    )


@pytest.mark.slow
def test_a_newcomer_adds_a_model_and_own_arrays_by_the_readme_alone(tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(ROOT, project, symlinks=True, ignore=shutil.ignore_patterns(".venv", ".git", "mlruns", ".*_cache", "__pycache__"))
    yaml = next(block for kind, block in BLOCKS if kind == "yaml")
    python = next(block for kind, block in BLOCKS if kind == "python")
    (project / "conf/model/convolutional.yaml").write_text(yaml)
    (project / "src/models/convolutional.py").write_text(python)
    random = np.random.default_rng(0)
    np.savez(project / "mine.npz", x_train=random.integers(0, 256, (200, 12, 12), dtype=np.uint8), y_train=np.arange(200) % 4)
    command = next(command for command in COMMANDS if NEWCOMER in command)
    arguments = [*shlex.split(command, comments=True)[1:], "training.epochs=1"]
    done = subprocess.run([sys.executable, *arguments], cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(list((project / "mlruns" / "artifacts").glob("*/artifacts/model.h5"))) == 2
