import keras
import numpy as np
import pytest

from src.models import two_layer
from src.training import runtime
from src.training.validation_batch import BYTES, batch_size


@pytest.fixture(autouse=True)
def configured() -> None:
    runtime.configure(1)


def attention() -> keras.Model:
    inputs = keras.Input((500, 16))
    return keras.Model(inputs, keras.layers.MultiHeadAttention(8, 4)(inputs, inputs))


class Hidden(keras.Model):
    """Its layers are called by its own code alone."""

    def __init__(self) -> None:
        super().__init__()
        self.wide, self.last = keras.layers.Conv2D(64, 3, padding="same"), keras.layers.GlobalAveragePooling2D()

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        return self.last(self.wide(inputs))


def test_small_models_are_validated_a_thousand_at_once() -> None:
    model = two_layer.build((28, 28), (10,), "softmax", units=100, activation="relu", dropout=0.3)
    assert batch_size("auto", model, np.zeros((1, 28, 28))) == 1000
    assert batch_size(7, model, np.zeros((1, 28, 28))) == 7


@pytest.mark.parametrize(
    ("make", "shape", "numbers"),
    [
        (lambda: keras.Sequential([keras.Input((128, 128, 3)), keras.layers.Conv2D(64, 3, padding="same")]), (128, 128, 3), 128 * 128 * 64),
        (Hidden, (128, 128, 3), 128 * 128 * 64),
        (attention, (500, 16), 8 * 500 * 500),
        (lambda: keras.Sequential([keras.Input((1 << 20,)), keras.layers.Dense(1)]), (1 << 20,), 1 << 20),
        (lambda: keras.Sequential([keras.Input((2,)), keras.layers.Dense(1 << 26)]), (2,), 1 << 26),
    ],
    ids=["layers", "subclassed", "inside of a layer", "examples", "too large for one"],
)
def test_fewer_where_an_example_or_a_layer_is_large(make: type, shape: tuple, numbers: int) -> None:
    model = make()
    if not model.built:
        model(keras.ops.zeros((1, *shape)))
    assert batch_size("auto", model, np.zeros((1, *shape), np.float32)) == max(1, BYTES // (4 * numbers))
