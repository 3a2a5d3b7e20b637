"""Columns, encoded as the training split has them, and a hidden layer."""

import keras


def build(outputs: tuple[int, ...], data, *, units: int) -> keras.Model:
    """Takes a dict of columns, shape (batch, 1) each."""
    space = keras.utils.FeatureSpace(
        {"city": "string_categorical", "rooms": "integer_categorical", "age": "float_normalized"}, output_mode="concat"
    )
    space.adapt(data)
    hidden = keras.layers.Dense(units, "relu")(space.get_encoded_features())
    return keras.Model(space.get_inputs(), keras.layers.Dense(*outputs)(hidden))
