"""What Keras' `fit` does around the epochs of one trial, for an engine that trains several at once."""

from typing import Any

import keras
import numpy as np

from src.datasets import Dataset
from src.objective import Objective
from src.training import Fitted, Monitor
from src.training.keeper import Keeper
from src.training.plain_fit import order


class Lane:
    """One trial of a stack; its arguments are those of src/training/compiled.py.

    Between two epochs the state of its training is in its model and optimizer.

    Attributes:
        model: compiled.
    """

    def __init__(
        self,
        model: keras.Model,
        *,
        seed: int,
        objective: Objective,
        monitor: Monitor,
        epochs: int,
        patience: int | None,
        keep: str,
        callbacks: list[keras.callbacks.Callback],
        **_: Any,
    ) -> None:
        self.model, self._seed, self._epochs = model, seed, epochs
        self._keeper = Keeper(objective, keep, patience, monitor)
        if monitor.checkpoint:
            self._keeper.go_on(model, monitor.checkpoint)
        model.stop_training = False
        self._callbacks = keras.callbacks.CallbackList([*callbacks, self._keeper], model=model, epochs=epochs)
        self._callbacks.on_train_begin()

    @property
    def done(self) -> bool:
        """Whether there is no further epoch."""
        return self._keeper.epochs >= self._epochs or self._keeper.enough or self.model.stop_training

    def begin(self, data: Dataset) -> np.ndarray:
        """An epoch begins; the order of its examples."""
        self._callbacks.on_epoch_begin(self._keeper.epochs)
        return order(data, self._seed, self._keeper.epochs)

    def end(self, metrics: dict[str, float]) -> None:
        """An epoch has ended, whose variables are in the model.

        Raises:
            TrialError: a metric became NaN or infinite.
            errors.Stop: the monitor asked for it.
        """
        self._callbacks.on_epoch_end(self._keeper.epochs, metrics)

    def keep(self) -> None:
        """Ends the training; the model is given the kept epoch's variables."""
        self._callbacks.on_train_end()
        self._latest = self._keeper.end(self.model)

    def fitted(self, again: dict[str, float]) -> Fitted:
        """The training that `keep` ended.

        Args:
            again: loss and metrics of the kept weights on the validation split.

        Raises:
            TrialError: they are not those that were recorded.
        """
        self._keeper.check(again)
        return Fitted(self._keeper.history, self._keeper.kept_epoch, latest=self._latest)
