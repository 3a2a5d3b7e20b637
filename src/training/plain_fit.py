"""The reference engine: Keras' own `fit`."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from src.datasets import Dataset, Examples
from src.objective import Objective
from src.training import Fitted, Monitor, Schedule, runtime, state
from src.training.keeper import Keeper

ALIGNMENT = 64  # bytes; TensorFlow's kernels need memory that is aligned to it


def fit(
    model: keras.Model,
    data: Dataset,
    *,
    seed: int,
    objective: Objective,
    schedule: Schedule,
    monitor: Monitor,
    callbacks: list[keras.callbacks.Callback],
) -> Fitted:
    """Trains a compiled model with `model.fit` and leaves the kept epoch's weights in it.

    Raises:
        TrialError: a metric became NaN or infinite.
        errors.Stop: the monitor requested it.
    """
    keras.utils.set_random_seed(seed)  # what ran before must not change what layers without a seed draw
    state.random().assign([np.random.default_rng(seed).integers(2**31), 0])
    return train(
        model,
        lambda start: batches(data, schedule.batch_size, seed, start),
        steps=-(-len(data.train_index) // schedule.batch_size),
        validation=data.validation,
        validation_batch=schedule.validation_batch,
        objective=objective,
        schedule=schedule,
        monitor=monitor,
        callbacks=callbacks,
    )


def train(
    model: keras.Model,
    feed: Callable[[int], tf.data.Dataset],
    *,
    steps: int,
    validation: Any,
    validation_batch: int | None = None,
    objective: Objective,
    schedule: Schedule,
    monitor: Monitor,
    callbacks: list[keras.callbacks.Callback],
) -> Fitted:
    """Trains with `model.fit`, from a checkpoint if there is one, and restores the kept epoch.

    Args:
        feed: number of finished epochs → the data for the following ones, without end.
        steps: number of elements of the data in an epoch.
        validation: examples (x, y), or a data set of batches.
        validation_batch: examples per batch; None for a data set of batches.
    """
    keeper = Keeper(objective, schedule, monitor)
    state.build_optimizer(model)  # in the scope where `fit` builds it, ScheduleFreeAdamW loses its initial values
    if monitor.checkpoint:
        keeper.resume(model, monitor.checkpoint)
    if keeper.epochs < schedule.epochs and not keeper.out_of_patience:
        model.fit(
            feed(keeper.epochs),
            steps_per_epoch=steps,
            initial_epoch=keeper.epochs,
            epochs=schedule.epochs,
            validation_data=validation,
            validation_batch_size=validation_batch,
            callbacks=[*callbacks, keeper],
            shuffle=False,  # the feed is in order
            verbose=0,
        )
    latest = keeper.end(model)
    with keeper.as_validated(model):
        x, y = validation if isinstance(validation, tuple) else (validation, None)
        keeper.check(model.evaluate(x, y, batch_size=validation_batch, verbose=0, return_dict=True))
    return Fitted(keeper.history, keeper.kept_epoch, latest=latest)


@lru_cache(maxsize=1)
def on_device(data: Dataset) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns all examples as tensors that programs share; on a CPU, x is not copied from a mapped file."""
    x, y = data.x, tf.constant(data.y)
    if runtime.device() != "CPU" or x.ctypes.data % ALIGNMENT or not x.flags.carray:
        return tf.constant(x), y
    return tf.experimental.dlpack.from_dlpack(x.__dlpack__()), y


def order(data: Dataset, seed: int, epoch: int) -> np.ndarray:
    """Returns the training positions in the order of an epoch, counted from 0, equal in every engine."""
    return data.train_index[np.random.default_rng([seed, epoch]).permutation(len(data.train_index))]


def batches(data: Dataset, batch_size: int, seed: int, start: int = 0) -> tf.data.Dataset:
    """Returns endless batches of the epochs from `start` on; the last of an epoch may be smaller."""
    x, y = on_device(data)

    def orders() -> Iterator[np.ndarray]:
        epoch = start
        while True:
            yield order(data, seed, epoch)
            epoch += 1

    epochs = tf.data.Dataset.from_generator(orders, output_signature=tf.TensorSpec(data.train_index.shape, tf.int64))
    indices = epochs.flat_map(lambda positions: tf.data.Dataset.from_tensor_slices(positions).batch(batch_size))
    return indices.map(lambda positions: (tf.gather(x, positions), tf.gather(y, positions))).prefetch(2)


def evaluate(model: keras.Model, examples: Examples, batch_size: int) -> dict[str, float]:
    """Returns loss and metrics of a compiled model on examples (x, y), in batches as in validation."""
    metrics: dict[str, float] = model.evaluate(*examples, batch_size=batch_size, verbose=0, return_dict=True)
    return metrics
