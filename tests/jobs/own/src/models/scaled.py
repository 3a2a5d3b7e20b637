"""A layer of one's own before a hidden one."""

import keras
from src.layers.scaled import Scaled


def build(input_shape: tuple[int, ...], num_classes: int, *, units: int) -> keras.Model:
    """Takes pictures, gives probabilities."""
    layers = [keras.layers.Flatten(), Scaled(), keras.layers.Dense(units, "relu"), keras.layers.Dense(num_classes, "softmax")]
    return keras.Sequential([keras.Input(input_shape), *layers])
