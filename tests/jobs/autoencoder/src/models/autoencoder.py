"""Through a narrow layer and back."""

import math

import keras


def build(input_shape: tuple[int, ...], *, code: int) -> keras.Model:
    """Takes and gives pictures."""
    narrow = [keras.layers.Flatten(), keras.layers.Dense(code, "relu"), keras.layers.Dense(math.prod(input_shape), "sigmoid")]
    return keras.Sequential([keras.Input(input_shape), *narrow, keras.layers.Reshape(input_shape)])
