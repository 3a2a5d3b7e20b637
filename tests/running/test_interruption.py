"""Signals before, in and after the loop of a sweep, and the end of the terminal."""

import contextlib
import os
import pty
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from src import exits
from src.config.command_line import conf_loader, read_command_line
from src.config.paths import ROOT
from src.running import opening
from src.running.interruption import Interruption
from src.running.run import run
from tests.conftest import overlay, runs_of
from tests.running.conftest import units
from tests.waiting import PATIENCE, until


@pytest.fixture
def in_the_background() -> None:
    """As a script's background jobs are, with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("in_the_background")
def test_what_was_started_with_sigint_ignored_goes_on_ignoring_it_and_heeds_sigterm() -> None:
    with Interruption() as interruption:
        os.kill(os.getpid(), signal.SIGINT)
        assert (interruption.draining, interruption.code) == (False, 0)
        os.kill(os.getpid(), signal.SIGTERM)
        assert (interruption.stopping, interruption.code) == (True, 143)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_a_second_stop_from_elsewhere_is_still_one_and_a_signal_after_it_is_said() -> None:
    with Interruption() as interruption:
        for now in (False, True):
            interruption.ask(now=now)
            assert (interruption.name, interruption.code) == ("python -m src.stop", 130)
        os.kill(os.getpid(), signal.SIGTERM)
        assert (interruption.name, interruption.code) == ("SIGTERM", 143)


def test_what_nohup_started_runs_on() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with Interruption() as interruption, pytest.raises(SystemExit), exits.exit_on_error():
        os.kill(os.getpid(), signal.SIGHUP)
        assert interruption.code == 0
        sys.exit(0)
    signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(
    ("number", "code", "words"),
    [
        (signal.SIGINT, 130, "interrupted; nothing was started"),
        (signal.SIGTERM, 143, "interrupted by SIGTERM; nothing was started"),
        (signal.SIGHUP, 129, "interrupted by SIGHUP; nothing was started"),
    ],
)
def test_a_signal_before_the_loop_is_heard_and_said(number: int, code: int, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    handlers = [signal.getsignal(one) for one in exits.ENDING]
    with pytest.raises(SystemExit) as ended, exits.exit_on_error(), exits.interruption_says("nothing was started"):
        os.kill(os.getpid(), number)
    assert ended.value.code == code and capsys.readouterr().err == f"{words}\n"
    assert [signal.getsignal(one) for one in exits.ENDING] == handlers


@pytest.mark.parametrize("moment", ["precheck", "open_study", "start_parent"])
def test_a_signal_while_a_sweep_opens_leaves_nothing_half_made(
    moment: str, tmp_path: Path, store_uri: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    original = getattr(opening, moment)

    def interrupted(*arguments: object, **named: object) -> object:
        os.kill(os.getpid(), signal.SIGINT)
        return original(*arguments, **named)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store_uri)
    monkeypatch.setattr(opening, moment, interrupted)
    monkeypatch.setattr(opening, "_check", lambda *_, **__: interrupted(None, None, None) if moment == "precheck" else None)
    with conf_loader() as loader:
        line = read_command_line(loader, ["-m", "data=digits", "model.units=4,8"])
        if moment == "start_parent":
            assert run(loader, line.request, line.config, run_trial=units) == 130
        else:
            with pytest.raises(SystemExit, match="130"), exits.exit_on_error():
                run(loader, line.request, line.config, run_trial=units)
    said = capsys.readouterr()
    [*folders] = (tmp_path / "mlruns").glob("sweeps/*")
    if moment == "start_parent":
        assert "interrupted by SIGINT: 0 finished trials are kept in mlruns/sweeps/" in said.out and f"resume={folders[0].name}" in said.out
        assert [one.info.status for one in runs_of(store_uri)] == ["KILLED"]
    else:
        assert said.err == "interrupted; nothing was started\n" and folders == []


SLOW = """
import time

def run(config, report):
    report(1, {"height": 1.0})
    open("begun", "w").close()
    while True:
        report.check_stop()
        time.sleep(0.05)
"""


def test_the_end_of_the_terminal_ends_a_sweep_in_order(tmp_path: Path, store_uri: str) -> None:
    added = overlay(tmp_path, {"slow": SLOW}, {"trial/slow.yaml": "_target_: src.trials.slow.run\nobjective: min:height\nuses: []\n"})
    ours, theirs = pty.openpty()
    code = (
        f"from tests import warm; import sys, src.config.command_line; warm.add(__import__('pathlib').Path({added['TRIALBOOK_ADDED']!r}))\n"
    )
    code += "import runpy; sys.argv = ['src.sweep', '-m', 'trial=slow', 'seed=1,2']; runpy.run_module('src.sweep', run_name='__main__')"
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "MLFLOW_TRACKING_URI": store_uri},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        preexec_fn=_of_its_own,
    )
    os.close(theirs)
    os.set_blocking(ours, False)

    def begun() -> bool:
        with contextlib.suppress(BlockingIOError):  # nothing to read now
            os.read(ours, 2**20)
        return (tmp_path / "begun").exists() or process.poll() is not None

    until(begun)
    os.close(ours)
    assert process.wait(PATIENCE) == 129
    [study] = (tmp_path / "mlruns").glob("sweeps/*/study.db")
    assert sqlite3.connect(study).execute("select state, attempts from trial").fetchall() == [("KILLED", 0)]
    assert {one.info.status for one in runs_of(store_uri, "slow")} == {"KILLED"}


def _of_its_own() -> None:
    """Makes a session whose terminal is that of the new process."""
    import fcntl
    import termios

    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
