"""The user's command is called with a JSON file; neither its absence, nor its failure, nor its slowness matters."""

import json
import logging
import sys
from pathlib import Path

import pytest

from src.objective import Objective
from src.results.leaderboard import Standing
from src.running.notifying import MOST_AT_ONCE, Notifier
from tests.running.conftest import Driven, units
from tests.waiting import until

EMPTY = Standing.of([], Objective("val_accuracy", "max"), 0)
COPY = "import pathlib, sys; file = pathlib.Path(sys.argv[1]); print('called'); file.with_suffix('.copy').write_bytes(file.read_bytes())"


def test_a_trial_that_fails_is_told_with_its_cause(driven: Driven, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_TOKEN", "thirteen")
    driven.run(units, "model.units=12,13", notify=[sys.executable, "-c", COPY])
    copy = tmp_path / "notified" / "trial-00001.copy"
    until(lambda: copy.exists() and (tmp_path / "notified" / "output.txt").read_text() == "called\n")
    told = json.loads(copy.read_text())
    assert told == {
        "id": "S",
        "folder": str(tmp_path),
        "event": "trial failed",
        "text": "trial 2 failed: RuntimeError: ${oc.env:MY_TOKEN}",
        "trial": 2,
        "cause": "RuntimeError: ${oc.env:MY_TOKEN}",
    }


def test_a_command_that_is_not_there_costs_nothing(driven: Driven, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "src"):
        trials = driven.run(units, "model.units=12,13,14", notify=["no_such_program"]).recorder.store.trials()
    assert [trial.state for trial in trials] == ["FINISHED", "FAILED", "FINISHED"]
    assert "notify: no_such_program cannot be called" in caplog.text


def test_a_slow_command_is_not_waited_for_and_not_called_without_end(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    notifier = Notifier([sys.executable, "-c", "import signal; signal.pause()"], tmp_path)
    for number in range(MOST_AT_ONCE + 1):
        notifier.failed(number, "why")
    notifier.ended("sweep S", EMPTY, None, 1)
    assert len(notifier._running) == MOST_AT_ONCE + 1 and all(process.poll() is None for process in notifier._running)
    assert "so there is none for: trial 6 failed: why" in caplog.text
    for process in notifier._running:
        process.kill()
        process.wait()


def test_without_a_command_there_are_no_files(tmp_path: Path) -> None:
    Notifier([], tmp_path).ended("sweep S", EMPTY, None, 0)
    assert not list(tmp_path.iterdir())
