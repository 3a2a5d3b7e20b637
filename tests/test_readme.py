"""README.md and docs/ are the newcomer's only map: their commands pass the checks, their examples run, their links lead somewhere."""

import importlib
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hydra.core.config_loader import ConfigLoader

from src import adopt
from src.config.arguments import read_arguments, split
from src.config.command_line import read_command_line
from src.config.paths import ROOT
from tests.conftest import checked

README = (ROOT / "README.md").read_text()
PAGES = {path.relative_to(ROOT).as_posix(): path.read_text() for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))}
DESIGN = PAGES["docs/design.md"]
FENCED = re.compile(r"```(\w*)\n(.*?)```", re.DOTALL)
EXAMPLES = {
    path: content for text in PAGES.values() for path, content in re.findall(r"`([\w/]+\.\w+)`:?\n```\w+\n(.*?)```", text, re.DOTALL)
}
ROWS = re.findall(r"^\| .*\? \| `(.*)` \| \[.*\]\((docs/\w+\.md)#([\w-]+)\) \|$", README, re.MULTILINE)
ANYWHERE = {"cat", "curl", "kill", "make", "mlflow", "pip", "ssh", "tail", "tmux"}  # programs that are not ours
WRITTEN = "_target_: src.models.search.build\nunits: 32\ndropout: false\nlearning_rate: 0.0001\nrate: null\n"  # by docs/adopt.md
FIRST = "## Your model and your data in fifteen lines\n"


def blocks(text: str, kind: str) -> list[str]:
    return [block for found, block in FENCED.findall(text) if found == kind]


def lines(text: str) -> list[str]:
    """What is typed into a shell, in blocks and in the table of questions."""
    return [line for block in blocks(text, "sh") for line in block.splitlines()] + ([row[0] for row in ROWS] if text == README else [])


def words(line: str) -> list[str]:
    """The words of a command, without comment, variables in front of it, nohup, and where its output goes."""
    parts = shlex.shlex(line, posix=True, punctuation_chars=True)
    parts.whitespace_split = True
    found = []
    for word in parts:
        if re.fullmatch("[<>|&;]+", word):
            break
        if found or (word != "nohup" and not re.match(r"[A-Z_]+=", word)):
            found.append(word)
    return found


COMMANDS = {name: [found for line in lines(text) if (found := words(line))] for name, text in PAGES.items()}
SWEEPS = [(name, command[3:]) for name, all_of in COMMANDS.items() for command in all_of if command[:3] == ["python", "-m", "src.sweep"]]
ADOPTING = [(name, command[3:]) for name, all_of in COMMANDS.items() for command in all_of if command[2:3] == ["src.adopt"]]
RESULTS = [(name, words) for name, words in ADOPTING if words[0].startswith("results=")]
SWEEPS += [(name, split(adopt.OldResults, words)[1]) for name, words in RESULTS]


def sections(text: str) -> dict[str, str]:
    """Anchor, as GitHub makes it → its section; what begins with # in a block is no heading."""
    plain = FENCED.sub(lambda block: re.sub("^#", " #", block[0], flags=re.MULTILINE), text)
    parts = re.split(r"^#+ (.+)\n", plain, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-"): part for title, part in zip(parts[1::2], parts[2::2], strict=True)}


def test_they_are_short() -> None:
    assert len(README.splitlines()) <= 150
    assert len(PAGES) >= 5
    assert not {name: len(text.splitlines()) for name, text in PAGES.items() if len(text.splitlines()) > 250}
    assert not [name for name, text in PAGES.items() if "\u2014" in text]


def test_your_model_and_your_data_are_fifteen_lines() -> None:
    section = README.partition(FIRST)[2].partition("\n## ")[0]
    assert len([line for _, block in FENCED.findall(section) for line in block.splitlines() if line.strip()]) == 15
    assert README.index(FIRST) < 500


@pytest.mark.parametrize(("page", "command"), SWEEPS, ids=lambda value: value if isinstance(value, str) else " ".join(value))
def test_their_commands_are_accepted(
    page: str, command: list[str], conf: Callable[[dict[str, str]], ConfigLoader], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sum(name == "README.md" for name, _ in SWEEPS) >= 10
    monkeypatch.chdir(tmp_path)
    Path("mine.npz").touch()
    Path("pictures").mkdir()
    Path("mlruns/adopted").mkdir(parents=True)
    Path("mlruns/adopted/search.npz").touch()
    names = {Path(path).stem for path in EXAMPLES}
    if command == ["--help"]:
        with pytest.raises(SystemExit, match="0"):
            checked(command)
    elif names & {value for word in command for value in word.partition("=")[2].split(",")}:
        added = {path.removeprefix("conf/"): content for path, content in EXAMPLES.items() if path.endswith(".yaml")}
        read_command_line(conf(added | {"model/search.yaml": WRITTEN}), command)
    else:
        checked(command)


def test_their_other_verbs_take_their_words() -> None:
    found = [command[2:] for all_of in COMMANDS.values() for command in all_of if command[:2] == ["python", "-m"]]
    others = [command for command in found if command[0] != "src.sweep"]
    assert len(others) >= 12
    for verb, *given in others:
        assert verb.startswith("src."), verb
        if verb == "src.doctor":
            assert given in ([], ["--fix"])
        else:
            given = split(importlib.import_module(verb).Arguments, given)[0] if verb == "src.add" else given
            named = [word if "=" in word else f"script={word}" for word in given] if verb == "src.adopt" else given
            kind = adopt.OldResults if "results=" in " ".join(named) else importlib.import_module(verb).Arguments
            read_arguments(kind, split(kind, named)[0] if kind is adopt.OldResults else named)


def test_no_other_line_goes_unseen() -> None:
    firsts = [command[0] for all_of in COMMANDS.values() for command in all_of if command[:2] != ["python", "-m"]]
    assert len(firsts) >= 10
    assert set(firsts) <= ANYWHERE | {"python"}  # python -c, of which tests/test_promote.py runs the only one


def test_mlflow_takes_the_options_that_they_name() -> None:
    import click
    from mlflow.cli import cli

    found = [command[1:] for all_of in COMMANDS.values() for command in all_of if command[0] == "mlflow"]
    assert len(found) >= 4
    for given in found:
        command: click.Command = cli
        while isinstance(command, click.Group):
            command, given = command.get_command(click.Context(command), given[0]), given[1:]
        command.make_parser(click.Context(command)).parse_args(list(given))


def test_their_make_targets_exist() -> None:
    targets = {name: set(re.findall(r"\bmake (\w+)", text)) for name, text in PAGES.items()}
    assert targets["README.md"] >= {"sweep", "test", "ui", "check", "help"}
    assert set().union(*targets.values()) <= set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_their_tree_is_the_one_on_disk() -> None:
    tree = next(block for _, block in FENCED.findall(DESIGN) if "mlruns/           everything" in block)
    named = {line.split("/")[0] for line in tree.splitlines()}
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith((".", "_"))}
    assert named == folders
    paths = {path for text in PAGES.values() for path in re.findall(r"`((?:conf|docs|notebooks|src|sweeps|tests)/[\w/]*(?:\.\w+)?)`", text)}
    known = {path for path in paths if "/x." not in path and "_ID" not in path and path not in EXAMPLES}
    assert len(known) >= 15
    assert not [path for path in known if not (ROOT / path).exists()]


def test_its_rooms_are_those_of_src() -> None:
    rooms = set(re.findall(r"`(\w+)/?`", "".join(re.findall(r"^\| (`.*?) \|", sections(DESIGN)["the-rooms-of-src"], re.MULTILINE))))
    assert rooms == {path.stem for path in (ROOT / "src").iterdir() if not path.name.startswith("_")}


def test_their_examples_are_new_files() -> None:
    assert len(EXAMPLES) >= 9
    assert not [path for path in EXAMPLES if (ROOT / path).exists()]


def test_their_links_lead_somewhere() -> None:
    links = [(name, *link) for name, text in PAGES.items() for link in re.findall(r"\]\(([^)#\s]*)#?([\w-]*)\)", FENCED.sub("", text))]
    assert len(links) >= 40
    for name, path, anchor in links:
        target = (ROOT / name).parent / path if path else ROOT / name
        assert target.exists(), f"{name}: {path}"
        assert not anchor or anchor in sections(target.read_text()), f"{name}: {path}#{anchor}"


def test_every_question_has_an_answer_with_a_command() -> None:
    assert len({anchor for *_, anchor in ROWS}) == 33
    assert not [anchor for _, page, anchor in ROWS if not any(blocks(sections(PAGES[page])[anchor], "sh"))]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with all files of the examples."""
    copy = tmp_path_factory.mktemp("newcomer") / "project"
    shutil.copytree(ROOT, copy, symlinks=True, ignore=shutil.ignore_patterns(".venv", ".git", "mlruns", ".*_cache", "__pycache__"))
    for path, content in EXAMPLES.items():
        (copy / path).write_text(content)
    random = np.random.default_rng(0)
    np.savez(copy / "mine.npz", x_train=random.integers(0, 256, (200, 12, 12, 3), dtype=np.uint8), y_train=np.arange(200) % 4)
    return copy


NEWCOMER = shlex.split("-m data=npz data.path=mine.npz model=two_layer,convolutional")
FUNCTIONS = (shlex.split("trial=valley trial.rate=0.001,0.01,0.1"), shlex.split("trial=program trial.rate=0.01,0.1 executor=local"))
OTHERS = shlex.split("data=digits model=three_layer optimizer=adam_cosine training=top3 objective=max:val_top3")


@pytest.mark.slow
@pytest.mark.xdist_group("newcomer")
@pytest.mark.parametrize(
    ("command", "trials"),
    [
        pytest.param(NEWCOMER, 2, id="first"),
        pytest.param(["data=moons", "model.units=8"], 1, id="data", marks=pytest.mark.long),
        pytest.param(OTHERS, 1, id="others", marks=pytest.mark.long),
    ],
)
def test_a_newcomer_adds_what_the_pages_show(command: list[str], trials: int, project: Path) -> None:
    assert command is not NEWCOMER or ("README.md", NEWCOMER) in SWEEPS
    shutil.rmtree(project / "mlruns", ignore_errors=True)
    words = [sys.executable, "-m", "src.sweep", *command, "training.epochs=1"]
    done = subprocess.run(words, cwd=project, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "plain fit" not in said and "warning" not in said.lower(), said
    assert len(list((project / "mlruns" / "artifacts").glob("*/artifacts/model.h5"))) == trials


@pytest.mark.slow
@pytest.mark.xdist_group("newcomer")
@pytest.mark.parametrize("command", FUNCTIONS, ids=lambda words: words[0])
def test_a_newcomer_sweeps_the_function_and_the_program_that_the_pages_show(command: list[str], project: Path) -> None:
    assert ["-m", *command] in [shown for _, shown in SWEEPS]
    shutil.rmtree(project / "mlruns", ignore_errors=True)
    done = subprocess.run([sys.executable, "-m", "src.sweep", "-m", *command], cwd=project, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0 and "warning" not in said.lower(), said
    assert said.count("FINISHED") == len(command[1].split(","))


@pytest.mark.slow
@pytest.mark.xdist_group("newcomer")
def test_a_newcomer_adopts_the_script_that_the_page_shows(project: Path) -> None:
    words = shlex.split("python -m src.adopt search.py:build_model")
    assert words in COMMANDS["docs/adopt.md"] and words in COMMANDS["README.md"]
    done = subprocess.run([sys.executable, *words[1:]], cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "unchanged  sweeps/search.yaml" in done.stdout, "what the page shows"
    assert "written  src/models/search.py" in done.stdout and "written  mlruns/adopted/search.npz" in done.stdout
    assert "executions_per_trial=2: " in done.stdout and "search: oracle=bayesian, at most 10 trials" in done.stdout
