"""A hidden layer, optional dropout, and an output layer."""

import keras


def build(
    input_shape: tuple[int, ...], outputs: tuple[int, ...], output_activation: str, *, units: int, activation: str, dropout: float
) -> keras.Model:
    """Maps (batch, *input_shape) to (batch, outputs[-1]).

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
    layers.append(keras.layers.Dense(outputs[-1], activation=output_activation, name="output"))
    return keras.Sequential(layers, name="two_layer")
