"""One trial at a time, in the driver's own process."""

import logging
from collections import deque
from collections.abc import Callable

from src import files, trial
from src.executors import OnEnd, OnEpoch
from src.training import Report
from src.trial import Job, Outcome

RunTrial = Callable[[Job, Report, Callable[[], None]], Outcome]
"""`run_trial(job, report, alive)`: `alive` is called about once a second, and may raise errors.Stop."""


class Inline:
    """Runs a submitted job when it is waited for."""

    slots = 1

    def __init__(self, on_epoch: OnEpoch, on_end: OnEnd, alive: Callable[[], None], run_trial: RunTrial = trial.run) -> None:
        self._on_epoch, self._on_end, self._alive, self._run_trial = on_epoch, on_end, alive, run_trial
        self._jobs: deque[Job] = deque()

    def submit(self, job: Job) -> None:
        """Takes a job."""
        self._jobs.append(job)

    def wait(self, seconds: float | None) -> None:
        """Runs the next job to its end."""
        job = self._jobs.popleft()
        handler = files.log_handler(job.folder / "trial.log")
        logger = logging.getLogger("src")
        logger.addHandler(handler)
        try:
            outcome = self._run_trial(job, lambda epoch, metrics: self._on_epoch(job.number, epoch, metrics), self._alive)
        finally:
            logger.removeHandler(handler)
            handler.close()
        self._on_end(job.number, outcome)

    def close(self) -> None:
        """Nothing outlives a call of `wait`."""
        self._jobs.clear()
