"""Compares a model, on one batch, with the clone that a compiled program trains in its place.

A clone is made from the configuration of a model. If a layer keeps a number outside of the configuration, or if the clone lost a loss
of the model's own, the clone would be trained wrongly without an error.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from src.datasets import trees
from src.training import operations, state
from src.training.feed import Batch
from src.training.state import RANDOM

CLOSE = 1e-4  # relative tolerance; model and clone compute the same operations in the same order


def disagreement(model: keras.Model, clone: keras.Model, batch: Batch) -> str:
    """Describes how a clone differs from a compiled model; empty if they agree.

    It compares predictions, loss, gradients and updates, and changes neither model nor clone.

    Args:
        batch: examples (x, y), or (x, y, weight).
    """
    if type(model) is not type(clone):
        return f"its clone is of class {type(clone).__name__}, not {type(model).__name__}"
    variables, cloned = state.of_model(model), state.of_model(clone)
    if differing := variables.keys() ^ cloned.keys():
        return f"its clone does not have the same variables: {', '.join(sorted(differing)[:3])}"
    if frozen := [name for name in variables if variables[name].trainable != cloned[name].trainable]:
        return f"{frozen[0]} is trained in one of model and clone alone"
    values = state.values({**variables, RANDOM: state.random()})
    for training in (False, True):
        expected = _step(model, values, batch, training=training)
        actual = _step(clone, values, batch, training=training)
        if different := [name for name in expected if not _alike(expected[name], actual.get(name))]:
            return f"a clone of it gives another {different[0]} {'in training' if training else 'in validation'}"
    return ""


def is_random_in_validation(model: keras.Model, batch: Batch) -> bool:
    """True if a model draws random numbers outside of training, too."""
    values = state.values({**state.of_model(model), RANDOM: state.random()})
    after = _step(model, values, batch, training=False)
    return any(state.is_seed(name) and not np.array_equal(after[name], value) for name, value in values.items())


def _step(model: keras.Model, values: state.Values, batch: Batch, *, training: bool) -> dict[str, np.ndarray]:
    """Returns predictions, loss, gradients, and all variables as they are after a step; changes no variable."""
    x, y, weight = keras.utils.unpack_x_y_sample_weight(trees.mapped(tf.constant, batch))
    variables = {**state.of_model(model), RANDOM: state.random()}
    tensors = {name: tf.constant(value) for name, value in values.items()}
    trained = {name: tensors[name] for name in state.trained(model)}
    mapping = [(variables[name], tensor) for name, tensor in tensors.items()]
    with operations.without_loops(), _metrics_restored(model), tf.GradientTape() as tape:  # otherwise the gradient takes four times as long
        tape.watch(list(trained.values()))
        with keras.StatelessScope(mapping, collect_losses=True) as scope:
            predicted = model(x, training=training)
            loss = model._compute_loss(x=x, y=y, y_pred=predicted, sample_weight=weight, training=training)
    gradients = tape.gradient(loss, trained, unconnected_gradients=tf.UnconnectedGradients.ZERO) if training else {}
    results: dict[str, Any] = {f"prediction {name}".strip(): value for name, value in trees.arrays(predicted).items()} | {"loss": loss}
    results |= {f"gradient of {name}": tf.convert_to_tensor(gradient) for name, gradient in gradients.items()}
    results |= {name: scope.get_current_value(variable) for name, variable in variables.items()}
    return {name: keras.ops.convert_to_numpy(value) for name, value in results.items()}


@contextmanager
def _metrics_restored(model: keras.Model) -> Iterator[None]:
    """Restores a model's metrics on exit: a loss of several outputs writes its parts into them."""
    before = state.values(state.of_metrics(model))
    try:
        yield
    finally:
        for name, variable in state.of_metrics(model).items():
            variable.assign(before.get(name, np.zeros_like(variable)))  # those of a loss of several outputs are made by their first use


def _alike(first: np.ndarray, second: np.ndarray | None) -> bool:
    if second is None or first.shape != second.shape:
        return False
    return bool(np.allclose(np.float64(first), np.float64(second), rtol=CLOSE, atol=1e-6, equal_nan=True))
