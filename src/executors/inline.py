"""Runs one trial at a time, in the driver's process."""

from collections import deque
from collections.abc import Iterable
from typing import Any

from src.executors import RunTrial
from src.executors.in_process import InProcess
from src.job import Job


class Inline(InProcess):
    """Runs a submitted job within `wait`."""

    slots = 1
    headline = ""

    def __init__(self, run_trial: RunTrial) -> None:
        super().__init__(run_trial)
        self._jobs: deque[Job] = deque()

    def plan(self, configs: Iterable[dict[str, Any]]) -> list[str]:
        """Returns no lines: trials are not grouped."""
        return []

    def submit(self, job: Job) -> None:
        """Stores a job for `wait`."""
        self.accept(job)
        self._jobs.append(job)

    def wait(self, seconds: float) -> None:
        """Runs the next job to its end."""
        self.run(self._jobs.popleft())

    def close(self) -> None:
        """Drops submitted jobs; no trial runs outside `wait`."""
        self._jobs.clear()
