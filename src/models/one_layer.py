"""A softmax layer on the flattened picture."""

import keras


def build(input_shape: tuple[int, ...], num_classes: int) -> keras.Model:
    """Maps (batch, *input_shape) to class probabilities (batch, num_classes)."""
    return keras.Sequential(
        [
            keras.Input(input_shape),
            keras.layers.Flatten(name="flatten"),
            keras.layers.Dense(num_classes, activation="softmax", name="output"),
        ],
        name="one_layer",
    )
