"""What no program trains, or not as fast, and max pooling, which one does."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from src.datasets import Dataset
from src.errors import TrialError
from src.objective import Objective
from src.tasks.classes import Classes
from src.training import Monitor, Schedule, feed, lane, obstacles, operations, plain_fit, row_optimizer, runtime

X, Y = np.random.default_rng(0).random((20, 8, 8, 1), np.float32), np.arange(20) % 2
SCHEDULE = Schedule(1, 4, 5, None, "last")


def data_of(**more: object) -> Dataset:
    return Dataset(
        **{"x": X, "y": Y, "train_index": np.arange(15), "validation_index": np.arange(15, 20), "test": tuple}
        | more
        | {"task": Classes(("a", "b"))}
    )


def convolutional(filters: int) -> keras.Model:
    convolutions = [keras.layers.Conv2D(filters, 3, padding="same"), keras.layers.Conv2D(filters, 3, padding="same")]
    return keras.Sequential([keras.Input((8, 8, 1)), *convolutions, keras.layers.Flatten(), keras.layers.Dense(2, "softmax")])


def test_large_convolutions_are_left_to_plain_fit_on_a_cpu_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert obstacles.obstacle(convolutional(2), data_of(), SCHEDULE) == ""
    assert "on a CPU, convolutions of 41,472 products" in obstacles.obstacle(convolutional(8), data_of(), SCHEDULE)
    monkeypatch.setattr(runtime, "device", lambda: "H200")
    assert obstacles.obstacle(convolutional(8), data_of(), SCHEDULE) == ""


def test_texts_and_data_that_are_read_are_named() -> None:
    model = SimpleNamespace(_flatten_layers=list)
    assert obstacles.obstacle(model, data_of(x=X.astype(str)), SCHEDULE) == "its inputs are texts"
    assert obstacles.obstacle(model, data_of(read=lambda x: x), SCHEDULE) == "its inputs are read while it trains"


def test_what_a_copy_of_an_optimizer_would_not_do_is_named() -> None:
    model = convolutional(2)
    model.compile(optimizer=keras.optimizers.AdamW())
    assert obstacles.obstacle(model, data_of(), SCHEDULE) == ""
    model.optimizer.exclude_from_weight_decay(var_names=["bias"])
    assert "excludes weights from decay" in obstacles.obstacle(model, data_of(), SCHEDULE)
    assert row_optimizer.obstacle(keras.optimizers.Adam()) == ""
    assert row_optimizer.obstacle(type("Adam", (keras.optimizers.Adam,), {})()) == "Adam does not update a variable element by element"


def test_callbacks_that_may_change_a_model_are_named() -> None:
    assert lane.obstacle([keras.callbacks.EarlyStopping(), keras.callbacks.ReduceLROnPlateau()]) == ""
    assert "LambdaCallback may change the model" in lane.obstacle([keras.callbacks.LambdaCallback()])
    assert "EarlyStopping may change" in lane.obstacle([type("EarlyStopping", (keras.callbacks.EarlyStopping,), {})()])


@pytest.mark.parametrize("last", [lambda x: x.astype(np.float64), lambda x: x[:-1], lambda x: 1 / 0])
def test_a_read_that_fails_later_is_told_by_its_own_words(last: object) -> None:
    data = data_of(x=np.arange(20), read=lambda index: last(X[index]) if 14 in index else X[index])
    model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(2, "softmax")])
    model.compile(optimizer="sgd", loss="sparse_categorical_crossentropy")
    settings = {"objective": Objective("val_loss", "min"), "schedule": SCHEDULE, "monitor": Monitor(lambda *_: None, lambda: None)}
    with pytest.raises(TrialError, match=r"the data set's read: (DataError: read gives|ZeroDivisionError: division by zero)"):
        plain_fit.fit(model, data, seed=1, callbacks=[], **settings)
    assert [len(batch[0]) for batch in feed.validation(data_of(x=np.arange(20), read=lambda index: X[index]), 3)] == [3, 2]


@pytest.mark.parametrize(
    ("shape", "size", "step", "padding"),
    [
        ((2, 7, 8, 3), 2, 2, "VALID"),
        ((2, 7, 8, 3), (3, 2), (2, 1), "SAME"),
        ((2, 7, 8, 3), [1, 2, 2, 1], [1, 2, 2, 1], "SAME"),
        ((2, 9, 3), 3, 2, "SAME"),
    ],
)
def test_max_pooling_as_maxima_has_the_same_values_and_gradients(shape: tuple, size: object, step: object, padding: str) -> None:
    x = tf.constant(np.maximum(np.random.default_rng(0).normal(size=shape), 0).astype(np.float32))  # with equal values: zeros
    gradients = []
    for pool in (tf.nn.max_pool, operations._max_pool):
        with tf.GradientTape() as tape:
            tape.watch(x)
            pooled = pool(x, size, step, padding, {3: "NWC", 4: "NHWC"}[len(shape)])
            loss = tf.reduce_sum(pooled * pooled + pooled)
        gradients.append((pooled.numpy(), tape.gradient(loss, x).numpy()))
    np.testing.assert_array_equal(gradients[0][0], gradients[1][0])
    np.testing.assert_array_equal(gradients[0][1], gradients[1][1])
