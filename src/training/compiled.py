"""The fast engine: an epoch is one XLA program with the data on the device, driven by Keras' own `fit`.

A program is compiled once per structure; for a model with parts that are not Keras' own, once per trial. Trials of one structure differ
in weights, learning rate, dropout rates and seeds. These are variables of the model that the program was made from: the values of a trial
are copied into that model, and back when the trial ends.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any
from weakref import WeakValueDictionary

import keras
import numpy as np
import tensorflow as tf

from src.datasets import Dataset
from src.errors import first_words
from src.objective import Objective
from src.training import Fitted, Monitor, Schedule, dropout, feed, operations, plain_fit, state
from src.training.obstacles import obstacle
from src.training.structure import check_same, clone_of, has_own_parts, structure_of, validation_of

log = logging.getLogger(__name__)
MOST_PROGRAMS = 16  # programs that stay in memory, each with a model
_programs: OrderedDict[str, "Program | None"] = OrderedDict()  # structure → its program; None if it cannot be compiled
_validations: WeakValueDictionary[str, keras.Model] = WeakValueDictionary()  # structure without optimizer → the model of its program


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
    """Trains like plain_fit.py, with the same accuracy; leaves models that cannot be compiled to plain_fit.py."""
    options: dict[str, Any] = {"objective": objective, "schedule": schedule, "monitor": monitor, "callbacks": callbacks}
    reason = obstacle(model, data, schedule)
    if reason:
        _tell_once(reason)
    program = None if reason else _program(model, data, schedule.batch_size, schedule.validation_batch)
    if program is None:
        return plain_fit.fit(model, data, seed=seed, **options)
    program.adopt(model)
    fitted = plain_fit.train(
        program.model,
        lambda start: feed.orders(data, seed, start, np.int32),
        steps=1,
        validation=tf.data.Dataset.from_tensors(data.validation_index.astype(np.int32)),  # the program has the examples
        **options,
    )
    state.assign(state.of(model), state.of(program.model))
    model.train_function = model.test_function = None  # drops the program if the model has one of its own
    return fitted


class Program:
    """An epoch of training and one of validation, compiled for models of one structure on one data set.

    Attributes:
        model: the model that the program trains.
    """

    def __init__(self, model: keras.Model, data: Dataset, batch_size: int, validation_batch: int, *, shared: bool) -> None:
        """Compiles the program.

        Args:
            model: a compiled model, which the program uses from now on.
            shared: True if other models of the same structure may use the program.
        """
        self.model = model
        before = state.values(state.of(model))
        self.model.test_step(data.batch(data.train_index[:1]))  # creates the variables of the metrics
        state.assign(state.of(model), before)
        self._rates = [tf.Variable(0.0) for _ in dropout.layers_of(self.model)]
        variables = {name: variable for name, variable in state.of(self.model).items() if name != state.RANDOM}
        self._known = [*variables.values(), *self.model.metrics_variables, *self._rates]
        self._training, self._validation = (feed.on_device(data, training=training) for training in (True, False))
        self.model.train_function = self._epoch_function(self.model.train_step, self._training, data.train_index, batch_size)
        if shared:
            self.model.test_function = self._shared_validation(data, validation_batch)
        else:
            self.model.test_function = self._epoch_function(self.model.test_step, self._validation, data.validation_index, validation_batch)

    def adopt(self, model: keras.Model) -> None:
        """Copies the variables of a trial's model and optimizer, and its dropout rates, into the program."""
        state.assign(state.of(self.model), state.of(model))
        self.model._initial_epoch = None  # a callback of another trial may have set it
        for rate, layer in zip(self._rates, dropout.layers_of(model), strict=True):
            rate.assign(layer.rate)

    def _shared_validation(self, data: Dataset, batch_size: int) -> Callable[..., dict[str, Any]]:
        """Returns a test function, compiled once for all models that differ only in their optimizers.

        The first of them owns the compiled function; a later one copies its variables into the owner, and back.
        """
        key = validation_of(self.model, data, batch_size)
        owner = _validations.get(key)
        if owner is None:
            compiled = self._epoch_function(self.model.test_step, self._validation, data.validation_index, batch_size)
            _validations[key] = self.model
            return compiled

        def function(iterator: Iterator[tf.Tensor]) -> dict[str, Any]:
            state.assign(state.of_model(owner), state.of_model(self.model))
            owner.reset_metrics()
            owner.test_function(iterator)
            state.assign(state.of_model(self.model), state.of_model(owner))
            state.assign(state.of_metrics(self.model), state.of_metrics(owner))
            metrics: dict[str, Any] = self.model.get_metrics_result()
            return metrics

        return function

    def _epoch_function(
        self, step: Callable[..., Any], examples: feed.Batch, index: np.ndarray, batch_size: int
    ) -> Callable[..., dict[str, Any]]:
        """Returns a train or test function, which takes one epoch's order of examples and runs a step per batch."""
        with dropout.traced(self.model, self._rates):
            run = compile_epoch(step, examples, tf.constant(index, tf.int32), batch_size, self._known)

        def function(iterator: Iterator[tf.Tensor]) -> dict[str, Any]:
            run(next(iterator))
            metrics: dict[str, Any] = self.model.get_metrics_result()
            return metrics

        return function


def compile_epoch(
    step: Callable[[feed.Batch], Any],
    examples: feed.Batch,
    order: tf.Tensor,
    batch_size: int,
    known: Iterable[Any],
    result: Callable[[], Any] = lambda: None,
) -> Callable[[tf.Tensor], Any]:
    """Compiles, at once, a function that takes an order like `order`, runs a step per batch, and returns `result()`.

    Args:
        order: positions of examples; batches are taken along the last axis. No step is run with them.
        known: the variables that the program may use.

    Raises:
        Exception: any error of TensorFlow, or of refuse_hidden_state, if it cannot be compiled.
    """

    @tf.function(jit_compile=True)  # type: ignore[untyped-decorator]
    def run(order: tf.Tensor, enabled: tf.Tensor) -> Any:
        if enabled:
            _in_batches(lambda chosen: step(feed.rows(examples, chosen)), order, batch_size)
        return result()

    with operations.without_loops():
        no_step = order, tf.constant(False)
        operations.refuse_hidden_state(run.get_concrete_function(*no_step), known)
        run(*no_step)
    return lambda order: run(order, tf.constant(True))


def _in_batches(step: Callable[[tf.Tensor], Any], order: tf.Tensor, batch_size: int) -> None:
    """Runs, inside a program, a step per batch along the last axis of an order; the last batch may be smaller."""
    *lanes, examples = order.shape
    batch_size = min(batch_size, examples)
    batches, rest = divmod(examples, batch_size)
    for batch in tf.range(batches):  # XLA knows this count, so a GPU need not ask the CPU whether to continue
        step(tf.slice(order, [*(0 for _ in lanes), batch * batch_size], [*lanes, batch_size]))
    if rest:
        step(order[..., -rest:])


def _program(model: keras.Model, data: Dataset, batch_size: int, validation_batch: int) -> Program | None:
    """Returns the program for a model's structure; None if it cannot be compiled. A failure logs a warning."""
    try:
        if has_own_parts(model):
            return Program(model, data, batch_size, validation_batch, shared=False)
        structure = structure_of(model, data, batch_size, validation_batch)
        if structure not in _programs:
            clone = clone_of(model, data)
            _programs[structure] = None
            _programs[structure] = Program(clone, data, batch_size, validation_batch, shared=True)
        elif program := _programs[structure]:
            check_same(model, program.model, data)
    except tf.errors.ResourceExhaustedError:
        raise
    except Exception as error:
        _tell_once(first_words(error) or type(error).__name__)
        return None
    _programs.move_to_end(structure)
    while len(_programs) > MOST_PROGRAMS:
        _programs.popitem(last=False)
    return _programs[structure]


@cache
def _tell_once(reason: str) -> None:
    log.warning("training.engine=compiled: %s: plain fit trains it", reason)
