"""One trial at a time, in the driver's own process."""

from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from src.executors import Function, Listener, RunTrial, run_logged
from src.trial import Job


class Inline:
    """Runs a submitted job when it is waited for."""

    listener: Listener
    slots = side_by_side = 1
    headline = ""

    def __init__(self, run_trial: RunTrial) -> None:
        self._run_trial = run_trial
        self._jobs: deque[Job] = deque()

    def plan(self, configs: Iterable[dict[str, Any]]) -> list[str]:
        """One after the other."""
        return []

    def warm_up(self, trials: int) -> None:
        """This process is warm."""

    def apply(self, function: Function, *arguments: Any) -> Callable[[], Any]:
        """Here, when it is waited for."""
        return partial(function, *arguments)

    def submit(self, job: Job) -> None:
        """Takes a job."""
        self._jobs.append(job)

    def wait(self, seconds: float) -> None:
        """Runs the next job to its end."""
        job = self._jobs.popleft()
        report = partial(self.listener.epoch, job.number)
        self.listener.end(job.number, run_logged(self._run_trial, job, report, self.listener.alive))

    def close(self) -> None:
        """Nothing outlives a call of `wait`."""
        self._jobs.clear()
