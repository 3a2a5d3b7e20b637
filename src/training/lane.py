"""Runs the callbacks of a stacked trial, as Keras' `fit` would."""

from collections.abc import Callable

import keras
import numpy as np

from src.datasets import Dataset
from src.objective import Objective
from src.training import Fitted, Monitor, Schedule, state
from src.training.feed import order
from src.training.keeper import Keeper
from src.training.state import Values

HARMLESS = ("CSVLogger", "EarlyStopping", "LearningRateScheduler", "ModelCheckpoint", "ReduceLROnPlateau", "TensorBoard", "TerminateOnNaN")


def obstacle(callbacks: list[keras.callbacks.Callback]) -> str:
    """Returns the reason why a trial with these callbacks cannot be stacked; empty if it can.

    A callback may change the learning rate; a stack does not see any other change of the model.
    """
    for callback in callbacks:
        name, home = type(callback).__name__, type(callback).__module__
        if name not in HARMLESS or not home.startswith("keras."):
            return f"{name} may change the model, whose weights are in the stack"
    return ""


class Lane:
    """One trial of a stack; its arguments are those of the engine in src/training/compiled.py.

    The stack holds the state of the training. It is copied into the model after each epoch if the trial has its own callbacks, and at
    the end.

    Attributes:
        model: the compiled model.
        has_callbacks: True if the trial has callbacks besides the one that keeps its best epoch.
    """

    def __init__(
        self,
        model: keras.Model,
        *,
        seed: int,
        objective: Objective,
        schedule: Schedule,
        monitor: Monitor,
        callbacks: list[keras.callbacks.Callback],
    ) -> None:
        self.model, self._seed, self._epochs, self.has_callbacks = model, seed, schedule.epochs, bool(callbacks)
        self._keeper = Keeper(objective, schedule, monitor)
        if monitor.checkpoint:
            self._keeper.resume(model, monitor.checkpoint)
        model.stop_training = False
        self._callbacks = keras.callbacks.CallbackList([*callbacks, self._keeper], model=model, epochs=schedule.epochs)
        self._callbacks.on_train_begin()

    @property
    def done(self) -> bool:
        """True if there is no further epoch."""
        return self._keeper.epochs >= self._epochs or self._keeper.out_of_patience or self.model.stop_training

    def begin(self, data: Dataset) -> np.ndarray:
        """Begins an epoch; returns the order of its examples."""
        self._callbacks.on_epoch_begin(self._keeper.epochs)
        return order(data, self._seed, self._keeper.epochs)

    def needs_state(self, metrics: dict[str, float]) -> bool:
        """True if `end` will read the state of the training; `end` reads it also when the trial is cancelled."""
        return self.has_callbacks or self._keeper.needs_state(metrics)

    def end(self, metrics: dict[str, float], read: Callable[[], Values]) -> None:
        """Ends an epoch.

        Args:
            read: returns the state of the training.

        Raises:
            TrialError: a metric became NaN or infinite.
            errors.Stop: the monitor requested it.
        """
        self._keeper.read = read
        if self.has_callbacks:
            self.take(read())
        self._callbacks.on_epoch_end(self._keeper.epochs, metrics)

    def take(self, values: Values) -> None:
        """Copies the state of the training into the model."""
        state.assign(state.of(self.model), values)

    def restore_kept(self) -> None:
        """Ends the training and restores the variables of the kept epoch in the model."""
        self._callbacks.on_train_end()
        self._latest = self._keeper.end(self.model)

    def fitted(self, again: dict[str, float]) -> Fitted:
        """Returns the result of the training; call `restore_kept` first.

        Args:
            again: loss and metrics of the kept weights on the validation split.

        Raises:
            TrialError: they differ from the recorded ones.
        """
        self._keeper.check(again)
        keeper = self._keeper
        return Fitted(keeper.history, keeper.kept_epoch, latest=self._latest, cancelled=keeper.cancelled)
