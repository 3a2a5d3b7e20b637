"""The Keras twin of scikit-learn's one-vs-rest logistic regression; its stock layers let its .h5 load anywhere."""

import keras


def build(input_shape: tuple[int, ...], num_classes: int) -> keras.Model:
    """Maps (batch, *input_shape) to class probabilities (batch, num_classes).

    One-vs-rest probabilities are sigmoids divided by their sum, which is the softmax of their logarithms.
    """
    return keras.Sequential(
        [
            keras.Input(input_shape),
            keras.layers.Flatten(name="flatten"),
            keras.layers.Dense(num_classes, activation="log_sigmoid", name="output"),
            keras.layers.Softmax(name="normalize"),
        ],
        name="logistic_regression",
    )
