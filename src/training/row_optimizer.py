"""Updates a block of a stack's lanes with one Keras optimizer."""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from src.training import state

ROW_BY_ROW = ("SGD", "Adagrad", "RMSprop", "Adam", "AdamW", "Adamax", "Lion")  # optimizers that mix no elements of a variable
MIXING = ("clipnorm", "global_clipnorm", "use_ema", "gradient_accumulation_steps")  # settings that mix elements
Tensors = dict[str, tf.Tensor]  # under the names of src/training/state.py
Rows = dict[str, tf.Variable]  # name → one row per lane


def obstacle(optimizer: keras.optimizers.Optimizer) -> str:
    """Returns the reason why an optimizer cannot update several lanes at once; empty if it can."""
    settings = optimizer.get_config()
    if type(optimizer).__name__ not in ROW_BY_ROW or not type(optimizer).__module__.startswith("keras."):
        return f"{type(optimizer).__name__} does not update a variable element by element"
    if mixing := [name for name in MIXING if settings.get(name)]:
        return f"optimizer.{mixing[0]} does not update a variable element by element"
    return ""


class RowOptimizer:
    """A Keras optimizer with the weights and the optimizer's state of several lanes.

    Each lane has its own learning rate and count of steps.

    Attributes:
        lanes: the lanes of the stack that it updates.
        rows: weights, slots and counts of steps.
        rates: the learning rates, a row per lane; not used if the optimizer has a schedule.
        scale_loss: multiplies a loss by the optimizer's scale factor, by which `apply` divides the gradients.
    """

    def __init__(self, optimizer: keras.optimizers.Optimizer, sizes: Mapping[str, int], lanes: range) -> None:
        """Copies an optimizer.

        Args:
            sizes: weight → its number of elements.
            lanes: the lanes of the stack that it updates.
        """
        self.lanes = lanes
        self._weights = {name: keras.Variable(np.zeros((len(lanes), size), np.float32)) for name, size in sizes.items()}
        self._optimizer = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
        self._optimizer.build(list(self._weights.values()))
        slots = state.of_optimizer(self._optimizer, list(self._weights))
        slots = {name: variable for name, variable in slots.items() if name not in (state.LEARNING_RATE, state.STEPS)}
        steps = self._optimizer._iterations = keras.Variable(np.zeros((len(lanes), 1), np.int64), trainable=False)
        self.rates = tf.Variable(tf.zeros((len(lanes), 1)))
        schedule = self._optimizer._learning_rate if callable(self._optimizer._learning_rate) else None
        self._optimizer._get_current_learning_rate = lambda: schedule(steps.value) if schedule else self.rates
        self.rows: Rows = {name: variable.value for name, variable in {**self._weights, **slots, state.STEPS: steps}.items()}
        self.scale_loss: Callable[[tf.Tensor], tf.Tensor] = self._optimizer.scale_loss

    def apply(self, gradients: Tensors) -> None:
        """Updates the weights.

        Args:
            gradients: those of all lanes of the stack, of shape (lanes, size).
        """
        own = [gradients[name][self.lanes.start : self.lanes.stop] for name in self._weights]
        self._optimizer.apply(own, list(self._weights.values()))


def rate_of(optimizer: Any) -> float:
    """Returns the present learning rate of a trial's optimizer; 0 for a schedule, which is part of the program."""
    return 0.0 if callable(optimizer._learning_rate) else float(optimizer.learning_rate)
