"""The base of executors that run trials in the driver's process."""

from collections.abc import Callable
from functools import partial
from typing import Any

from src.errors import Cancelled
from src.executors import Function, Listener, RunTrial, run_logged
from src.job import Job, Outcome


class InProcess:
    """Base class of executors that run trials within `wait`."""

    listener: Listener
    parallel_trials = parallel_calls = 1

    def __init__(self, run_trial: RunTrial) -> None:
        self._run_trial = run_trial
        self._cancelled: dict[int, bool] = {}  # trial in flight → True if it was cancelled

    def warm_up(self, trials: int) -> None:
        """Does nothing: this process needs no preparation."""

    def apply(self, function: Function, *arguments: Any) -> Callable[[], Any]:
        """Returns a callable that runs the function in this process."""
        return partial(function, *arguments)

    def cancel(self, number: int) -> None:
        """Lets `check_stop` of the trial raise Cancelled."""
        if number in self._cancelled:
            self._cancelled[number] = True

    def accept(self, job: Job) -> None:
        """Marks a job as in flight."""
        self._cancelled[job.number] = False

    def run(self, job: Job) -> None:
        """Runs a job to its end and calls the listener."""
        report, check_stop = self.callbacks(job.number)
        self.end(job.number, run_logged(self._run_trial, job, report, check_stop))

    def end(self, number: int, outcome: Outcome) -> None:
        """Reports the end of a trial to the listener."""
        del self._cancelled[number]
        self.listener.end(number, outcome)

    def callbacks(self, number: int) -> tuple[Callable[[int, dict[str, float]], None], Callable[[], None]]:
        """Returns the functions `report` and `check_stop` of a trial."""
        return partial(self.listener.epoch, number), partial(self._check_stop, number)

    def _check_stop(self, number: int) -> None:
        self.listener.check_stop()
        if self._cancelled[number]:
            raise Cancelled("cancelled")
