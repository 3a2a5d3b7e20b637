"""A hidden layer, optional dropout, and a softmax layer."""

import keras


def build(input_shape: tuple[int, ...], num_classes: int, *, units: int, activation: str, dropout: float) -> keras.Model:
    """Maps (batch, *input_shape) to class probabilities (batch, num_classes).

    Args:
        units: size of the hidden layer.
        activation: Keras' name of the activation of the hidden layer.
        dropout: share of hidden units dropped in training, in [0, 1); 0 adds no dropout layer.
    """
    layers = [
        keras.Input(input_shape),
        keras.layers.Flatten(name="flatten"),
        keras.layers.Dense(units, activation=activation, name="hidden"),
    ]
    if dropout:
        layers.append(keras.layers.Dropout(dropout, name="dropout"))
    layers.append(keras.layers.Dense(num_classes, activation="softmax", name="output"))
    return keras.Sequential(layers, name="two_layer")
