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
from src.training import dropout, operations, state
from src.training.agreement import is_random_in_validation
from src.training.compiled import in_batches
from src.training.plain_fit import on_device
from src.training.structure import TRIED, clone_of, has_own_parts, refuse_other

ROW_BY_ROW = ("SGD", "Adagrad", "RMSprop", "Adam", "AdamW", "Adamax", "Lion")  # optimizers that mix no elements of a variable
Tensors = dict[str, tf.Tensor]  # by the names of src/training/state.py
Rows = dict[str, tf.Variable]  # name → a row per lane
MIXING = ("clipnorm", "global_clipnorm", "use_ema", "gradient_accumulation_steps")  # settings that do


def obstacle(model: keras.Model, data: Dataset) -> str:
    """Why a compiled model can not be one of a stack; nothing where it can."""
    if has_own_parts(model):
        return "a part of it is not Keras' own, so that no clone need be the same"
    settings = model.optimizer.get_config()
    if type(model.optimizer).__name__ not in ROW_BY_ROW:
        return f"{type(model.optimizer).__name__} does not update a variable element by element"
    if mixing := [name for name in MIXING if settings.get(name)]:
        return f"optimizer.{mixing[0]} does not update a variable element by element"
    if any(variable.constraint for variable in model.trainable_variables):
        return "a constraint on a variable does not update it element by element"
    if other := next((variable.dtype for variable in model.trainable_variables if variable.dtype != "float32"), ""):
        return f"its weights are {other}, no float32"
    chosen = data.train_index[:TRIED]
    if is_random_in_validation(model, (data.x[chosen], data.y[chosen])):
        return "it draws random numbers in validation, too"
    return ""


class Stack:
    """A program that trains and validates models of one structure on one data set, a lane each.

    Raises:
        Exception: whatever TensorFlow says when it can not be compiled.

    Attributes:
        lanes: how many.
    """

    def __init__(self, model: keras.Model, data: Dataset, batch_size: int, validation_batch: int, lanes: int) -> None:
        self.lanes, self._data, self._model = lanes, data, clone_of(model, data)
        self._model.test_step((data.x[:1], data.y[:1]))  # creates the variables of the metrics
        self._model.reset_metrics()
        own, trained = state.of_model(self._model), state.trained(self._model)
        self._shapes = {name: tuple(variable.shape) for name, variable in trained.items()}
        self._weights = {
            name: keras.Variable(np.zeros((lanes, np.prod(shape, dtype=int)), np.float32)) for name, shape in self._shapes.items()
        }
        self._others = {name: self._rows(variable) for name, variable in own.items() if name not in trained}
        self._metrics = {name: self._rows(variable) for name, variable in state.of_metrics(self._model).items()}
        self._unmeasured = {name: tf.identity(rows) for name, rows in self._metrics.items()}
        self._drops = [tf.Variable(tf.zeros(lanes)) for _ in dropout.layers_of(self._model)]
        self._optimizer = keras.optimizers.deserialize(keras.optimizers.serialize(model.optimizer))
        self._optimizer.build(list(self._weights.values()))
        found = state.of_optimizer(self._optimizer, list(self._weights))
        self._slots = {name: variable for name, variable in found.items() if name not in (state.LEARNING_RATE, state.STEPS)}
        self._steps = self._optimizer._iterations = keras.Variable(np.zeros((lanes, 1), np.int64), trainable=False)
        self._rates = tf.Variable(tf.zeros((lanes, 1)))
        schedule = self._optimizer._learning_rate if callable(self._optimizer._learning_rate) else None
        self._optimizer._get_current_learning_rate = lambda: schedule(self._steps.value) if schedule else self._rates
        self._x, self._y = on_device(data)
        self._train = self._all(self._train_step, data.train_index, batch_size)
        self._validate = self._all(self._test_step, data.validation_index, validation_batch)
        self._validation_order = self._same(data.validation_index)
        self._held: dict[int, state.Variables] = {}  # lane → the variables of the model that was put there

    def put(self, lane: int, model: keras.Model) -> None:
        """Takes over a model's variables, its optimizer's and its dropout rates.

        Raises:
            ValueError: it is another model than that of the stack.
        """
        refuse_other(model, self._model, self._data)
        self._put(lane, model)

    def _put(self, lane: int, model: keras.Model) -> None:
        theirs = self._held[lane] = self._of(model)
        for name, rows in self._state().items():
            value = theirs[name].value
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

    def evaluate(self, models: dict[int, keras.Model]) -> dict[int, dict[str, float]]:
        """Lane → loss and metrics on the validation split of the model that takes the lane."""
        for lane, model in models.items():
            self._put(lane, model)
        found = self._validate(self._validation_order)
        return {lane: {name: float(values[lane]) for name, values in found.items()} for lane in models}

    def _take(self, models: dict[int, keras.Model]) -> None:
        """Puts the variables of the lanes into their models."""
        states = {lane: self._held[lane] for lane in models}
        shapes = next(iter(states.values()))
        for name, stacked in self._state().items():
            rows = tf.unstack(tf.reshape(stacked, (self.lanes, *shapes[name].shape)))
            for lane, variables in states.items():
                variables[name].assign(rows[lane])

    def _same(self, index: np.ndarray) -> tf.Tensor:
        return tf.constant(np.tile(index, (self.lanes, 1)), tf.int32)

    def _rows(self, variable: keras.Variable) -> tf.Variable:
        return tf.Variable(tf.repeat(tf.identity(variable.value)[None], self.lanes, axis=0))

    def _state(self) -> Rows:
        """All that a lane has of its own: weights, other variables, the optimizer's and its count of steps."""
        kept = {**self._weights, **self._slots, state.STEPS: self._steps}
        return {**self._others, **{name: variable.value for name, variable in kept.items()}}

    def _of(self, model: keras.Model) -> state.Variables:
        """The same variables of a model; its learning rate is an input of the program, and nothing in it draws without a seed."""
        found = {name: variable for name, variable in state.of(model).items() if name not in (state.LEARNING_RATE, state.RANDOM)}
        if differing := found.keys() ^ self._state().keys():
            raise ValueError(f"{', '.join(sorted(differing))}: in the model or in the stack alone")
        return found

    def _results(self) -> dict[str, tf.Tensor]:
        """Metric → its value in each lane; then the metrics begin anew."""
        known = state.of_metrics(self._model)

        def one(metrics: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
            with keras.StatelessScope(state_mapping=[(known[name], value) for name, value in metrics.items()]):
                return dict(self._model.get_metrics_result())

        found: dict[str, tf.Tensor] = tf.vectorized_map(one, {name: tf.identity(rows) for name, rows in self._metrics.items()})
        for name, rows in self._metrics.items():
            rows.assign(self._unmeasured[name])
        return found

    def _all(self, step: Callable[..., None], index: np.ndarray, batch_size: int) -> Callable[[tf.Tensor], dict[str, np.ndarray]]:
        """A program that takes a step for each batch of examples, of whose index each lane has an order; the metrics of the lanes."""

        @tf.function(jit_compile=True)  # type: ignore[untyped-decorator]
        def run(orders: tf.Tensor, wanted: tf.Tensor) -> dict[str, tf.Tensor]:
            if wanted:
                in_batches(lambda chosen: step(tf.gather(self._x, chosen), tf.gather(self._y, chosen)), orders, batch_size)
            return self._results()

        with operations.without_loops():
            none = self._same(index), tf.constant(False)  # no step: it compiles, or fails, now
            known = (*self._state().values(), *self._metrics.values(), *self._drops, self._rates)
            operations.refuse_hidden_state(run.get_concrete_function(*none), known)
            run(*none)
        return lambda orders: {name: values.numpy() for name, values in run(orders, tf.constant(True)).items()}

    def _train_step(self, x: tf.Tensor, y: tf.Tensor) -> None:
        """A batch (lanes, batch, …) for each lane."""
        gradients = self._mapped(self._gradients, x, y)
        self._optimizer.apply([gradients[name] for name in self._weights], list(self._weights.values()))

    def _test_step(self, x: tf.Tensor, y: tf.Tensor) -> None:
        self._mapped(self._loss, x, y)

    def _mapped(self, of_a_lane: Callable[..., Any], x: tf.Tensor, y: tf.Tensor) -> Any:
        """Calls a function with the batch of each lane, while the model's variables are the lane's; updates all but the weights."""
        model = self._model
        known = {**state.of_model(model), **state.of_metrics(model)}
        changing = {**self._others, **self._metrics}

        def one(weights: Tensors, others: Tensors, drops: list[tf.Tensor], batch: Any) -> Any:
            shaped = {name: tf.reshape(flat, self._shapes[name]) for name, flat in weights.items()}
            mapping = [(known[name], value) for name, value in {**shaped, **others}.items()]
            with dropout.traced(model, drops), keras.StatelessScope(mapping, collect_losses=True) as scope:
                found = of_a_lane(shaped, *batch)
            return found, {name: scope.get_current_value(known[name]) for name in others}

        rows = {name: variable.value for name, variable in self._weights.items()}, changing, self._drops, (x, y)
        found, after = tf.vectorized_map(lambda arguments: one(*arguments), rows)
        for name, value in after.items():
            changing[name].assign(value)
        return found

    def _loss(self, weights: Tensors, x: tf.Tensor, y: tf.Tensor, *, training: bool = False) -> tf.Tensor:
        """As Keras' own train_step and test_step have it."""
        predicted = self._model(x, training=training)
        loss = self._model._compute_loss(x=x, y=y, y_pred=predicted, training=training)
        self._model._loss_tracker.update_state(loss, sample_weight=tf.shape(x)[0])
        self._model.compute_metrics(x, y, predicted)
        return loss

    def _gradients(self, weights: Tensors, x: tf.Tensor, y: tf.Tensor) -> Tensors:
        with tf.GradientTape() as tape:
            tape.watch(weights)
            loss = self._optimizer.scale_loss(self._loss(weights, x, y, training=True))
        gradients = tape.gradient(loss, weights)
        for name, gradient in gradients.items():
            if not isinstance(gradient, tf.Tensor):
                what = "has no gradient" if gradient is None else "has a gradient of single rows, which an optimizer applies one by one"
                raise ValueError(f"{name} {what}")
        return {name: tf.reshape(gradient, [-1]) for name, gradient in gradients.items()}
