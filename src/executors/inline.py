"""Runs one trial at a time, in the process of the driver."""

from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from src.executors import Function, Listener, RunTrial, run_logged
from src.trial import Job


class Inline:
    """Runs a submitted job within `wait`."""

    listener: Listener
    slots = parallel_trials = 1
    headline = ""

    def __init__(self, run_trial: RunTrial) -> None:
        self._run_trial = run_trial
        self._jobs: deque[Job] = deque()

    def plan(self, configs: Iterable[dict[str, Any]]) -> list[str]:
        """Trials are not grouped."""
        return []

    def warm_up(self, trials: int) -> None:
        """Does nothing: this process needs no preparation."""

    def apply(self, function: Function, *arguments: Any) -> Callable[[], Any]:
        """Runs the function in this process, when the returned callable is called."""
        return partial(function, *arguments)

    def submit(self, job: Job) -> None:
        """Stores a job for `wait`."""
        self._jobs.append(job)

    def wait(self, seconds: float) -> None:
        """Runs the next job to its end."""
        job = self._jobs.popleft()
        report = partial(self.listener.epoch, job.number)
        self.listener.end(job.number, run_logged(self._run_trial, job, report, self.listener.check_stop))

    def close(self) -> None:
        """Drops submitted jobs; no trial runs outside `wait`."""
        self._jobs.clear()
