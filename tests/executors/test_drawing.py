"""Pictures that are drawn in other processes: in order, few at once, and here where a process is not to be had."""

from collections.abc import Callable
from typing import Any

import pytest

from src.executors import drawing, forking

PICTURES = [({}, number, "") for number in range(5)]


@pytest.fixture(autouse=True)
def pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture is the number of its kept epoch."""
    monkeypatch.setattr("src.plots.curves.curves", lambda history, kept, title: f"{kept}".encode())


class Process:
    """Draws at once, in this process."""

    begun = 0

    def __init__(self, target: Callable, args: tuple, daemon: bool) -> None:
        self.target, self.args = target, args
        assert daemon, "or the exit of this process would wait for it"

    def start(self) -> None:
        Process.begun += 1
        self.target(*self.args)

    def join(self) -> None:
        pass


class Killed(Process):
    def start(self) -> None:
        pass


class Refused(Process):
    def start(self) -> None:
        raise BlockingIOError("no more processes")


@pytest.mark.parametrize("kind", [Process, Killed, Refused])
def test_every_picture_comes_whatever_becomes_of_its_process(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forking.context, "Process", kind)
    Process.begun = 0
    drawn = drawing.ahead(iter(PICTURES), 2)
    first = next(drawn)()
    assert Process.begun == (3 if kind is Process else 0)
    assert [first, *(one() for one in drawn)] == [f"{number}".encode() for number in range(5)]
