"""Trials of one structure side by side in one XLA program: each variable has a row per trial, and a trial's row is its lane.

The model and the optimizer stay Keras' own. The forward pass, the gradients and the metrics of a lane are mapped over the lanes;
the optimizer updates all rows at once, with a learning rate and a count of steps per row. Idea: Wang et al., HFTA, MLSys 2021.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from src.datasets import Dataset
from src.training import dropout, operations
from src.training.compiled import in_batches
from src.training.keras import VALIDATION_BATCH, on_device

ROW_BY_ROW = ("SGD", "Adagrad", "RMSprop", "Adam", "AdamW", "Adamax", "Lion")  # optimizers that mix no elements of a variable
MIXING = ("clipnorm", "global_clipnorm", "use_ema", "gradient_accumulation_steps")  # settings that do


def obstacle(model: keras.Model) -> str:
    """Why a compiled model can not be one of a stack; nothing where it can."""
    settings = model.optimizer.get_config()
    if type(model.optimizer).__name__ not in ROW_BY_ROW:
        return f"{type(model.optimizer).__name__} does not update a variable element by element"
    if mixing := [name for name in MIXING if settings.get(name)]:
        return f"optimizer.{mixing[0]} does not update a variable element by element"
    if any(variable.constraint for variable in model.trainable_variables):
        return "a constraint on a variable does not update it element by element"
    return ""


class Stack:
    """A program that trains and validates models of one structure on one data set, a lane each.

    Raises:
        Exception: whatever TensorFlow says when it can not be compiled.

    Attributes:
        lanes: how many.
    """

    def __init__(self, model: keras.Model, data: Dataset, batch_size: int, lanes: int) -> None:
        self.lanes, self._model = lanes, keras.models.clone_model(model)
        self._model.compile_from_config(model.get_compile_config())
        self._model.test_step((data.x[:1], data.y[:1]))  # creates the variables of the metrics
        self._shapes = [tuple(variable.shape) for variable in self._model.trainable_variables]
        self._weights = [keras.Variable(np.zeros((lanes, np.prod(shape, dtype=int)), np.float32)) for shape in self._shapes]
        self._others = [self._rows(variable) for variable in self._model.non_trainable_variables]
        self._metrics = [self._rows(variable) for variable in self._model.metrics_variables]
        self._drops = [tf.Variable(tf.zeros(lanes)) for _ in dropout.layers_of(self._model)]
        self._optimizer = keras.optimizers.deserialize(keras.optimizers.serialize(model.optimizer))
        self._optimizer.build(self._weights)
        self._slots = self._optimizer.variables[2:]  # after the steps and the learning rate
        self._steps = self._optimizer._iterations = keras.Variable(np.zeros((lanes, 1), np.int64), trainable=False)
        self._rates = tf.Variable(tf.zeros((lanes, 1)))
        schedule = self._optimizer._learning_rate if callable(self._optimizer._learning_rate) else None
        self._optimizer._get_current_learning_rate = lambda: schedule(self._steps.value) if schedule else self._rates
        self._x, self._y = on_device(data)
        self._train = self._all(self._train_step, data.train_index, batch_size)
        self._validate = self._all(self._test_step, data.validation_index, VALIDATION_BATCH)
        self._validation_order = self._same(data.validation_index)

    def put(self, lane: int, model: keras.Model) -> None:
        """Takes over a model's variables, its optimizer's and its dropout rates."""
        model.optimizer.build(model.trainable_variables)
        for rows, value in zip(self._state(), _state(model), strict=True):
            rows[lane].assign(tf.reshape(tf.cast(value, rows.dtype), rows.shape[1:]))
        for rows, layer in zip(self._drops, dropout.layers_of(model), strict=True):
            rows[lane].assign(layer.rate)

    def epoch(self, models: dict[int, keras.Model], orders: dict[int, np.ndarray]) -> dict[int, dict[str, float]]:
        """Trains and validates the models of the lanes for an epoch.

        Args:
            models: lane → the model that was put there, whose learning rate a callback may have changed; gets the lane's variables.
            orders: lane → the order of the examples.

        Returns:
            lane → the metrics of its epoch, those of validation too.
        """
        every = np.zeros((self.lanes, len(next(iter(orders.values())))), np.int32)  # of a free lane: whatever
        rates = np.zeros((self.lanes, 1), np.float32)
        for lane, model in models.items():
            every[lane] = orders[lane]
            rates[lane] = 0 if callable(model.optimizer._learning_rate) else float(model.optimizer.learning_rate)
        self._rates.assign(rates)
        trained, validated = self._train(tf.constant(every)), self._validate(self._validation_order)
        self._take(models)
        named = {**trained, **{f"val_{name}": values for name, values in validated.items()}}
        return {lane: {name: float(values[lane]) for name, values in named.items()} for lane in models}

    def _take(self, models: dict[int, keras.Model]) -> None:
        """Puts the variables of the lanes into their models."""
        state = zip(self._state(), _variables(next(iter(models.values()))), strict=True)
        rows = [tf.unstack(tf.reshape(stacked, (self.lanes, *variable.shape))) for stacked, variable in state]
        for lane, model in models.items():
            for stacked, variable in zip(rows, _variables(model), strict=True):
                variable.assign(stacked[lane])

    def _same(self, index: np.ndarray) -> tf.Tensor:
        return tf.constant(np.tile(index, (self.lanes, 1)), tf.int32)

    def _rows(self, variable: keras.Variable) -> tf.Variable:
        return tf.Variable(tf.zeros((self.lanes, *variable.shape), variable.dtype))

    def _state(self) -> list[tf.Variable]:
        return [*(one.value for one in self._weights), *self._others, *(one.value for one in self._slots), self._steps.value]

    def _results(self) -> dict[str, tf.Tensor]:
        """Metric → its value in each lane; then the metrics begin anew."""

        def one(metrics: list[tf.Tensor]) -> dict[str, tf.Tensor]:
            with keras.StatelessScope(state_mapping=list(zip(self._model.metrics_variables, metrics, strict=True))):
                return dict(self._model.get_metrics_result())

        found: dict[str, tf.Tensor] = tf.vectorized_map(one, [tf.identity(rows) for rows in self._metrics])
        for rows in self._metrics:
            rows.assign(tf.zeros_like(rows))
        return found

    def _all(self, step: Callable[..., None], index: np.ndarray, batch_size: int) -> Callable[[tf.Tensor], dict[str, np.ndarray]]:
        """A program that takes a step for each batch of examples, of whose index each lane has an order; the metrics of the lanes."""

        @tf.function(jit_compile=True)  # type: ignore[untyped-decorator]
        def run(orders: tf.Tensor, wanted: tf.Tensor) -> dict[str, tf.Tensor]:
            if wanted:
                in_batches(lambda chosen: step(tf.gather(self._x, chosen), tf.gather(self._y, chosen)), orders, batch_size)
            return self._results()

        with operations.without_loops():
            run(self._same(index), tf.constant(False))  # no step: it compiles, or fails, now
        return lambda orders: {name: values.numpy() for name, values in run(orders, tf.constant(True)).items()}

    def _train_step(self, x: tf.Tensor, y: tf.Tensor) -> None:
        """A batch (lanes, batch, …) for each lane."""
        gradients = self._mapped(self._gradients, x, y)
        self._optimizer.apply(gradients, self._weights)

    def _test_step(self, x: tf.Tensor, y: tf.Tensor) -> None:
        self._mapped(self._loss, x, y)

    def _mapped(self, of_a_lane: Callable[..., Any], x: tf.Tensor, y: tf.Tensor) -> Any:
        """Calls a function with the batch of each lane, while the model's variables are the lane's; updates all but the weights."""
        model = self._model

        def one(weights: list[tf.Tensor], others: list[tf.Tensor], metrics: list[tf.Tensor], drops: list[tf.Tensor], batch: Any) -> Any:
            shaped = [tf.reshape(flat, shape) for flat, shape in zip(weights, self._shapes, strict=True)]
            known = (*model.trainable_variables, *model.non_trainable_variables, *model.metrics_variables)
            mapping = list(zip(known, [*shaped, *others, *metrics], strict=True))
            with dropout.traced(model, drops), keras.StatelessScope(state_mapping=mapping) as scope:
                found = of_a_lane(shaped, *batch)
            after = [scope.get_current_value(variable) for variable in (*model.non_trainable_variables, *model.metrics_variables)]
            return found, after

        rows = [one.value for one in self._weights], self._others, self._metrics, self._drops, (x, y)
        found, after = tf.vectorized_map(lambda arguments: one(*arguments), rows)
        for variable, value in zip((*self._others, *self._metrics), after, strict=True):
            variable.assign(value)
        return found

    def _loss(self, weights: list[tf.Tensor], x: tf.Tensor, y: tf.Tensor, *, training: bool = False) -> tf.Tensor:
        """As Keras' own train_step and test_step have it."""
        predicted = self._model(x, training=training)
        loss = self._model.compute_loss(x=x, y=y, y_pred=predicted, training=training)
        self._model._loss_tracker.update_state(loss, sample_weight=tf.shape(x)[0])
        self._model.compute_metrics(x, y, predicted)
        return loss

    def _gradients(self, weights: list[tf.Tensor], x: tf.Tensor, y: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(weights)
            loss = self._loss(weights, x, y, training=True)
        return [tf.reshape(gradient, [-1]) for gradient in tape.gradient(loss, weights)]


def _variables(model: keras.Model) -> list[Any]:
    """Weights, other variables, the optimizer's own, its steps: as Stack._state has them."""
    own = model.optimizer.variables
    return [*model.trainable_variables, *model.non_trainable_variables, *own[2:], own[0]]


def _state(model: keras.Model) -> list[tf.Tensor]:
    return [variable.value for variable in _variables(model)]
