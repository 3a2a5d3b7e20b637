import io
import json
import zipfile

import h5py
import keras
import numpy as np
import pytest

from src.artifacts import saved
from src.training import runtime


@pytest.fixture(autouse=True)
def configured() -> None:
    runtime.configure(1)


class Twins(keras.layers.Layer):
    """Two layers of one name."""

    def __init__(self, **settings: str) -> None:
        super().__init__(**settings)
        self.first, self.second = keras.layers.Dense(5, name="same"), keras.layers.Dense(5, name="same")

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        return self.first(inputs) + self.second(inputs)


class Closed(keras.layers.Layer):
    """Keras cannot tell how it was made."""

    def __init__(self, function: object) -> None:
        super().__init__()
        self.scale = self.add_weight(shape=(), name="scale")

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        return inputs * self.scale


def trained(optimizer: str, *layers: keras.layers.Layer) -> keras.Model:
    model = keras.Sequential([keras.Input((6,)), *layers, keras.layers.Dense(3, activation="softmax")])
    model.compile(optimizer, "sparse_categorical_crossentropy")
    model.train_step((np.ones((2, 6), np.float32), np.array([0, 1])))
    return model


def test_adafactor_leaves_a_whole_h5_too() -> None:
    model = trained("adafactor")
    files, lines = saved(model)
    assert set(files) == {"model.h5", "model.keras", "model.weights.h5"} and not lines
    with h5py.File(io.BytesIO(files["model.h5"])) as file:
        found: list = []
        file["model_weights"].visititems(lambda _, item: found.append(item[()]) if isinstance(item, h5py.Dataset) else None)
    assert sorted(one.shape for one in found) == sorted(tuple(weight.shape) for weight in model.weights)


def test_a_keras_file_names_the_optimizer_although_an_h5_is_written() -> None:
    model = trained("lion")
    saved(model)
    files, _ = saved(model)
    config = json.loads(zipfile.ZipFile(io.BytesIO(files["model.keras"])).read("config.json"))
    assert config["compile_config"]["optimizer"]["class_name"] == "Lion"


@pytest.mark.parametrize(("layer", "missing"), [(Twins, {"model.h5"}), (lambda: Closed(lambda: 0), {"model.h5", "model.keras"})])
def test_what_can_not_be_written_is_said_and_the_weights_are_there(layer: type, missing: set) -> None:
    files, lines = saved(trained("adam", layer()))
    assert set(files) == {"model.h5", "model.keras", "model.weights.h5"} - missing
    assert len(lines) == len(missing) and all("cannot be written: " in line for line in lines)
