"""Does a clone, which a compiled program trains, compute what the user's own model does? One batch through both tells.

A clone is made of a model's configuration. A layer that keeps a number outside of it, or a model with a loss of its own that the clone
lost, would be trained wrongly without a word.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from src.training import state
from src.training.state import RANDOM

CLOSE = 1e-4  # relative; the two compute the same operations in the same order
Batch = tuple[np.ndarray, np.ndarray]


def disagreement(model: keras.Model, clone: keras.Model, batch: Batch) -> str:
    """Says in what a clone differs from a compiled model; empty where predictions, loss, gradients and updates agree.

    Both are left as they were.

    Args:
        batch: examples (x, y).
    """
    if type(model) is not type(clone):
        return f"its clone is a {type(clone).__name__}, no {type(model).__name__}"
    own, other = state.of_model(model), state.of_model(clone)
    if differing := own.keys() ^ other.keys():
        return f"its clone does not have the same variables: {', '.join(sorted(differing)[:3])}"
    if frozen := [name for name in own if own[name].trainable != other[name].trainable]:
        return f"{frozen[0]} is trained in one of model and clone alone"
    values = state.values({**own, RANDOM: state.random()})
    for training in (False, True):
        first, second = (_step(one, values, batch, training=training) for one in (model, clone))
        if others := [name for name in first if not _alike(first[name], second.get(name))]:
            return f"a clone of it gives another {others[0]} {'in training' if training else 'in validation'}"
    return ""


def is_random_in_validation(model: keras.Model, batch: Batch) -> bool:
    """Tells a model that draws random numbers outside of training, too."""
    values = state.values({**state.of_model(model), RANDOM: state.random()})
    after = _step(model, values, batch, training=False)
    return any(
        not np.array_equal(after[name], value) for name, value in values.items() if name.rpartition("/")[2].startswith(("seed", RANDOM))
    )


def _step(model: keras.Model, values: state.Values, batch: Batch, *, training: bool) -> dict[str, np.ndarray]:
    """Predictions, loss, gradients, and all variables after a step that changes none."""
    x, y = map(tf.constant, batch)
    variables = {**state.of_model(model), RANDOM: state.random()}
    tensors = {name: tf.constant(value) for name, value in values.items()}
    trained = {name: tensors[name] for name, variable in variables.items() if any(variable is one for one in model.trainable_variables)}
    mapping = [(variables[name], tensor) for name, tensor in tensors.items()]
    with _metrics_kept(model), tf.GradientTape() as tape:
        tape.watch(list(trained.values()))
        with keras.StatelessScope(mapping, collect_losses=True) as scope:
            predicted = model(x, training=training)
            loss = model._compute_loss(x=x, y=y, y_pred=predicted, training=training)
    gradients = tape.gradient(loss, trained, unconnected_gradients=tf.UnconnectedGradients.ZERO) if training else {}
    found: dict[str, Any] = {"prediction": predicted, "loss": loss}
    found |= {f"gradient of {name}": tf.convert_to_tensor(gradient) for name, gradient in gradients.items()}
    found |= {name: scope.get_current_value(variable) for name, variable in variables.items()}
    return {name: keras.ops.convert_to_numpy(value) for name, value in found.items()}


@contextmanager
def _metrics_kept(model: keras.Model) -> Iterator[None]:
    """A loss of several outputs notes its parts in metrics."""
    before = state.values(state.of_metrics(model))
    try:
        yield
    finally:
        state.assign(state.of_metrics(model), before)


def _alike(first: np.ndarray, second: np.ndarray | None) -> bool:
    if second is None or first.shape != second.shape:
        return False
    return bool(np.allclose(np.float64(first), np.float64(second), rtol=CLOSE, atol=1e-6, equal_nan=True))
