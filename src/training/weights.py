"""Loads files of weights, and checks that they hold the scored values."""

import tempfile
import warnings
from pathlib import Path

import keras

from src.errors import TrialError
from src.training import state

FILE = "model.weights.h5"


def load(model: keras.Model, content: bytes) -> None:
    """Loads the content of a `model.weights.h5` into a model; the optimizer stays new."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Skipping variable loading for optimizer")
        file = Path(folder) / FILE
        file.write_bytes(content)
        model.load_weights(file)


def check(model: keras.Model, content: bytes) -> None:
    """Reads the file back into the model, because Keras may save only one of two variables with the same name.

    Raises:
        TrialError: it holds other values than the model.
    """
    scored = state.values(state.of_model(model))
    load(model, content)
    saved = state.values(state.of_model(model))
    if lost := [name for name, value in scored.items() if saved[name].tobytes() != value.tobytes()]:
        raise TrialError(f"{FILE} holds other values of {', '.join(lost)} than those that were scored; expected the same.")
