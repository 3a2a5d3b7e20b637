"""Runs a trial that is a function of the user's, `run(config, report)` of src/trials/. Imports no TensorFlow."""

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
from src.errors import Cancelled, ConfigError, Stop, TrialbookError, TrialError, raised_at
from src.job import CHECKPOINT, Job, Outcome, ended_by
from src.objective import Objective
from src.states import TrialState

FILES = "files"  # folder in that of the trial
TAKEN = ("epoch", "seconds", "seconds_per_epoch")


class Report:
    """Records the steps of a function, which gets it beside its configuration.

    `report(step, {"loss": 0.2})` records a step, from 1 on, and raises errors.Stop if the trial is to end. With `checkpoint=bytes` an
    interrupted trial continues: `report.checkpoint` then holds the last ones. A trial that ends by errors.Cancelled has the metrics of its
    last step as result; a function that catches it may return another one.

    Attributes:
        folder: files that are written here are kept with the trial, in `files/` of its run.
        checkpoint: of an earlier attempt, or of the trial that this one continues; None at the beginning.
        log: a logger; its lines are kept in trial.log.
        cancelled: True once errors.Cancelled was raised.
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
            TrialError: the step does not follow, a metric is not finite, or the names differ from those of the first step.
            errors.Stop: the trial is to end.
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
        """Raises errors.Stop if the trial is to end. Call it about once a second where no step is reported."""
        try:
            self._check_stop()
        except Cancelled:
            self.cancelled = True
            raise


def run(job: Job, record: Callable[[int, dict[str, float]], None], check_stop: Callable[[], None]) -> Outcome:
    """Calls the function of a trial; an exception becomes an outcome, too.

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
    """Calls the function, and returns its result; if it was cancelled, the metrics of its last step if the objective is among them."""
    try:
        return find("trial", config["trial"]["_target_"])(_used(config), report)
    except Cancelled:
        if Objective.parse(config["objective"]).name not in report.history:
            raise
        return {name: values[-1] for name, values in report.history.items()}


def _used(config: dict[str, Any]) -> dict[str, Any]:
    """Returns the part of a configuration that a function uses, which alone is recorded."""
    uses = config["trial"]["uses"]
    return {key: node for key, node in config.items() if key not in KERAS_GROUPS or key in uses}


def checked(metrics: Any, place: str) -> dict[str, float]:
    """Returns metrics as finite numbers.

    Raises:
        TrialError: they are something else, or have names that cannot be recorded.
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
        if name in TAKEN or (rule := unrecordable(f"kept/{name}")):
            raise TrialError(f"{place}: no metric can be named {name!r}; expected {rule if name not in TAKEN else 'another name'}.")
    return values


def _named(returned: Any, objective: str) -> Any:
    """A number under the name of the objective; of a mapping, which must contain that, all."""
    name = Objective.parse(objective).name
    if not isinstance(returned, Mapping):
        return {name: returned}
    if name not in returned:
        raise TrialError(f"the function returned {', '.join(map(str, returned))}; expected {name} among them, the objective.")
    return returned


def check(configs: list[dict[str, Any]]) -> None:
    """Looks for the functions of trials, before the first one runs.

    Raises:
        ConfigError: one cannot be imported.
    """
    mistakes = []
    for target in dict.fromkeys(str(config["trial"]["_target_"]) for config in configs):
        try:
            find("trial", target)
        except ConfigError as error:
            mistakes += error.mistakes
    if mistakes:
        raise ConfigError(mistakes)
