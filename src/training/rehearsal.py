"""Takes one step of training and one of validation before the first trial, with a throwaway model."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from src.datasets import Dataset, contract, trees
from src.errors import ConfigError, did_you_mean
from src.objective import Objective

EXAMPLES = 2


def rehearse(
    model: keras.Model, data: Dataset, objective: Objective, callbacks: list[Any], *, trains: bool, own: tuple[str, ...] = ()
) -> None:
    """Takes a step to find mistakes that Keras does not report before.

    Args:
        model: a compiled model, which the step changes.
        trains: True if the engine takes steps of training.
        own: the engine's own metrics; with such metrics, the output of the model is not checked before its promotion.

    Raises:
        ConfigError: the objective or a metric of a callback is not reported, or the output of the model does not fit the loss.
        Exception: any error of Keras or of the model's code.
    """
    chosen = data.train_index[:EXAMPLES]
    batch, unseen = (trees.mapped(tf.constant, data.batch(chosen, training=training)) for training in (True, False))
    predicted = trees.mapped(np.asarray, model(batch[0], training=False))
    mistake = "" if own else contract.output_mistake(predicted, len(chosen), data.task, data.outputs)
    mistakes = [f"model: {mistake}"] if mistake else []
    trained = model.train_step(batch) if trains else {}
    validated = model.test_step(unseen)
    mistakes += [
        f"training.metrics: {name} gives {np.shape(value)} numbers; expected one, for example an average"
        for name, value in {**trained, **validated}.items()
        if np.size(value) != 1 or np.ndim(value)
    ]
    names = [*(trained or validated), *(f"val_{name}" for name in validated), *own]
    required = {"objective": objective.name}
    for callback in callbacks:
        if hasattr(callback, "monitor"):
            required[f"training.callbacks: {type(callback).__name__}: monitor"] = callback.monitor
    mistakes += [
        f"{key}={name}: it is not reported{did_you_mean(name, names)} Metrics: {', '.join(names)}"
        for key, name in required.items()
        if name not in names
    ]
    if mistakes:
        raise ConfigError(mistakes)
