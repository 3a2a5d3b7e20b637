"""Two inputs joined, and a layer for each answer."""

import keras


def build(input_shape, outputs, *, units: int) -> keras.Model:
    """Takes and gives dicts."""
    inputs = {name: keras.Input(shape, name=name) for name, shape in input_shape.items()}
    hidden = keras.layers.Dense(units, "relu")(keras.layers.Concatenate()(list(inputs.values())))
    state = keras.layers.Dense(outputs["state"][0], "softmax", name="state")(hidden)
    return keras.Model(inputs, {"state": state, "wear": keras.layers.Dense(outputs["wear"][0], name="wear")(hidden)})
