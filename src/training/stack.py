"""Trains several trials of one structure in one XLA program.

Each variable has one row per trial; the row of a trial is its lane. The model and the optimizers stay Keras' own. The forward pass,
the gradients and the metrics of a lane are vectorised over all lanes. Each optimizer updates the rows of its lanes at once, see
row_optimizer.py. Idea: Wang et al., HFTA, MLSys 2021.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from src.datasets import Dataset
from src.training import Schedule, dropout, feed, obstacles, row_optimizer, state
from src.training.agreement import is_random_in_validation
from src.training.compiled import compile_epoch
from src.training.row_optimizer import RowOptimizer, Tensors
from src.training.rows import reader
from src.training.structure import TRIED, check_same, clone_of, has_own_parts


def obstacle(model: keras.Model, data: Dataset, schedule: Schedule) -> str:
    """Returns the reason why a compiled model cannot be stacked; empty if it can."""
    if reason := obstacles.obstacle(model, data, schedule):
        return reason
    if has_own_parts(model):
        return "a part of it is not Keras' own, so a clone of it may differ"
    if reason := row_optimizer.obstacle(model.optimizer):
        return reason
    if any(variable.constraint for variable in model.trainable_variables):
        return "a constraint on a variable does not update it element by element"
    if other_types := [variable.dtype for variable in model.trainable_variables if variable.dtype != "float32"]:
        return f"its weights are {other_types[0]}, not float32"
    chosen = data.train_index[:TRIED]
    if is_random_in_validation(model, data.batch(chosen, training=True)):
        return "it draws random numbers in validation, too"
    return ""


class Stack:
    """A program that trains and validates models of one structure on one data set, each in its own lane.

    Attributes:
        lanes: number of lanes.
        ahead: True while the lanes are trained for an epoch whose metrics their trials have not got yet.

    Raises:
        Exception: any error of TensorFlow if the program cannot be compiled.
    """

    def __init__(self, groups: Sequence[tuple[keras.Model, int]], data: Dataset, schedule: Schedule) -> None:
        """Compiles the program.

        Args:
            groups: a compiled model for each optimizer, and the number of neighbouring lanes that it updates.
        """
        model, self.lanes, self.ahead = groups[0][0], sum(count for _, count in groups), False
        self._data, self._model = data, clone_of(model, data)
        self._model.test_step(data.batch(data.train_index[:1]))  # creates the variables of the metrics
        self._model.reset_metrics()
        variables, trained = state.of_model(self._model), state.trained(self._model)
        self._shapes = {name: tuple(variable.shape) for name, variable in trained.items()}
        sizes = {name: math.prod(shape) for name, shape in self._shapes.items()}
        self._optimizers: list[RowOptimizer] = []
        for own, count in groups:
            start = self._optimizers[-1].lanes.stop if self._optimizers else 0
            self._optimizers.append(RowOptimizer(own.optimizer, sizes, range(start, start + count)))
        self._others = {name: self._rows(variable) for name, variable in variables.items() if name not in trained}
        self._read = reader([(range(self.lanes), self._others), *((own.lanes, own.rows) for own in self._optimizers)])
        self._metrics = {name: self._rows(variable) for name, variable in state.of_metrics(self._model).items()}
        self._empty_metrics = {name: tf.identity(rows) for name, rows in self._metrics.items()}
        self._dropout_rates = [tf.Variable(tf.zeros(self.lanes)) for _ in dropout.layers_of(self._model)]
        self._rates = np.zeros((self.lanes, 1), np.float32)
        examples = [feed.on_device(data, training=training) for training in (True, False)]
        train_order = tf.constant(np.tile(data.train_index, (self.lanes, 1)), tf.int32)
        self._validation_order = tf.constant(np.tile(data.validation_index, (self.lanes, 1)), tf.int32)
        of_optimizers = (variable for own in self._optimizers for variable in (*own.rows.values(), own.rates))
        known = (*of_optimizers, *self._others.values(), *self._metrics.values(), *self._dropout_rates)
        self._train = compile_epoch(self._train_step, examples[0], train_order, schedule.batch_size, known, self._results)
        self._validate = compile_epoch(
            self._test_step, examples[1], self._validation_order, schedule.validation_batch, known, self._results
        )
        self._variables: dict[int, state.Variables] = {}  # lane → the variables of the model that was put there

    def put(self, lane: int, model: keras.Model) -> None:
        """Copies the variables, the optimizer's variables and the dropout rates of a model into a lane.

        Raises:
            ValueError: the model computes something else than the model of the stack.
        """
        check_same(model, self._model, self._data)
        variables = state.of(model)  # its learning rate is an input of the program, and no part of it draws without a seed
        if differing := (variables.keys() - {state.LEARNING_RATE, state.RANDOM}) ^ self._state(lane).keys():
            raise ValueError(f"{', '.join(sorted(differing))}: only one of model and stack has it")
        self._variables[lane] = variables
        self.see_learning_rate(lane, model)
        self._copy_in(lane, model, self._state(lane))

    def see_learning_rate(self, lane: int, model: keras.Model) -> None:
        """Copies the learning rate of a model, which a callback may have changed, for the next epoch."""
        self._rates[lane] = row_optimizer.rate_of(model.optimizer)

    def _copy_in(self, lane: int, model: keras.Model, names: Iterable[str]) -> None:
        rows = self._state(lane)
        for name in names:
            (stacked, row), value = rows[name], self._variables[lane][name].value
            stacked[row].assign(tf.reshape(tf.cast(value, stacked.dtype), stacked.shape[1:]))
        for stacked, layer in zip(self._dropout_rates, dropout.layers_of(model), strict=True):
            stacked[lane].assign(layer.rate)

    def epoch(self, orders: Mapping[int, np.ndarray]) -> dict[int, dict[str, float]]:
        """Trains and validates the models in the lanes for an epoch. The new state stays on the device until `read` copies it.

        Args:
            orders: lane → the order of the examples.

        Returns:
            Lane → the metrics of its epoch, including those of validation.
        """
        all_orders = np.zeros((self.lanes, len(next(iter(orders.values())))), np.int32)  # the order of a free lane does not matter
        for lane, order in orders.items():
            all_orders[lane] = order
        for own in self._optimizers:
            own.rates.assign(self._rates[own.lanes.start : own.lanes.stop])
        trained, self.ahead = self._train(tf.constant(all_orders)), True
        validated = self._validate(self._validation_order)
        return _by_lane({**trained, **{f"val_{name}": values for name, values in validated.items()}}, orders)

    def read(self, lanes: Iterable[int]) -> dict[int, state.Values]:
        """Returns lane → the state of its training under the names of src/training/state.py, in one transfer for all lanes."""
        states: dict[int, state.Values] = {}
        for lane, rows in self._read(sorted(lanes)).items():
            states[lane] = {}
            for name, variable in self._variables[lane].items():
                if name in rows:
                    states[lane][name] = rows[name].reshape(variable.shape).astype(variable.dtype, copy=False)
                else:
                    states[lane][name] = variable.numpy()
        return states

    def evaluate(self, models: Mapping[int, keras.Model]) -> dict[int, dict[str, float]]:
        """Copies the weights of models back into their lanes; returns lane → loss and metrics on the validation split."""
        for lane, model in models.items():
            self._copy_in(lane, model, state.of_model(model))
        return _by_lane(self._validate(self._validation_order), models)

    def _rows(self, variable: keras.Variable) -> tf.Variable:
        return tf.Variable(tf.repeat(tf.identity(variable.value)[None], self.lanes, axis=0))

    def _state(self, lane: int) -> dict[str, tuple[tf.Variable, int]]:
        """Returns name → (stacked variable, row of a lane in it), for the variables of model and optimizer."""
        own = next(one for one in self._optimizers if lane in one.lanes)
        return {
            **{name: (rows, lane) for name, rows in self._others.items()},
            **{name: (rows, lane - own.lanes.start) for name, rows in own.rows.items()},
        }

    def _weights(self) -> Tensors:
        """Returns the weights of all lanes."""
        parts = [own.rows for own in self._optimizers]
        if len(parts) == 1:
            return {name: parts[0][name] for name in self._shapes}
        return {name: tf.concat([rows[name] for rows in parts], 0) for name in self._shapes}

    def _results(self) -> dict[str, tf.Tensor]:
        """Returns metric → its value in each lane, and resets the metrics."""
        known = state.of_metrics(self._model)

        def result(metrics: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
            with keras.StatelessScope(state_mapping=[(known[name], value) for name, value in metrics.items()]):
                return dict(self._model.get_metrics_result())

        results: dict[str, tf.Tensor] = tf.vectorized_map(result, {name: tf.identity(rows) for name, rows in self._metrics.items()})
        for name, rows in self._metrics.items():
            rows.assign(self._empty_metrics[name])
        return results

    def _train_step(self, batch: feed.Batch) -> None:
        """Trains each lane on its batch, of shape (lanes, examples, …)."""
        gradients = self._vectorised(self._gradients, batch)
        for own in self._optimizers:
            own.apply(gradients)

    def _test_step(self, batch: feed.Batch) -> None:
        self._vectorised(self._loss, batch)

    def _vectorised(self, function: Callable[..., Any], batch: feed.Batch) -> Any:
        """Calls a function once per lane, with the lane's variables in the model; updates all variables but the weights."""
        model = self._model
        known = {**state.of_model(model), **state.of_metrics(model)}
        changing = {**self._others, **self._metrics}

        def in_one_lane(weights: Tensors, others: Tensors, dropout_rates: list[tf.Tensor], batch: feed.Batch) -> Any:
            shaped = {name: tf.reshape(flat, self._shapes[name]) for name, flat in weights.items()}
            mapping = [(known[name], value) for name, value in {**shaped, **others}.items()]
            with dropout.traced(model, dropout_rates), keras.StatelessScope(mapping, collect_losses=True) as scope:
                result = function(shaped, batch)
            return result, {name: scope.get_current_value(known[name]) for name in others}

        rows = self._weights(), changing, self._dropout_rates, batch
        results, after = tf.vectorized_map(lambda arguments: in_one_lane(*arguments), rows)
        for name, value in after.items():
            changing[name].assign(value)
        return results

    def _loss(self, weights: Tensors, batch: feed.Batch, *, training: bool = False) -> tf.Tensor:
        """Returns the loss and updates the metrics, as Keras' own train_step and test_step do."""
        x, y, weight = keras.utils.unpack_x_y_sample_weight(batch)
        predicted = self._model(x, training=training)
        loss = self._model._compute_loss(x=x, y=y, y_pred=predicted, sample_weight=weight, training=training)
        self._model._loss_tracker.update_state(loss, sample_weight=tf.shape(tf.nest.flatten(x)[0])[0])
        self._model.compute_metrics(x, y, predicted, sample_weight=weight)
        return loss

    def _gradients(self, weights: Tensors, batch: feed.Batch) -> Tensors:
        with tf.GradientTape() as tape:
            tape.watch(weights)
            loss = self._optimizers[0].scale_loss(self._loss(weights, batch, training=True))
        gradients = tape.gradient(loss, weights)
        for name, gradient in gradients.items():
            if not isinstance(gradient, tf.Tensor):
                problem = "has no gradient" if gradient is None else "has a gradient of single rows, which an optimizer applies one by one"
                raise ValueError(f"{name} {problem}")
        return {name: tf.reshape(gradient, [-1]) for name, gradient in gradients.items()}


def _by_lane(metrics: Tensors, lanes: Iterable[int]) -> dict[int, dict[str, float]]:
    """Returns lane → metric → value, in one transfer."""
    values = tf.stack([tf.cast(value, tf.float64) for value in metrics.values()]).numpy()  # a metric may be float64
    return {lane: dict(zip(metrics, map(float, values[:, lane]), strict=True)) for lane in lanes}
