"""Embedding, a convolution over neighbours, and a class for each position."""

import keras


def build(input_shape: tuple[int, ...], num_classes: int, *, units: int) -> keras.Model:
    """Takes word numbers (batch, words), gives (batch, words, classes)."""
    layers = [keras.layers.Embedding(20, units), keras.layers.Conv1D(units, 3, padding="same", activation="relu")]
    return keras.Sequential([keras.Input(input_shape, dtype="int32"), *layers, keras.layers.Dense(num_classes, "softmax")])
