"""The fast engine: an epoch is one XLA program with the data on the device, driven by Keras' own `fit`.

A program is compiled once per structure. What differs between trials of one structure (weights, learning rate, dropout rates, seeds)
are variables of the model that it was made of: a trial is copied into that model, and back when it ends.
"""

import json
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any
from weakref import WeakValueDictionary

import keras
import numpy as np
import tensorflow as tf

from src.datasets import Dataset
from src.objective import Objective
from src.training import Fitted, Monitor, dropout, operations
from src.training import keras as reference
from src.training.keeper import copy, copy_variables
from src.training.keras import VALIDATION_BATCH, on_device, order, train

log = logging.getLogger(__name__)
MOST_PROGRAMS = 16  # that are kept, each with a model
_programs: OrderedDict[str, "Program | None"] = OrderedDict()  # structure → its program; None: it can not be compiled
_validations: WeakValueDictionary[str, keras.Model] = WeakValueDictionary()  # structure without optimizer → the model that is validated


def fit(
    model: keras.Model,
    data: Dataset,
    *,
    seed: int,
    objective: Objective,
    monitor: Monitor,
    epochs: int,
    batch_size: int,
    patience: int | None,
    keep: str,
    callbacks: list[keras.callbacks.Callback],
) -> Fitted:
    """Trains like src/training/keras.py, to the same accuracy; what can not be compiled is left to that engine."""
    how: dict[str, Any] = {"objective": objective, "monitor": monitor, "epochs": epochs, "patience": patience, "keep": keep}
    program = _program(model, data, batch_size)
    if program is None:
        return reference.fit(model, data, seed=seed, batch_size=batch_size, callbacks=callbacks, **how)
    program.adopt(model)
    fitted = train(
        program.model,
        lambda start: _orders(data, seed, start),
        steps=1,
        validation=tf.data.Dataset.from_tensors(data.validation_index.astype(np.int32)),
        callbacks=callbacks,
        **how,
    )
    copy_variables(program.model, model)
    return fitted


class Program:
    """An epoch of training and one of validation, compiled for models of one structure on one data set.

    Attributes:
        model: the one that the program trains.
    """

    def __init__(self, model: keras.Model, data: Dataset, batch_size: int) -> None:
        self.model = keras.models.clone_model(model)
        self.model.compile_from_config(model.get_compile_config())
        self.model.optimizer.build(self.model.trainable_variables)
        self.model.test_step((data.x[:1], data.y[:1]))  # creates the variables of the metrics
        self._rates = [tf.Variable(0.0) for _ in dropout.layers_of(self.model)]
        self._x, self._y = on_device(data)
        self.model.train_function = self._all(self.model.train_step, data.train_index, batch_size)
        self.model.test_function = self._validation(data)

    def adopt(self, model: keras.Model) -> None:
        """Takes over a trial's variables, its optimizer's and its dropout rates."""
        model.optimizer.build(model.trainable_variables)
        copy_variables(model, self.model)
        for rate, theirs, ours in zip(self._rates, dropout.layers_of(model), dropout.layers_of(self.model), strict=True):
            rate.assign(theirs.rate)
            ours.rate = theirs.rate

    def _validation(self, data: Dataset) -> Callable[..., dict[str, Any]]:
        """Compiled once for all models that differ in their optimizers alone; those but the first lend it their variables."""
        key = validation_of(self.model, data)
        if not (same := _validations.get(key)):
            own = self._all(self.model.test_step, data.validation_index, VALIDATION_BATCH)
            _validations[key] = self.model
            return own

        def function(iterator: Iterator[tf.Tensor]) -> dict[str, Any]:
            copy(self.model.variables, same.variables)
            same.reset_metrics()
            same.test_function(iterator)
            copy(same.metrics_variables, self.model.metrics_variables)
            found: dict[str, Any] = self.model.get_metrics_result()
            return found

        return function

    def _all(self, step: Callable[..., Any], index: np.ndarray, batch_size: int) -> Callable[..., dict[str, Any]]:
        """What `fit` calls for each element of its data, which is an order of the index: a step for each batch of these examples."""

        @tf.function(jit_compile=True)  # type: ignore[untyped-decorator]
        def run(order: tf.Tensor, wanted: tf.Tensor) -> None:
            if wanted:
                in_batches(lambda chosen: step((tf.gather(self._x, chosen), tf.gather(self._y, chosen))), order, batch_size)

        with dropout.traced(self.model, self._rates), operations.without_loops():
            run(tf.constant(index, tf.int32), tf.constant(False))  # no step of training: it compiles, or fails, now

        def function(iterator: Iterator[tf.Tensor]) -> dict[str, Any]:
            run(next(iterator), tf.constant(True))
            found: dict[str, Any] = self.model.get_metrics_result()
            return found

        return function


def in_batches(step: Callable[[tf.Tensor], Any], order: tf.Tensor, batch_size: int) -> None:
    """In a program, a step for each batch along the last axis of an order; the last one may be smaller."""
    *trials, examples = order.shape
    batch_size = min(batch_size, examples)
    batches, rest = divmod(examples, batch_size)
    for batch in tf.range(batches):  # a count that XLA knows: a GPU need not ask the CPU whether to go on
        step(tf.slice(order, [*(0 for _ in trials), batch * batch_size], [*trials, batch_size]))
    if rest:
        step(order[..., -rest:])


def _orders(data: Dataset, seed: int, start: int) -> tf.data.Dataset:
    """An element for each epoch from `start` on: the order of its examples."""

    def orders() -> Iterator[np.ndarray]:
        epoch = start
        while True:
            yield order(data, seed, epoch).astype(np.int32)
            epoch += 1

    return tf.data.Dataset.from_generator(orders, output_signature=tf.TensorSpec(data.train_index.shape, tf.int32))


def _program(model: keras.Model, data: Dataset, batch_size: int) -> Program | None:
    """The program for a model's structure; None, and a line that says why, where there can be none."""
    try:
        structure = structure_of(model, data, batch_size)
        if structure not in _programs:
            _programs[structure] = None
            _programs[structure] = Program(model, data, batch_size)
    except tf.errors.ResourceExhaustedError:
        raise
    except Exception as error:
        log.warning("training.engine=compiled: %s: plain fit trains it, which takes longer", str(error).splitlines()[0])
        return None
    _programs.move_to_end(structure)
    while len(_programs) > MOST_PROGRAMS:
        _programs.popitem(last=False)
    return _programs[structure]


def structure_of(model: keras.Model, data: Dataset, batch_size: int) -> str:
    """Equal for trials that one program can train."""
    optimizer = model.get_compile_config()["optimizer"]
    if isinstance(optimizer["config"]["learning_rate"], float):  # else it is a schedule, whose numbers are no variables
        optimizer["config"]["learning_rate"] = None
    return json.dumps([validation_of(model, data), optimizer, batch_size], default=str)


def validation_of(model: keras.Model, data: Dataset) -> str:
    """Equal for models that one program can validate."""
    compiled = {**model.get_compile_config(), "optimizer": None}
    return json.dumps([_without_rates(model.get_config()), compiled, data.digest], default=str)


def _without_rates(config: Any) -> Any:
    if isinstance(config, list | tuple):
        return [_without_rates(part) for part in config]
    if not isinstance(config, dict):
        return config
    found = {key: _without_rates(value) for key, value in config.items()}
    if config.get("class_name") == "Dropout":
        found["config"] |= {"rate": config["config"]["rate"] > 0, "seed": None}
    return found
