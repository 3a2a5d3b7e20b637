"""Executors: where trials run. One class per file, and a YAML in conf/executor/ that names it."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from src import files, trial
from src.config.targets import find
from src.redaction import take
from src.training import Report
from src.trial import Job, Outcome

Function = Callable[..., Any]
RunTrial = Callable[[Job, Report, Callable[[], None]], Outcome]
"""`run_trial(job, report, alive)`: `alive` is called about once a second, and may raise errors.Stop."""


@dataclass(frozen=True)
class Listener:
    """Whom an executor calls back, always in the thread that calls `wait`.

    Attributes:
        epoch: trial number, epoch, metrics.
        end: trial number, how it ended.
        died: trial number, why: its process is gone, and the trial with it.
        alive: called about once a second; raises errors.Stop when running trials are to end.
    """

    epoch: Callable[[int, int, dict[str, float]], None]
    end: Callable[[int, Outcome], None]
    died: Callable[[int, str], None]
    alive: Callable[[], None]


class Executor(Protocol):
    """Runs jobs. It takes up what it needs with the first of them, or when it is to warm up.

    Attributes:
        listener: to be set before the first job.
        slots: how many trials it runs at once.
        side_by_side: how many it runs in the time of one.
        headline: where they run, for people; nothing where there is nothing to say.
    """

    listener: Listener
    slots: int
    side_by_side: int
    headline: str

    def plan(self, configs: Iterable[dict[str, Any]]) -> list[str]:
        """What people should know of how trials of these configurations would run together, in lines."""

    def warm_up(self, trials: int) -> None:
        """Begins with what takes long and so many trials will need, such as the start of processes; does not wait for it."""

    def apply(self, function: Function, *arguments: Any) -> Callable[[], Any]:
        """Has a function run where trials do, and TensorFlow is, while none runs; gives what waits for what it returns."""

    def submit(self, job: Job) -> None:
        """Takes a job; at most `slots` are in flight."""

    def wait(self, seconds: float) -> None:
        """Calls back what happened; returns after the first end of a trial, or after some seconds."""

    def close(self) -> None:
        """Ends everything."""


def create(settings: dict[str, Any], run_trial: RunTrial = trial.run) -> Executor:
    """The executor of a node of conf/executor/.

    Raises:
        ConfigError: this machine can not give what the settings want.
    """
    arguments = {key: value for key, value in settings.items() if key != "_target_"}
    executor: Executor = find("executor", settings["_target_"])(run_trial, **arguments)
    return executor


def run_logged(run_trial: RunTrial, job: Job, report: Report, alive: Callable[[], None]) -> Outcome:
    """Runs a job while the log lines of this process go into the trial's file, without its secrets."""
    take(job.secrets)
    handler = files.log_handler(job.folder / "trial.log")
    logger = logging.getLogger("src")
    logger.addHandler(handler)
    try:
        return run_trial(job, report, alive)
    finally:
        logger.removeHandler(handler)
        handler.close()
