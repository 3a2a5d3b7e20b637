"""A hidden layer, dropout where asked for, and a softmax layer."""

import keras


def build(input_shape: tuple[int, ...], num_classes: int, *, units: int, activation: str, dropout: float) -> keras.Model:
    """Maps (batch, *input_shape) to class probabilities (batch, num_classes).

    Args:
        units: size of the hidden layer.
        activation: of the hidden layer, by Keras' name.
        dropout: share of hidden units dropped in training, in [0, 1).
    """
    layers = [
        keras.Input(input_shape),
        keras.layers.Flatten(name="flatten"),
        keras.layers.Dense(units, activation=activation, name="hidden"),
        *([keras.layers.Dropout(dropout, name="dropout")] if dropout else []),
        keras.layers.Dense(num_classes, activation="softmax", name="output"),
    ]
    return keras.Sequential(layers, name="two_layer")
