"""The reference engine: Keras' own `fit`."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from src.datasets import Dataset
from src.objective import Objective
from src.training import Fitted, Monitor, Schedule, feed, state
from src.training.keeper import Keeper
from src.training.phases import Phases


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
    keras.utils.set_random_seed(seed)  # layers without a seed must not depend on earlier trials
    state.random().assign([np.random.default_rng(seed).integers(2**31), 0])
    with feed.failures_of_read():
        return train(
            model,
            lambda start: feed.training(data, schedule.batch_size, seed, start),
            steps=-(-len(data.train_index) // schedule.batch_size),
            validation=feed.validation(data, schedule.validation_batch),
            objective=objective,
            schedule=schedule,
            monitor=monitor,
            callbacks=callbacks,
        )


def train(
    model: keras.Model,
    batches: Callable[[int], tf.data.Dataset],
    *,
    steps: int,
    validation: tf.data.Dataset,
    objective: Objective,
    schedule: Schedule,
    monitor: Monitor,
    callbacks: list[keras.callbacks.Callback],
) -> Fitted:
    """Trains with `model.fit`, from a checkpoint if there is one, and restores the kept epoch.

    Args:
        batches: takes the number of finished epochs; returns the data of the following epochs, without end.
        steps: number of elements of the data in an epoch.
        validation: batches.
    """
    keeper = Keeper(objective, schedule, monitor)
    if schedule.phases:
        phases = Phases(schedule.phases, model)
        phases.enter(model, monitor.checkpoint.epochs if monitor.checkpoint else 1)
        callbacks = [phases, *callbacks]
    state.build_optimizer(model)  # in the scope where `fit` builds it, ScheduleFreeAdamW loses its initial values
    if monitor.checkpoint:
        keeper.resume(model, monitor.checkpoint)
    if keeper.epochs < schedule.epochs and not keeper.out_of_patience:
        model.fit(
            batches(keeper.epochs),
            steps_per_epoch=steps,
            initial_epoch=keeper.epochs,
            epochs=schedule.epochs,
            validation_data=validation,
            callbacks=[*callbacks, keeper],
            shuffle=False,  # they are in order
            verbose=0,
        )
    latest = keeper.end(model)
    with keeper.as_validated(model):
        keeper.check(model.evaluate(validation, verbose=0, return_dict=True))
    return Fitted(keeper.history, keeper.kept_epoch, latest=latest, cancelled=keeper.cancelled)


def evaluate(model: keras.Model, batch: feed.Batch, batch_size: int) -> dict[str, float]:
    """Returns loss and metrics of a compiled model on arrays (x, y) or (x, y, weight), in batches as in validation."""
    x, y, weight = keras.utils.unpack_x_y_sample_weight(batch)
    metrics: dict[str, float] = model.evaluate(x, y, sample_weight=weight, batch_size=batch_size, verbose=0, return_dict=True)
    return metrics
