"""The callback that reports each epoch, keeps the best one, stops early and saves checkpoints."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import keras
import numpy as np

from src.errors import Cancelled, TrialError
from src.objective import Objective
from src.training import Monitor, Schedule, state
from src.training.checkpoint import Checkpoint, History, Values

log = logging.getLogger(__name__)
SECONDS_BETWEEN_CHECKPOINTS = 10.0
SECONDS_BETWEEN_SIGNS = 1.0
ROUNDING = 1e-5
AT_VALIDATION = "validation/"  # prefix of the seeds as they were when validation began


class Keeper(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps a snapshot of the model *and* its optimizer.

    Keras' EarlyStopping restores only weights, and cannot be resumed.

    Attributes:
        history: metric → its value per epoch, including the epochs of a checkpoint.
        kept_epoch: counted from 1.
        cancelled: True if the training ended, after an epoch, because it was cancelled.
        read: returns the state of the training; by default that of the model. A stack holds it elsewhere.
    """

    def __init__(self, objective: Objective, schedule: Schedule, monitor: Monitor) -> None:
        super().__init__()
        self._objective, self._schedule, self._monitor = objective, schedule, monitor
        self.history: History = {}
        self.kept_epoch = 0
        self.cancelled = False
        self.read: Callable[[], Values] = lambda: state.values(state.of(self.model))
        self._latest: Values = {}  # state after the last epoch, before `fit` and callbacks change it; empty if not needed
        self._kept: Values = {}  # state of the kept epoch, as it was scored; empty while that is the latest epoch
        self._scored: Values = {}  # values of this epoch that were different in validation and in training
        self._saved_at = self._checked_at = time.monotonic()

    def resume(self, model: keras.Model, checkpoint: Checkpoint) -> None:
        """Restores a checkpoint and reports its epochs; if it belongs to another model, warns and starts anew."""
        try:
            state.assign(state.of(model), checkpoint.variables)
        except ValueError as error:
            log.warning("the training starts anew: its checkpoint has other variables: %s", error)
            return
        self.kept_epoch, self._latest, self._kept = checkpoint.kept_epoch, checkpoint.variables, checkpoint.kept
        for epoch, values in enumerate(zip(*checkpoint.history.values(), strict=True), 1):
            self._record(epoch, dict(zip(checkpoint.history, values, strict=True)))

    @property
    def epochs(self) -> int:
        """Number of finished epochs, including those before a checkpoint."""
        return len(self._scores)

    @property
    def out_of_patience(self) -> bool:
        """True if the objective has not improved for `patience` epochs."""
        return self._is_over(self._scores)

    def _is_over(self, scores: list[float]) -> bool:
        if self._schedule.patience is None or not scores:
            return False
        since = max(self._objective.best_epoch(scores), *(phase.start - 1 for phase in self._schedule.phases), 0)
        return len(scores) - since >= max(1, self._schedule.patience)

    def needs_state(self, metrics: dict[str, float]) -> bool:
        """True if the state of the training will be read at the end of an epoch with these metrics."""
        score = metrics.get(self._objective.name, np.nan)
        if not np.isfinite(score):
            return False
        last = self.epochs + 1 >= self.params["epochs"] or self._is_over([*self._scores, score])
        return last or (self._improves(score) and self._schedule.keep == "best") or self._is_checkpoint_due()

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Calls `monitor.check_stop`, which may stop the training, about once a second."""
        now = time.monotonic()
        if now - self._checked_at > SECONDS_BETWEEN_SIGNS:
            self._checked_at = now
            with suppress(Cancelled):  # at the end of the epoch
                self._monitor.check_stop()

    def on_test_begin(self, logs: dict[str, float] | None = None) -> None:
        """Records the seeds. Puts averaged weights (`use_ema`) into the model, which `fit` does only at its end."""
        variables = state.of(self.model)
        self._scored = {f"{AT_VALIDATION}{name}": variable.numpy() for name, variable in variables.items() if state.is_seed(name)}
        if state.averages(self.model.optimizer):
            self._trained = state.values(state.trained(self.model))
            self.model.optimizer.finalize_variable_values(self.model.trainable_variables)

    def on_test_end(self, logs: dict[str, float] | None = None) -> None:
        """Records the averaged weights as scored, and puts those of the training back into the model."""
        if state.averages(self.model.optimizer):
            self._scored |= state.values(state.trained(self.model))
            state.assign(state.trained(self.model), self._trained)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Checks and reports the metrics, takes the snapshot, and stops the training early.

        Raises:
            TrialError: a metric is not finite, or the objective is not among the metrics.
            errors.Stop: the monitor requested it.
        """
        metrics = {name: float(value) for name, value in (logs or {}).items()}
        if bad := [f"{name} is {value}" for name, value in metrics.items() if not np.isfinite(value)]:
            raise TrialError(f"{', '.join(bad)} after epoch {epoch + 1}; expected finite values. Try a smaller optimizer.learning_rate.")
        if self._objective.name not in metrics:
            raise TrialError(f"objective={self._objective.name} is not reported; metrics are {', '.join(metrics)}.")
        improved = self._improves(metrics[self._objective.name])
        self._record(epoch + 1, metrics)
        self.model.stop_training |= self.out_of_patience
        last = self.model.stop_training or epoch + 1 >= self.params["epochs"]
        needed = last or (improved and self._schedule.keep == "best")
        self._latest = self.read() if needed else {}
        if improved:
            self.kept_epoch = epoch + 1
            self._kept = {**self._latest, **self._scored} if needed else {}
        if self._monitor.save and self._is_checkpoint_due():
            self._saved_at = time.monotonic()
            self._monitor.save(self._checkpoint())
        try:
            self._monitor.check_stop()
        except Cancelled:
            if not last:
                self.cancelled = self.model.stop_training = True
                self._latest = self._latest or self.read()

    def end(self, model: keras.Model) -> Checkpoint:
        """Restores the kept epoch in the model and its optimizer; returns the state after the last epoch."""
        latest = self._checkpoint()
        self._kept = latest.kept
        kept = {name: value for name, value in latest.kept.items() if not name.startswith(AT_VALIDATION)}
        variables = state.of(model)
        if variables.keys() != kept.keys() and self._schedule.phases:  # the kept epoch is of a phase with another optimizer
            variables = state.of_model(model)
            kept = {name: kept[name] for name in variables}
        state.assign(variables, kept)
        return latest

    @contextmanager
    def as_validated(self, model: keras.Model) -> Iterator[None]:
        """Sets the seeds of a model to those of the kept epoch's validation, until it exits."""
        seeds = {name.removeprefix(AT_VALIDATION): value for name, value in self._kept.items() if name.startswith(AT_VALIDATION)}
        variables = {name: variable for name, variable in state.of(model).items() if name in seeds}
        before = state.values(variables)
        state.assign(variables, seeds)
        try:
            yield
        finally:
            state.assign(variables, before)

    def check(self, again: dict[str, float]) -> None:
        """Compares the recorded metrics with those of the kept weights, which will be saved.

        Args:
            again: loss and metrics from a second evaluation of the kept weights on the validation split.

        Raises:
            TrialError: they differ by more than the rounding of float32; the message names both.
        """
        recorded = {name: self.history[f"val_{name}"][self.kept_epoch - 1] for name in again}
        if wrong := [name for name, value in again.items() if not np.isclose(value, recorded[name], rtol=ROUNDING, atol=ROUNDING)]:
            differences = ", ".join(f"val_{name} {again[name]:.7g}, recorded {recorded[name]:.7g}" for name in wrong)
            raise TrialError(
                f"the weights of epoch {self.kept_epoch} give {differences}; expected the same. Something changes them after validation."
            )

    @property
    def _scores(self) -> list[float]:
        return self.history.get(self._objective.name, [])

    def _improves(self, score: float) -> bool:
        best = self._scores[self.kept_epoch - 1] if self.kept_epoch else None
        return self._schedule.keep == "last" or self._objective.improves(score, best)

    def _is_checkpoint_due(self) -> bool:
        return bool(self._monitor.save) and time.monotonic() - self._saved_at > SECONDS_BETWEEN_CHECKPOINTS

    def _checkpoint(self) -> Checkpoint:
        now = self._latest or self.read()
        return Checkpoint(self.history, now, self.kept_epoch, self._kept or {**now, **self._scored})

    def _record(self, epoch: int, metrics: dict[str, float]) -> None:
        for name, value in metrics.items():
            self.history.setdefault(name, []).append(value)
        self._monitor.report(epoch, metrics)
