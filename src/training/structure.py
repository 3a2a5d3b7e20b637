"""The structure of a trial: equal for trials that one compiled program can train, and a clone for that program."""

import hashlib
import json
from typing import Any

import keras
import numpy as np

from src.datasets import Dataset
from src.training import dropout
from src.training.agreement import disagreement

TRIED = 8  # examples with which a model and its clone are compared
OWN = ("train_step", "test_step", "compute_metrics", "make_train_function", "make_test_function")  # that no batch can tell of a clone


def structure_of(model: keras.Model, data: Dataset, batch_size: int, validation_batch: int) -> str:
    """Equal for trials that one program can train."""
    optimizer = _without_learning_rate(model.get_compile_config()["optimizer"])
    return _text([validation_of(model, data, validation_batch), optimizer, batch_size])


def validation_of(model: keras.Model, data: Dataset, batch_size: int) -> str:
    """Equal for models that one program can validate."""
    compiled = {**model.get_compile_config(), "optimizer": None}
    return _text([_without_rates(model.get_config()), compiled, data.digest, batch_size])


def _text(config: Any) -> str:
    return json.dumps(config, default=_digest)


def _digest(value: Any) -> Any:
    """An array of a configuration, whole: its text would be cut."""
    if not hasattr(value, "__array__"):
        raise TypeError(f"its configuration has {value!r}, of which nobody knows when two are equal")
    array = keras.ops.convert_to_numpy(value)
    return [array.shape, str(array.dtype), hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()]


def _without_learning_rate(config: Any) -> Any:
    """The configuration of an optimizer, and of one within it, without the learning rate, a variable; a schedule is none and stays."""
    if not isinstance(config, dict):
        return config
    found = {key: value if key == "learning_rate" else _without_learning_rate(value) for key, value in config.items()}
    return {**found, "learning_rate": None} if isinstance(config.get("learning_rate"), float) else found


def _without_rates(config: Any) -> Any:
    """The configuration of a model without what is an input of a program: of Keras' own layers the seeds, and the rates of Dropout."""
    if isinstance(config, list | tuple):
        return [_without_rates(part) for part in config]
    if not isinstance(config, dict):
        return config
    found = {key: _without_rates(value) for key, value in config.items()}
    if config.get("module") == "keras.layers" and isinstance(own := found.get("config"), dict):
        own |= {"seed": None} if "seed" in own else {}
        own |= {"rate": own["rate"] > 0} if config["class_name"] == "Dropout" else {}
    return found


def clone_of(model: keras.Model, data: Dataset) -> keras.Model:
    """A compiled clone of a compiled model.

    Raises:
        ValueError: it would be another model.
    """
    if own := [name for name in OWN if getattr(type(model), name) is not getattr(keras.Model, name)]:
        raise ValueError(f"{type(model).__name__} has a {own[0]} of its own")
    clone = keras.models.clone_model(model)
    clone.compile_from_config(model.get_compile_config())
    refuse_other(model, clone, data)
    return clone


def refuse_other(model: keras.Model, clone: keras.Model, data: Dataset) -> None:
    """Raises a ValueError where a batch of the training examples shows that a clone is another model."""
    dropout.take_rates(model, clone)  # they are inputs of the program
    chosen = data.train_index[:TRIED]
    if why := disagreement(model, clone, (data.x[chosen], data.y[chosen])):
        raise ValueError(why)
