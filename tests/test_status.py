"""`python -m src.status` on study files made here, while somebody runs one of them and after."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from src import status
from src.config.paths import ROOT
from src.oracles import Proposal
from src.study import view
from src.study.lock import driving
from src.study.messages import Message
from src.study.overview import look
from src.study.store import Store
from tests.test_compare import study
from tests.waiting import until

OLD, NEW = "20260101-000000-aaaa", "20260101-000001-bbbb"
Said = Callable[..., str]


@pytest.fixture
def said(in_this_process: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Said:
    """Runs the command in this process, in a folder with two sweeps; returns what it prints."""
    trials = [({"optimizer": "sgd", "seed": str(seed)}, score) for seed, score in enumerate((0.8123, 0.8456, None))]
    study(tmp_path, OLD, "optimizers", trials)
    study(tmp_path, NEW, "", trials[:1])
    (tmp_path / "mlruns" / "sweeps" / OLD / "result.json").write_text('{"exit_code": 1}')
    monkeypatch.chdir(tmp_path)
    return partial(in_this_process, status.main)


def start(folder: Path, number: int, **meta: object) -> None:
    """A trial that runs, and has trained two epochs of four."""
    store = Store.reopen(folder / "study.db")
    store.describe(**meta)
    store.start_trial(number, Proposal({"optimizer": "adam", "seed": "7"}), "hash", {}, Message(number, "start", {}))
    store._db.execute("update trial set configuration = ? where number = ?", (json.dumps({"training.epochs": 4}), number))
    store.epochs_of(number, {1: {"val_accuracy": 0.5}, 2: {"val_accuracy": 0.7531}})
    store.close()


def test_every_sweep_has_a_row(said: Said) -> None:
    rows = said().splitlines()
    assert rows[1].split() == ["sweep", "status", "trials", "best", "of", "name", "when", "disk"]
    assert rows[2].startswith(f"{NEW}  interrupted"), "it has no result: its process was killed"
    assert f"{OLD}  ended" in rows[3] and "0.8456" in rows[3] and "optimizers" in rows[3]
    assert "python -m src.status sweep=latest" in rows[-1]
    found = json.loads(said("format=json"))
    assert [(one["id"], one["state"], one["best"], one["best_trial"]) for one in found] == [
        (NEW, "interrupted", 0.8123, 0),
        (OLD, "ended", 0.8456, 1),
    ]
    assert found[1]["trials"] == {"FINISHED": 2, "FAILED": 1} and found[1]["disk_bytes"] > 1000
    assert [one["id"] for one in json.loads(said("format=json", "most=1"))] == [NEW]
    assert "1 older ones: most=2" in said("most=1")


def test_one_sweep_at_a_time_is_shown_or_renamed(said: Said) -> None:
    for words in (("sweep=all",), ("sweep=all", "rename=widths"), (f"sweep={OLD},{NEW}",)):
        assert "one sweep at a time; expected its name or id, or latest" in said(*words)
    assert "name is letters, digits" in said("sweep=latest", "rename=all") or "neither latest nor all" in said("sweep=latest", "rename=all")


def test_one_sweep_tells_what_failed_and_what_to_type_next(said: Said) -> None:
    text = said("sweep=optimizers")
    assert "ended  3 trials ended (2 FINISHED, 1 FAILED)" in text and "  1 x ValueError: no" in text
    assert "  0.8456  trial 2  seed=1  ▁█▁" in text
    assert f"resume={OLD} retry=failed    runs the failed trials again" in text
    assert f"resume={NEW}    resumes it" in said("sweep=latest")
    found = json.loads(said("sweep=optimizers", "format=json", "most=1"))
    assert found["failures"] == [{"cause": "ValueError: no", "trials": 1}] and len(found["best_trials"]) == 1
    assert found["best_trials"][0]["latest"] == pytest.approx(0.7456)


def test_a_running_sweep_tells_how_far_it_is(said: Said, tmp_path: Path) -> None:
    folder = tmp_path / "mlruns" / "sweeps" / NEW
    start(folder, 1, budget=4, slots=2, note="before lunch")
    assert "interrupted" in said("sweep=latest"), "nothing runs it"
    with driving(folder):
        text = said("sweep=latest")
        assert (
            "before lunch" in text
            and "running  █████░░░░░░░░░░░░░░░ 1 of 4 trials ended (1 FINISHED, 1 RUNNING); 1 of 2 slots busy" in text
        )
        assert "  trial 2  optimizer=adam seed=7\n    ██████████░░░░░░░░░░ epoch 2 of 4  val_accuracy 0.7531  ▁█" in text
        assert "about 2 s left" in text, "2.5 trials of 1.5 s in two slots"
        assert "records that MLflow does not have yet: 3" in text
        assert f"python -m src.status watch=true sweep={NEW}" in text
        [running] = json.loads(said("sweep=latest", "format=json"))["running"]
    assert (running["trial"], running["epochs"], running["most_epochs"], running["latest"]) == (1, 2, 4, 0.7531)


@pytest.mark.parametrize("width", [30, 60, 80, 120, 200])
def test_no_number_is_cropped_at_any_width(width: int, said: Said, tmp_path: Path) -> None:
    folder = tmp_path / "mlruns" / "sweeps" / OLD
    start(folder, 3, budget=40, slots=2)
    with driving(folder):
        found = view.lines(look(folder), width)
    assert all(len(line) <= width for line in found)
    words = " ".join(found).split()
    assert {"0.8123", "0.8456", "0.7531", "seed=7", "40", OLD} <= set(words)


def test_mistakes_are_told_at_once(said: Said) -> None:
    text = said("format=jsn", "most=0")
    assert "2 mistakes" in text and "did you mean 'json'?" in text and "most=0: expected a whole number" in text
    assert "2 mistakes" in said("format=json", "watch=true", "sweep=a,b")
    assert "did you mean 'optimizers'?" in said("sweep=optimizer")


def test_a_study_that_cannot_be_read_is_named(said: Said, tmp_path: Path) -> None:
    (tmp_path / "mlruns" / "sweeps" / "broken").mkdir()
    (tmp_path / "mlruns" / "sweeps" / "broken" / "study.db").write_text("no database")
    assert "broken: cannot be read" in said() and OLD in said()


def test_who_looks_on_sees_it_end_and_leaves_the_terminal_as_it_was(said: Said, tmp_path: Path) -> None:
    folder = tmp_path / "mlruns" / "sweeps" / NEW
    start(folder, 1, budget=4, slots=1)
    with driving(folder):
        looks, other = Watching(tmp_path), Watching(tmp_path)
        until(lambda: "epoch 2 of 4" in looks.read() and "epoch 2 of 4" in other.read())
        looks.type("q")
        other.type("\x03")
        assert looks.code() == 0 and other.code() == 130 and "interrupted; the sweep goes on" in other.read()
    assert said("watch=true").startswith(f"sweep {NEW}"), "it does not run any more"
    assert "running" in looks.read() and "\x1b[?1049l" in looks.read(), "the other screen is left"


CONTROLLED = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"


class Watching:
    """`python -m src.status watch=true` on a terminal."""

    def __init__(self, folder: Path) -> None:
        self._mine, theirs = pty.openpty()
        os.set_blocking(self._mine, False)
        words = [sys.executable, "-c", CONTROLLED, sys.executable, "-m", "src.status", "watch=true"]
        on = {"stdin": theirs, "stdout": theirs, "stderr": theirs, "cwd": folder}
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm"}
        self._process = subprocess.Popen(words, env=environment, start_new_session=True, **on)  # else Ctrl-C is no signal
        os.close(theirs)
        self._seen = b""

    def read(self) -> str:
        with suppress(OSError):  # nothing new
            self._seen += os.read(self._mine, 65536)
        return self._seen.decode(errors="replace")

    def type(self, key: str) -> None:
        os.write(self._mine, key.encode())

    def code(self) -> int:
        return until(lambda: (self.read(), None if self._process.poll() is None else (self._process.returncode,))[1])[0]


def test_it_starts_without_what_takes_seconds_to_import(tmp_path: Path) -> None:
    code = (
        "import runpy, sys\nsys.argv = ['src.status']\nrunpy.run_module('src.status', run_name='__main__')\n"
        "print({'tensorflow', 'keras', 'mlflow', 'pandas', 'scipy'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert done.stdout.splitlines()[-1] == "set()" and "no sweep in" in done.stdout, done.stderr
