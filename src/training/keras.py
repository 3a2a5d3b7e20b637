"""The reference engine: Keras' own `fit`."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from src.config.targets import build
from src.datasets import Dataset, Examples
from src.errors import TrialError
from src.objective import Objective
from src.training import Fitted, Report

VALIDATION_BATCH = 1000


def fit(
    model: keras.Model,
    data: Dataset,
    *,
    seed: int,
    objective: Objective,
    report: Report,
    epochs: int,
    batch_size: int,
    patience: int | None,
    keep: str,
    callbacks: list[Any],
) -> Fitted:
    """Trains a compiled model with `model.fit` and leaves the kept epoch's weights in it.

    Args:
        keep: "best" by the objective, or "last".
        patience: epochs without improvement of the objective before stopping; None trains all epochs.
        callbacks: nodes of conf/training/, Keras' own callbacks.

    Raises:
        TrialError: a metric became NaN or infinite.
        errors.Stop: `report` asked for it.
    """
    examples, labels = data.train
    kept = KeptEpoch(objective, keep, report)
    stopping = [keras.callbacks.EarlyStopping(objective.name, patience=patience, mode=objective.direction)] if patience is not None else []
    history = model.fit(
        batches(examples, labels, batch_size, seed),
        steps_per_epoch=-(-len(examples) // batch_size),
        epochs=epochs,
        validation_data=data.validation,
        validation_batch_size=VALIDATION_BATCH,
        callbacks=[*(build("training", node) for node in callbacks), kept, *stopping],
        shuffle=False,  # `batches` did
        verbose=0,
    ).history
    kept.restore()
    return Fitted(
        {name: [float(value) for value in values] for name, values in history.items()},
        kept.epoch,
        optimizer_variables=kept.optimizer_variables,
    )


def order(seed: int, epoch: int, examples: int) -> np.ndarray:
    """The order of the examples in an epoch counted from 0, the same in every engine."""
    return np.random.default_rng([seed, epoch]).permutation(examples)


def batches(x: np.ndarray, y: np.ndarray, batch_size: int, seed: int) -> tf.data.Dataset:
    """Batches of epoch after epoch, without end; the last batch of an epoch may be smaller."""

    def orders() -> Iterator[np.ndarray]:
        epoch = 0
        while True:
            yield order(seed, epoch, len(x))
            epoch += 1

    x, y = tf.constant(x), tf.constant(y)
    epochs = tf.data.Dataset.from_generator(orders, output_signature=tf.TensorSpec((len(x),), tf.int64))
    indices = epochs.flat_map(lambda positions: tf.data.Dataset.from_tensor_slices(positions).batch(batch_size))
    return indices.map(lambda positions: (tf.gather(x, positions), tf.gather(y, positions))).prefetch(2)


def evaluate(model: keras.Model, examples: Examples) -> dict[str, float]:
    """Loss and metrics of a compiled model on examples (x, y), in batches of the size that validation uses."""
    found: dict[str, float] = model.evaluate(*examples, batch_size=VALIDATION_BATCH, verbose=0, return_dict=True)
    return found


class KeptEpoch(keras.callbacks.Callback):  # type: ignore[misc]
    """Reports each epoch, and keeps a snapshot of the model and its optimizer: Keras' EarlyStopping restores weights alone."""

    def __init__(self, objective: Objective, keep: str, report: Report) -> None:
        super().__init__()
        self.objective, self.keep, self.report = objective, keep, report
        self.epoch = 0
        self.score: float | None = None
        self.variables: list[np.ndarray] = []
        self.optimizer_variables: list[np.ndarray] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Reports metrics, refuses non-finite ones, and takes the snapshot."""
        metrics = {name: float(value) for name, value in (logs or {}).items()}
        if bad := [f"{name} is {value}" for name, value in metrics.items() if not np.isfinite(value)]:
            raise TrialError(f"{', '.join(bad)} after epoch {epoch + 1}; expected finite values. Try a smaller optimizer.learning_rate.")
        if self.objective.name not in metrics:
            raise TrialError(f"objective={self.objective.name} is not reported; metrics are {', '.join(metrics)}.")
        if self.keep == "last" or self.objective.improves(metrics[self.objective.name], self.score):
            self.epoch, self.score = epoch + 1, metrics[self.objective.name]
            self.variables = [variable.numpy() for variable in self.model.variables]
            self.optimizer_variables = [variable.numpy() for variable in self.model.optimizer.variables]
        self.report(epoch + 1, metrics)

    def restore(self) -> None:
        """Puts the snapshot back into the model and its optimizer."""
        for variable, value in zip(
            [*self.model.variables, *self.model.optimizer.variables], [*self.variables, *self.optimizer_variables], strict=True
        ):
            variable.assign(value)
