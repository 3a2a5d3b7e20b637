"""A tailored search space, in the style of KerasTuner's guide."""

import keras
import keras_tuner
import numpy as np
from keras import layers


def build_model(hp):
    model = keras.Sequential()
    model.add(layers.Flatten())
    model.add(layers.Dense(units=hp.Int("units", min_value=32, max_value=128, step=32), activation="relu"))
    if hp.Boolean("dropout"):
        model.add(layers.Dropout(rate=hp.Float("rate", 0.1, 0.5, step=0.1)))
    model.add(layers.Dense(units=10, activation="softmax"))
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate=hp.Choice("learning_rate", values=[1e-2, 1e-3, 1e-4])),
        loss="mse",
        metrics=["accuracy"],
    )
    return model


hp = keras_tuner.HyperParameters()
# This will override the `learning_rate` parameter with your own selection of choices
hp.Float("learning_rate", min_value=1e-4, max_value=1e-2, sampling="log")
hp.Fixed("units", value=64)


def data(n, seed):
    rng = np.random.default_rng(seed)
    return rng.random((n, 8, 8)).astype("float32"), rng.integers(0, 10, n)


x_train, y_train = data(600, 0)
x_val, y_val = data(200, 1)

tuner = keras_tuner.BayesianOptimization(
    build_model,
    hyperparameters=hp,
    # Prevent unlisted parameters from being tuned
    tune_new_entries=False,
    # Override the optimizer, the loss and the metrics
    loss=keras.losses.SparseCategoricalCrossentropy(name="sparse_categorical_crossentropy"),
    objective="val_accuracy",
    max_trials=5,
    overwrite=True,
    directory="my_dir",
    project_name="search_a_few",
)

# Run the search
tuner.search(x_train, y_train, epochs=1, validation_data=(x_val, y_val))
