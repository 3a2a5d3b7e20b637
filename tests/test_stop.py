"""`python -m src.stop`, with a driver that is a thread here."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from src import stop
from src.oracles import Proposal
from src.study.instructions import CANCEL, STOP, Instruction
from src.study.lock import driving
from src.study.messages import Message
from src.study.store import Store
from tests.test_compare import study

SWEEP, OTHER = "20260101-000000-aaaa", "20260101-000001-bbbb"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sweep whose second trial runs, if somebody drives it."""
    study(tmp_path, SWEEP, "optimizers", [({"optimizer": "sgd"}, 0.8)])
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "mlruns" / "sweeps" / SWEEP
    store = Store.reopen(folder / "study.db")
    store.describe(command_to_resume=f"python -m src.sweep -m optimizer=sgd,adam resume={SWEEP}")
    store.start_trial(1, Proposal({"optimizer": "adam"}), "hash", {}, Message(1, "start", {}))
    store.close()
    return folder


@pytest.fixture
def said(in_this_process: Callable[..., str]) -> Callable[..., str]:
    return partial(in_this_process, stop.main)


@contextmanager
def driver(folder: Path, heard: list[Instruction], forgets: bool = False) -> Iterator[None]:
    """Drives a sweep, and hears what it is told.

    Args:
        forgets: it begins just now, so that it forgets first what was asked before it.
    """
    done = threading.Event()

    def listen() -> None:
        nonlocal forgets
        with closing(Store.reopen(folder / "study.db")) as store:
            while not done.wait(0.02):
                for one in store.unheard(STOP, CANCEL):
                    if forgets:
                        store.withdraw(STOP, CANCEL)
                        forgets = False
                        break
                    store.hear(one)
                    heard.append(one)

    with driving(folder):
        thread = threading.Thread(target=listen)
        thread.start()
        yield
        done.set()
        thread.join()


@pytest.mark.parametrize(
    ("words", "told", "line"),
    [
        ([], (STOP, {"now": False}), f"{SWEEP} is stopped: no new trials; its running trials finish"),
        (["now=true", "sweep=optimizers"], (STOP, {"now": True}), f"{SWEEP} is stopped: its running trials end now"),
        (["trial=2"], (CANCEL, {"trial": 1}), f"trial 2 of {SWEEP} is stopped; the sweep goes on"),
    ],
)
def test_the_driver_is_told(words: list[str], told: tuple[str, dict[str, Any]], line: str, folder: Path, said: Callable) -> None:
    heard: list[Instruction] = []
    with driver(folder, heard):
        lines = said(*words).splitlines()
    assert [(one.kind, one.payload) for one in heard] == [told] and lines[0] == line
    assert (lines[-1] == f"  python -m src.sweep -m optimizer=sgd,adam resume={SWEEP}") == (told[0] == STOP)


def test_a_driver_that_has_just_begun_is_told_again(folder: Path, said: Callable) -> None:
    heard: list[Instruction] = []
    with driver(folder, heard, forgets=True):
        assert json.loads(said("format=json")) == {"sweep": SWEEP, "trial": None, "heard": True}
    assert [one.kind for one in heard] == [STOP]


def test_what_nobody_heard_is_withdrawn_when_the_sweep_has_ended(folder: Path) -> None:
    with closing(Store.reopen(folder / "study.db")) as store:
        assert store.instruct_and_wait(lambda: False, 9.0, STOP, now=True) is None
        assert store.unheard(STOP) == []
        assert store.instruct_and_wait(lambda: True, 0.0, STOP, now=True) is False and len(store.unheard(STOP)) == 1


def test_what_does_not_run_is_not_stopped(folder: Path, said: Callable, tmp_path: Path) -> None:
    study(tmp_path, OTHER, "", [({"optimizer": "sgd"}, 0.8)])
    assert "no sweep runs in this folder; expected one that runs: python -m src.status lists them" in said()
    with driving(folder):
        assert f"sweep=latest: it does not run; expected sweep={SWEEP}" in said("sweep=latest")
        assert "trial=1: it is FINISHED; expected one that runs: trial=2" in said("trial=1")
        assert "trial=9: there is no such trial" in said("trial=9")
        assert "2 mistakes" in said("trial=x", "format=yaml")
        with driving(tmp_path / "mlruns" / "sweeps" / OTHER):
            assert f"several sweeps run; expected sweep={SWEEP} or sweep={OTHER}" in said()
