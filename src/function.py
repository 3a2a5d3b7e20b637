"""Runs a trial that is a user's function, `run(config, report)` of src/trials/, without importing TensorFlow."""

import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from src import files
from src.config.paths import KERAS_GROUPS
from src.config.rules import unrecordable
from src.config.targets import find
from src.errors import Cancelled, ConfigError, Stop, TrialbookError, TrialError, collecting, raised_at
from src.job import CHECKPOINT, Job, Outcome, ended_by
from src.objective import Objective
from src.states import TrialState

FILES = "files"  # folder inside the trial's folder
TAKEN = ("epoch", "seconds", "seconds_per_epoch")  # names of metrics that this module reports


class Report:
    """Records the steps of a function. It is the function's second argument.

    `report(step, {"loss": 0.2})` records a step, counted from 1, and raises errors.Stop if the trial must end. With `checkpoint=bytes` an
    interrupted trial can continue: `report.checkpoint` then has the last bytes. If errors.Cancelled ends a trial, its result is the metrics
    of the last step; a function that catches the error may return another result.

    Attributes:
        folder: files that are written here are kept with the trial, in `files/` of its run.
        checkpoint: of an earlier attempt, or of the trial that this one continues; None at the beginning.
        log: a logger that writes to trial.log.
        cancelled: True after errors.Cancelled was raised.
    """

    def __init__(self, job: Job, record: Callable[[int, dict[str, float]], None], check_stop: Callable[[], None]) -> None:
        self.folder, self.checkpoint, self.cancelled = job.folder / FILES, job.checkpoint, False
        self.log = logging.getLogger("src.trials")
        self.history: dict[str, list[float]] = {}
        self.last = self.steps = 0  # the last step, and the number of steps of this attempt
        self._home, self._record, self._check_stop = job.folder, record, check_stop

    def __call__(self, step: float, metrics: Mapping[str, float], checkpoint: bytes | None = None) -> None:
        """Records a step.

        Raises:
            TrialError: the step is not above the last one, a metric is not finite, or the names differ from those of the first step.
            errors.Stop: the trial must end.
        """
        values = checked(metrics, f"step {step:g}")
        if step != int(step) or step <= self.last:
            raise TrialError(f"report({step:g}, …) after step {self.last}; expected steps in ascending order, whole numbers from 1 on.")
        if self.history and values.keys() != self.history.keys():
            raise TrialError(f"report({step:g}, …) has {', '.join(values)}; expected {', '.join(self.history)}, as in the first step.")
        self.last, self.steps = int(step), self.steps + 1
        for name, value in values.items():
            self.history.setdefault(name, []).append(value)
        if checkpoint is not None:
            files.write(self._home / CHECKPOINT, checkpoint)
            self.checkpoint = checkpoint
        self._record(self.last, values)
        self.check_stop()

    def check_stop(self) -> None:
        """Raises errors.Stop if the trial must end. Call it about once a second while no step is reported."""
        try:
            self._check_stop()
        except Cancelled:
            self.cancelled = True
            raise


def run(job: Job, record: Callable[[int, dict[str, float]], None], check_stop: Callable[[], None]) -> Outcome:
    """Calls the function of a trial, and returns its outcome, also if it raises an exception.

    Args:
        record, check_stop: as in training.Monitor.
    """
    start, report = time.monotonic(), Report(job, record, check_stop)
    try:
        report.folder.mkdir(parents=True, exist_ok=True)
        result = checked(_named(_returned(job.config, report), job.config["objective"]), "the result")
    except (Exception, SystemExit) as error:
        ended = ended_by(error, job, time.monotonic() - start)
        return ended if isinstance(error, TrialbookError | Stop) else replace(ended, cause=f"{ended.cause}  ({raised_at(error)})")
    seconds = time.monotonic() - start
    metrics = {**{f"kept/{name}": value for name, value in result.items()}, "seconds": seconds}
    if report.last:
        metrics |= {"kept/epoch": report.last, "seconds_per_epoch": seconds / report.steps}
    kept = {file.relative_to(job.folder).as_posix(): file.read_bytes() for file in report.folder.rglob("*") if file.is_file()}
    if job.continued and report.checkpoint is not None:
        kept[CHECKPOINT] = report.checkpoint
    state = TrialState.PRUNED if report.cancelled else TrialState.FINISHED
    return Outcome(state, metrics, report.history, seconds, files=kept)


def _returned(config: dict[str, Any], report: Report) -> Any:
    """Calls the function, and returns its result. If it is cancelled, returns the metrics of its last step if they have the objective."""
    try:
        function, uses = find("trial", config["trial"]["_target_"]), config["trial"]["uses"]
        return function({key: node for key, node in config.items() if key not in KERAS_GROUPS or key in uses}, report)
    except Cancelled:
        if Objective.parse(config["objective"]).name not in report.history:
            raise
        return {name: values[-1] for name, values in report.history.items()}


def checked(metrics: Any, place: str) -> dict[str, float]:
    """Returns metrics as floats.

    Raises:
        TrialError: a value is no finite number, or a name cannot be recorded.
    """
    if not isinstance(metrics, Mapping) or not metrics:
        raise TrialError(f"{place}: received {metrics!r:.200}; expected a mapping of names to numbers.")
    values = {}
    for name, value in metrics.items():
        try:
            values[str(name)] = float("text" if isinstance(value, str | bytes) else value)
        except (TypeError, ValueError) as error:
            raise TrialError(f"{place}: {name} is {value!r:.200}; expected a number.") from error
        if not math.isfinite(values[str(name)]):
            raise TrialError(f"{place}: {name} is {value}; expected a finite number.")
        rule = "another name" if name in TAKEN else unrecordable(f"kept/{name}")
        if rule:
            raise TrialError(f"{place}: no metric can be named {name!r}; expected {rule}.")
    return values


def _named(returned: Any, objective: str) -> Any:
    """Returns the result as a mapping that contains the objective; a single number is the objective."""
    name = Objective.parse(objective).name
    if not isinstance(returned, Mapping):
        return {name: returned}
    if name not in returned:
        raise TrialError(f"the function returned {', '.join(map(str, returned))}; expected {name} among them, the objective.")
    return returned


def check(configs: list[dict[str, Any]]) -> None:
    """Imports the functions of trials, before the first trial runs.

    Raises:
        ConfigError: a function cannot be imported.
    """
    mistakes: list[str] = []
    for target in dict.fromkeys(str(config["trial"]["_target_"]) for config in configs):
        with collecting(mistakes):
            find("trial", target)
    if mistakes:
        raise ConfigError(mistakes)
