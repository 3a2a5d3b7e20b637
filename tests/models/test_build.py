"""What a model's `build` may return, and with what it is called."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from src import models, trial
from src.errors import ConfigError, TrialError
from src.models import Interface
from src.tasks.classes import Classes
from src.training import runtime, weights

NODE = {"_target_": "src.models.two_layer.build"}
DIGITS = Interface(Classes(tuple("0123456789")), (10,), np.zeros((1, 8, 8), np.float32))
Replace = Callable[[Callable], None]


@pytest.fixture(autouse=True)
def configured() -> None:
    runtime.configure(1)


class Subclassed(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.inner = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(10, activation="softmax")])

    def call(self, inputs: Any) -> Any:
        return self.inner(inputs)


def classifier(*layers: keras.layers.Layer) -> keras.Model:
    return keras.Sequential([keras.Input((8, 8)), keras.layers.Flatten(), *layers])


def two_outputs() -> keras.Model:
    inputs = keras.Input((8, 8))
    flat = keras.layers.Flatten()(inputs)
    return keras.Model(inputs, [keras.layers.Dense(10)(flat), keras.layers.Dense(3)(flat)])


def unbuilt() -> keras.Model:
    return keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(10, activation="softmax")])


def compiled() -> keras.Model:
    model = unbuilt()
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


REFUSED = {
    r"gives \(batch, 1\); expected \(batch, 10\)": lambda: classifier(keras.layers.Dense(1, activation="sigmoid")),
    r"gives \(batch, 7\); expected \(batch, 10\) for the task classes": lambda: classifier(keras.layers.Dense(7)),
    r"gives \(batch, 5, 2\)": lambda: classifier(keras.layers.Dense(10), keras.layers.Reshape((5, 2))),
    r"gives \[\(batch, 10\), \(batch, 3\)\]": two_outputs,
    "gives a compiled model; expected an uncompiled one": compiled,
    "gives Flatten; expected a keras.Model": keras.layers.Flatten,
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_is_no_classifier_is_refused_by_name(message: str, two_layer: Replace) -> None:
    two_layer(lambda input_shape, num_classes: REFUSED[message]())
    with pytest.raises(ConfigError, match=message):
        models.build(NODE, DIGITS)


@pytest.mark.parametrize("make", [unbuilt, Subclassed])
def test_a_model_is_built_before_it_trains_and_takes_its_weights_again(
    make: Callable, two_layer: Replace, compose: Callable[..., dict], tmp_path: Path
) -> None:
    two_layer(lambda input_shape, num_classes: make())
    config = {**compose(), "model": NODE}
    outcome = trial.run(trial.Job(0, 1, config, tmp_path), lambda *_: None, lambda: None)
    assert outcome.state == "FINISHED" and outcome.metrics["model/parameters"] == 650, outcome.cause
    again = trial.prepare(config, tmp_path)
    weights.load(again.model, outcome.files["model.weights.h5"])
    x, y = again.data.validation
    found = (trial.predictions(again, x).argmax(axis=1) == y).mean()
    assert found == pytest.approx(outcome.metrics["kept/val_accuracy"], abs=1e-6)


@pytest.mark.parametrize(
    ("arguments", "messages"),
    [
        ({"unitz": 5}, ["has no 'unitz'; did you mean 'units'?", "needs 'units'; expected model.units=…"]),
        ({"units": 5, "num_classes": 7}, ["model.num_classes: it comes from the data"]),
        ({"units": 5, "engine": {"name": "keras"}}, []),
    ],
)
def test_arguments_are_checked_before_the_call(arguments: dict, messages: list[str], two_layer: Replace) -> None:
    two_layer(lambda input_shape, num_classes, *, units: unbuilt())
    if not messages:
        assert models.build({**NODE, **arguments}, DIGITS).built
        return
    with pytest.raises(ConfigError) as told:
        models.build({**NODE, **arguments}, DIGITS)
    assert len(told.value.mistakes) == len(messages)
    assert all(any(message in mistake for mistake in told.value.mistakes) for message in messages)


def test_an_argument_may_not_be_named_as_a_key_of_the_file(two_layer: Replace) -> None:
    two_layer(lambda input_shape, num_classes, *, engine: unbuilt())
    with pytest.raises(ConfigError, match="needs 'engine'; expected another name for it"):
        models.build({**NODE, "engine": {"name": "keras"}}, DIGITS)


def test_what_the_models_own_code_raises_is_no_mistake_of_the_configuration(two_layer: Replace) -> None:
    def deep(input_shape: tuple, num_classes: int) -> keras.Model:
        return keras.Sequential([keras.Input((*input_shape, 1)), keras.layers.Conv2D(4, 30)])

    two_layer(deep)
    with pytest.raises(TrialError, match=r"two_layer\.build raises ValueError: "):
        models.build(NODE, DIGITS)


def test_building_takes_no_random_numbers_from_a_model_that_is_built() -> None:
    keras.utils.set_random_seed(3)
    mine = models.build({**NODE, "units": 4, "activation": "relu", "dropout": 0.0}, DIGITS)
    keras.utils.set_random_seed(3)
    from src.models.two_layer import build

    theirs = build((8, 8), (10,), "softmax", units=4, activation="relu", dropout=0.0)
    assert all(np.array_equal(ours.numpy(), other.numpy()) for ours, other in zip(mine.weights, theirs.weights, strict=True))
