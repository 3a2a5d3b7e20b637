"""Executors run trials. Each has a class in a file here, and a YAML in conf/executor/ that names the class."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from src import files, trial
from src.config.targets import find
from src.job import Job, Outcome
from src.redaction import add_secrets
from src.training import Report

Function = Callable[..., Any]
RunTrial = Callable[[Job, Report, Callable[[], None]], Outcome]
"""`run_trial(job, report, check_stop)` calls `check_stop` about once a second; `check_stop` may raise errors.Stop."""


@dataclass(frozen=True)
class Listener:
    """Callbacks of an executor. It calls them in the thread that calls `wait`.

    Attributes:
        epoch: an epoch ended; takes the number of the trial, the epoch and its metrics.
        end: a trial ended; takes the number of the trial and its outcome.
        died: a trial died with its process; takes the number of the trial and the cause.
        check_stop: called about once a second; raises errors.Stop if running trials must end.
    """

    epoch: Callable[[int, int, dict[str, float]], None]
    end: Callable[[int, Outcome], None]
    died: Callable[[int, str], None]
    check_stop: Callable[[], None]


class Executor(Protocol):
    """Runs jobs. It starts processes and reserves resources only at `warm_up`, or at the first job or call.

    Attributes:
        listener: must be set before the first job.
        slots: how many trials it accepts at once.
        parallel_trials: how many trials it runs in the time of one.
        parallel_calls: how many functions `apply` runs at once.
        headline: a line for people that says where trials run; may be empty.
    """

    listener: Listener
    slots: int
    parallel_trials: int
    parallel_calls: int
    headline: str

    def plan(self, configs: Iterable[dict[str, Any]]) -> list[str]:
        """Returns lines for people that describe how trials of these configurations would be grouped."""

    def warm_up(self, trials: int) -> None:
        """Begins slow preparations for this many trials, such as the start of processes; does not wait for them."""

    def apply(self, function: Function, *arguments: Any) -> Callable[[], Any]:
        """Runs a function in a process that runs trials and has TensorFlow, while no trial runs there.

        Returns:
            A callable that waits for the function and returns its result.
        """

    def submit(self, job: Job) -> None:
        """Accepts a job. At most `slots` jobs may be in flight."""

    def cancel(self, number: int) -> None:
        """Ends one trial in flight and keeps its results; calls the listener as for every end. Other trials go on.

        A Keras trial ends after its epoch, a function at its next report or call of `check_stop`, a command at once: PRUNED if it has a
        score by then, KILLED if not. A trial that is about to end anyway ends as usual. Ignores a trial that is not in flight.
        """

    def wait(self, seconds: float) -> None:
        """Calls the listener for every event; returns when a trial ended, or after this many seconds."""

    def close(self) -> None:
        """Ends all trials and processes."""


def create(settings: dict[str, Any], run_trial: RunTrial = trial.run) -> Executor:
    """Returns the executor that a node of conf/executor/ describes.

    Raises:
        ConfigError: the machine has fewer resources than the settings require.
    """
    arguments = {key: value for key, value in settings.items() if key != "_target_"}
    executor: Executor = find("executor", settings["_target_"])(run_trial, **arguments)
    return executor


def run_logged(run_trial: RunTrial, job: Job, report: Report, check_stop: Callable[[], None]) -> Outcome:
    """Runs a job; writes the log lines of this process, without secrets, into the trial's trial.log."""
    add_secrets(job.secrets)
    handler = files.log_handler(job.folder / "trial.log")
    logger = logging.getLogger("src")
    logger.addHandler(handler)
    try:
        return run_trial(job, report, check_stop)
    finally:
        logger.removeHandler(handler)
        handler.close()
