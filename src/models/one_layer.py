"""One layer on the flattened input."""

import keras


def build(input_shape: tuple[int, ...], outputs: tuple[int, ...], output_activation: str) -> keras.Model:
    """Maps (batch, *input_shape) to (batch, outputs[-1])."""
    layers = [
        keras.Input(input_shape),
        keras.layers.Flatten(name="flatten"),
        keras.layers.Dense(outputs[-1], activation=output_activation, name="output"),
    ]
    return keras.Sequential(layers, name="one_layer")
