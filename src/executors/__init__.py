"""Executors: where trials run. One class per file."""

from collections.abc import Callable
from typing import Protocol

from src.trial import Job, Outcome

OnEpoch = Callable[[int, int, dict[str, float]], None]
"""`on_epoch(number, epoch, metrics)`; it may raise errors.Stop."""
OnEnd = Callable[[int, Outcome], None]


class Executor(Protocol):
    """Runs jobs and calls back, always in the thread that calls `wait`."""

    slots: int

    def __init__(self, on_epoch: OnEpoch, on_end: OnEnd) -> None: ...

    def submit(self, job: Job) -> None:
        """Takes a job; at most `slots` are in flight."""

    def wait(self, seconds: float | None) -> None:
        """Calls back what happened; returns after the first end of a trial, or after some seconds."""

    def close(self) -> None:
        """Ends everything."""
