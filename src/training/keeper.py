"""What every engine driven by Keras' `fit` sees to: it reports each epoch, keeps the best one, stops early, saves checkpoints."""

import time
from typing import Any

import keras
import numpy as np

from src.errors import TrialError
from src.objective import Objective
from src.training import Monitor
from src.training.checkpoint import Checkpoint, History

SECONDS_BETWEEN_CHECKPOINTS = 10.0
SECONDS_BETWEEN_SIGNS = 1.0


class Keeper(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps a snapshot of the model *and* its optimizer: Keras' EarlyStopping restores weights alone, and can not be resumed.

    Args:
        keep: "best" by the objective, or "last".
        patience: epochs without improvement of the objective before stopping; None never stops.

    Attributes:
        history: metric → its value per epoch, those of a checkpoint included.
        kept_epoch: counted from 1.
    """

    def __init__(self, objective: Objective, keep: str, patience: int | None, monitor: Monitor) -> None:
        super().__init__()
        self._objective, self._keep, self._patience, self._monitor = objective, keep, patience, monitor
        self.history: History = {}
        self.kept_epoch = 0
        self._kept: list[np.ndarray] = []  # of the best epoch; the last one is in the model
        self._saved = self._seen = time.monotonic()

    def go_on(self, model: keras.Model, checkpoint: Checkpoint) -> None:
        """Puts a model and its optimizer where a checkpoint stands, and reports the epochs before it."""
        model.optimizer.build(model.trainable_variables)
        _assign(model, checkpoint.variables)
        self.kept_epoch = checkpoint.kept_epoch
        self._kept = checkpoint.kept if self._keep == "best" else []
        for epoch, values in enumerate(zip(*checkpoint.history.values(), strict=True), 1):
            self._note(epoch, dict(zip(checkpoint.history, values, strict=True)))

    @property
    def epochs(self) -> int:
        """How many epochs are done, those before a checkpoint included."""
        return len(self._judged)

    @property
    def enough(self) -> bool:
        """Whether the objective has not improved for `patience` epochs."""
        if self._patience is None or not self._judged:
            return False
        return self.epochs - self._objective.best_epoch(self._judged) >= max(1, self._patience)

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Asks about once a second whether to go on."""
        if (now := time.monotonic()) - self._seen > SECONDS_BETWEEN_SIGNS:
            self._seen = now
            self._monitor.alive()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Refuses metrics that are not finite, takes the snapshot, reports, and decides whether that was enough."""
        metrics = {name: float(value) for name, value in (logs or {}).items()}
        if bad := [f"{name} is {value}" for name, value in metrics.items() if not np.isfinite(value)]:
            raise TrialError(f"{', '.join(bad)} after epoch {epoch + 1}; expected finite values. Try a smaller optimizer.learning_rate.")
        if self._objective.name not in metrics:
            raise TrialError(f"objective={self._objective.name} is not reported; metrics are {', '.join(metrics)}.")
        best = self._judged[self.kept_epoch - 1] if self.kept_epoch else None
        if self._keep == "last":
            self.kept_epoch = epoch + 1
        elif self._objective.improves(metrics[self._objective.name], best):
            self.kept_epoch, self._kept = epoch + 1, _values(self.model)
        self._note(epoch + 1, metrics)
        self.model.stop_training |= self.enough
        if self._monitor.save and time.monotonic() - self._saved > SECONDS_BETWEEN_CHECKPOINTS:
            self._saved = time.monotonic()
            self._monitor.save(self._checkpoint(self.model))
        self._monitor.alive()

    def end(self, model: keras.Model) -> Checkpoint:
        """Puts the kept epoch back into the model and its optimizer; returns where the training stands."""
        latest = self._checkpoint(model)
        if self._kept:
            _assign(model, self._kept)
        return latest

    @property
    def _judged(self) -> list[float]:
        return self.history.get(self._objective.name, [])

    def _checkpoint(self, model: keras.Model) -> Checkpoint:
        now = self._kept if self._kept and self.kept_epoch == self.epochs else _values(model)
        return Checkpoint(self.history, now, self.kept_epoch, self._kept or now)

    def _note(self, epoch: int, metrics: dict[str, float]) -> None:
        for name, value in metrics.items():
            self.history.setdefault(name, []).append(value)
        self._monitor.report(epoch, metrics)


def copy_variables(source: keras.Model, target: keras.Model) -> None:
    """Makes a model of the same structure and its optimizer equal to another one."""
    copy([*source.variables, *source.optimizer.variables], [*target.variables, *target.optimizer.variables])


def copy(source: list[keras.Variable], target: list[keras.Variable]) -> None:
    """Makes variables equal to others, in their order."""
    for ours, theirs in zip(source, target, strict=True):
        theirs.assign(ours.value)


def _values(model: keras.Model) -> list[np.ndarray]:
    return [variable.numpy() for variable in (*model.variables, *model.optimizer.variables)]


def _assign(model: keras.Model, values: list[Any]) -> None:
    for variable, value in zip((*model.variables, *model.optimizer.variables), values, strict=True):
        variable.assign(value)
