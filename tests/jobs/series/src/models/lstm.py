"""One recurrent layer."""

import keras


def build(input_shape: tuple[int, ...], outputs: tuple[int, ...], *, units: int) -> keras.Model:
    """Takes windows (batch, steps, values)."""
    return keras.Sequential([keras.Input(input_shape), keras.layers.LSTM(units), keras.layers.Dense(*outputs)])
