"""Trials that may fail, in the style of KerasTuner's guide."""

import keras
import keras_tuner
import numpy as np
from keras import layers


def build_model(hp):
    # Initialize the model.
    model = keras.Sequential()
    model.add(keras.Input(shape=(20,)))
    model.add(layers.Dense(hp.Int("units", 10, 1000, sampling="log"), activation="relu"))
    model.add(layers.Dense(1))
    if model.count_params() > 5000:
        raise keras_tuner.errors.FailedTrialError("Model too large.")
    # Compile the model with an optimizer, loss function, and metrics.
    model.compile(optimizer=hp.Choice("opt", ["rmsprop", "adam"]), loss="mse", metrics=["mae"])
    return model


if __name__ == "__main__":
    tuner = keras_tuner.GridSearch(
        hypermodel=build_model,
        objective="val_loss",
        overwrite=True,
        max_retries_per_trial=3,
        max_consecutive_failed_trials=8,
    )
    # Use random data to train the model.
    tuner.search(
        x=np.random.rand(100, 20),
        y=np.random.rand(100, 1),
        validation_data=(np.random.rand(100, 20), np.random.rand(100, 1)),
        epochs=3,
    )
    tuner.results_summary()
