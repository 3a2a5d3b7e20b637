"""Trains several trials of one structure in one XLA program.

Each variable has one row per trial; the row of a trial is its lane. The model and the optimizer stay Keras' own. The forward pass,
the gradients and the metrics of a lane are vectorised over all lanes. The optimizer updates all rows at once; each row has its own
learning rate and count of steps. Idea: Wang et al., HFTA, MLSys 2021.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from src.datasets import Dataset
from src.training import Schedule, dropout, feed, obstacles, operations, state
from src.training.agreement import is_random_in_validation
from src.training.compiled import in_batches
from src.training.structure import TRIED, check_same, clone_of, has_own_parts

ROW_BY_ROW = ("SGD", "Adagrad", "RMSprop", "Adam", "AdamW", "Adamax", "Lion")  # optimizers that mix no elements of a variable
MIXING = ("clipnorm", "global_clipnorm", "use_ema", "gradient_accumulation_steps")  # settings with which they mix them
Tensors = dict[str, tf.Tensor]  # under the names of src/training/state.py
Rows = dict[str, tf.Variable]  # name → one row per lane


def obstacle(model: keras.Model, data: Dataset, schedule: Schedule) -> str:
    """Returns the reason why a compiled model cannot be stacked; empty if it can."""
    if reason := obstacles.obstacle(model, data, schedule):
        return reason
    if has_own_parts(model):
        return "a part of it is not Keras' own, so that no clone need be the same"
    settings = model.optimizer.get_config()
    if type(model.optimizer).__name__ not in ROW_BY_ROW:
        return f"{type(model.optimizer).__name__} does not update a variable element by element"
    if mixing := [name for name in MIXING if settings.get(name)]:
        return f"optimizer.{mixing[0]} does not update a variable element by element"
    if any(variable.constraint for variable in model.trainable_variables):
        return "a constraint on a variable does not update it element by element"
    if other_types := [variable.dtype for variable in model.trainable_variables if variable.dtype != "float32"]:
        return f"its weights are {other_types[0]}, no float32"
    chosen = data.train_index[:TRIED]
    if is_random_in_validation(model, data.batch(chosen, training=True)):
        return "it draws random numbers in validation, too"
    return ""


class Stack:
    """A program that trains and validates models of one structure on one data set, each in its own lane.

    Attributes:
        lanes: number of lanes.

    Raises:
        Exception: any error of TensorFlow if the program cannot be compiled.
    """

    def __init__(self, model: keras.Model, data: Dataset, schedule: Schedule, lanes: int) -> None:
        self.lanes, self._data, self._model = lanes, data, clone_of(model, data)
        self._model.test_step(data.batch(data.train_index[:1]))  # creates the variables of the metrics
        self._model.reset_metrics()
        variables, trained = state.of_model(self._model), state.trained(self._model)
        self._shapes = {name: tuple(variable.shape) for name, variable in trained.items()}
        self._weights = {
            name: keras.Variable(np.zeros((lanes, np.prod(shape, dtype=int)), np.float32)) for name, shape in self._shapes.items()
        }
        self._others = {name: self._rows(variable) for name, variable in variables.items() if name not in trained}
        self._metrics = {name: self._rows(variable) for name, variable in state.of_metrics(self._model).items()}
        self._empty_metrics = {name: tf.identity(rows) for name, rows in self._metrics.items()}
        self._dropout_rates = [tf.Variable(tf.zeros(lanes)) for _ in dropout.layers_of(self._model)]
        self._optimizer = keras.optimizers.deserialize(keras.optimizers.serialize(model.optimizer))
        self._optimizer.build(list(self._weights.values()))
        slots = state.of_optimizer(self._optimizer, list(self._weights))
        self._slots = {name: variable for name, variable in slots.items() if name not in (state.LEARNING_RATE, state.STEPS)}
        self._steps = self._optimizer._iterations = keras.Variable(np.zeros((lanes, 1), np.int64), trainable=False)
        self._learning_rates = tf.Variable(tf.zeros((lanes, 1)))
        rate_schedule = self._optimizer._learning_rate if callable(self._optimizer._learning_rate) else None
        self._optimizer._get_current_learning_rate = lambda: rate_schedule(self._steps.value) if rate_schedule else self._learning_rates
        examples = [feed.on_device(data, training=training) for training in (True, False)]
        self._train = self._compiled(self._train_step, examples[0], data.train_index, schedule.batch_size)
        self._validate = self._compiled(self._test_step, examples[1], data.validation_index, schedule.validation_batch)
        self._validation_order = self._repeated(data.validation_index)
        self._lane_variables: dict[int, state.Variables] = {}  # lane → the variables of the model that was put there

    def put(self, lane: int, model: keras.Model) -> None:
        """Copies the variables, the optimizer's variables and the dropout rates of a model into a lane.

        Raises:
            ValueError: the model computes something else than the model of the stack.
        """
        check_same(model, self._model, self._data)
        self._copy_in(lane, model)

    def _copy_in(self, lane: int, model: keras.Model) -> None:
        variables = self._lane_variables[lane] = self._variables_of(model)
        for name, rows in self._state().items():
            value = variables[name].value
            rows[lane].assign(tf.reshape(tf.cast(value, rows.dtype), rows.shape[1:]))
        for rows, layer in zip(self._dropout_rates, dropout.layers_of(model), strict=True):
            rows[lane].assign(layer.rate)

    def epoch(self, models: dict[int, keras.Model], orders: dict[int, np.ndarray]) -> dict[int, dict[str, float]]:
        """Trains and validates the models of the lanes for an epoch.

        Args:
            models: lane → the model that was put there. A callback may have changed its learning rate. The epoch updates its variables.
            orders: lane → the order of the examples.

        Returns:
            Lane → the metrics of its epoch, including those of validation.
        """
        all_orders = np.zeros((self.lanes, len(next(iter(orders.values())))), np.int32)  # the order of a free lane does not matter
        rates = np.zeros((self.lanes, 1), np.float32)
        for lane, model in models.items():
            all_orders[lane] = orders[lane]
            rates[lane] = 0 if callable(model.optimizer._learning_rate) else float(model.optimizer.learning_rate)
        self._learning_rates.assign(rates)
        trained, validated = self._train(tf.constant(all_orders)), self._validate(self._validation_order)
        self._copy_out(models)
        metrics = {**trained, **{f"val_{name}": values for name, values in validated.items()}}
        return {lane: {name: float(values[lane]) for name, values in metrics.items()} for lane in models}

    def evaluate(self, models: dict[int, keras.Model]) -> dict[int, dict[str, float]]:
        """Copies models into lanes; returns lane → loss and metrics on the validation split."""
        for lane, model in models.items():
            self._copy_in(lane, model)
        metrics = self._validate(self._validation_order)
        return {lane: {name: float(values[lane]) for name, values in metrics.items()} for lane in models}

    def _copy_out(self, models: dict[int, keras.Model]) -> None:
        """Copies the variables of the lanes into their models."""
        states = {lane: self._lane_variables[lane] for lane in models}
        first = next(iter(states.values()))
        for name, stacked in self._state().items():
            rows = tf.unstack(tf.reshape(stacked, (self.lanes, *first[name].shape)))
            for lane, variables in states.items():
                variables[name].assign(rows[lane])

    def _repeated(self, index: np.ndarray) -> tf.Tensor:
        return tf.constant(np.tile(index, (self.lanes, 1)), tf.int32)

    def _rows(self, variable: keras.Variable) -> tf.Variable:
        return tf.Variable(tf.repeat(tf.identity(variable.value)[None], self.lanes, axis=0))

    def _state(self) -> Rows:
        """Returns the rows of the variables of model and optimizer, including the count of steps."""
        of_keras = {**self._weights, **self._slots, state.STEPS: self._steps}
        return {**self._others, **{name: variable.value for name, variable in of_keras.items()}}

    def _variables_of(self, model: keras.Model) -> state.Variables:
        """Returns the same variables of a model.

        Its learning rate is an input of the program, and no part of it draws without a seed.
        """
        variables = {name: variable for name, variable in state.of(model).items() if name not in (state.LEARNING_RATE, state.RANDOM)}
        if differing := variables.keys() ^ self._state().keys():
            raise ValueError(f"{', '.join(sorted(differing))}: in the model or in the stack alone")
        return variables

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

    def _compiled(
        self, step: Callable[[feed.Batch], None], examples: feed.Batch, index: np.ndarray, batch_size: int
    ) -> Callable[[tf.Tensor], dict[str, np.ndarray]]:
        """Compiles a function that runs a step per batch of the lanes' orders and returns metric → values."""

        @tf.function(jit_compile=True)  # type: ignore[untyped-decorator]
        def run(orders: tf.Tensor, enabled: tf.Tensor) -> dict[str, tf.Tensor]:
            if enabled:
                in_batches(lambda chosen: step(feed.rows(examples, chosen)), orders, batch_size)
            return self._results()

        with operations.without_loops():
            no_step = self._repeated(index), tf.constant(False)  # compiles, or fails, now; trains nothing
            known = (*self._state().values(), *self._metrics.values(), *self._dropout_rates, self._learning_rates)
            operations.refuse_hidden_state(run.get_concrete_function(*no_step), known)
            run(*no_step)
        return lambda orders: {name: values.numpy() for name, values in run(orders, tf.constant(True)).items()}

    def _train_step(self, batch: feed.Batch) -> None:
        """Trains each lane on its batch, of shape (lanes, examples, …)."""
        gradients = self._vectorised(self._gradients, batch)
        self._optimizer.apply([gradients[name] for name in self._weights], list(self._weights.values()))

    def _test_step(self, batch: feed.Batch) -> None:
        self._vectorised(self._loss, batch)

    def _vectorised(self, function: Callable[..., Any], batch: feed.Batch) -> Any:
        """Calls a function per lane, with the variables of the lane in the model; updates all but the weights."""
        model = self._model
        known = {**state.of_model(model), **state.of_metrics(model)}
        changing = {**self._others, **self._metrics}

        def in_one_lane(weights: Tensors, others: Tensors, dropout_rates: list[tf.Tensor], batch: feed.Batch) -> Any:
            shaped = {name: tf.reshape(flat, self._shapes[name]) for name, flat in weights.items()}
            mapping = [(known[name], value) for name, value in {**shaped, **others}.items()]
            with dropout.traced(model, dropout_rates), keras.StatelessScope(mapping, collect_losses=True) as scope:
                result = function(shaped, batch)
            return result, {name: scope.get_current_value(known[name]) for name in others}

        rows = {name: variable.value for name, variable in self._weights.items()}, changing, self._dropout_rates, batch
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
            loss = self._optimizer.scale_loss(self._loss(weights, batch, training=True))
        gradients = tape.gradient(loss, weights)
        for name, gradient in gradients.items():
            if not isinstance(gradient, tf.Tensor):
                problem = "has no gradient" if gradient is None else "has a gradient of single rows, which an optimizer applies one by one"
                raise ValueError(f"{name} {problem}")
        return {name: tf.reshape(gradient, [-1]) for name, gradient in gradients.items()}
