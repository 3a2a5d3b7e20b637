"""The structure of a trial, equal for trials that one compiled program can train, and its clone.

A model with parts that are not Keras' own gets a program for itself, because its configuration may lack an attribute.
"""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from src.datasets import Dataset
from src.training import dropout
from src.training.agreement import disagreement

TRIED = 8  # number of examples that compare a model with its clone
VALUES = {f"__{name}__" for name in ("keras_tensor", "tensor", "numpy", "bytes", "ellipsis", "slice")}
"""Class names that a configuration gives to plain values; these are not parts of a model."""


def has_own_parts(model: keras.Model) -> bool:
    """True if a model, or a layer, function, loss or metric in it, is not Keras' own.

    Its configuration may not describe all that it computes.
    """
    loss, metrics = getattr(model, "_compile_loss", None), getattr(model, "_compile_metrics", None)
    scoring = [loss._user_loss if loss else None, metrics._user_metrics if metrics else None]
    if not all(map(_is_keras, keras.tree.flatten(scoring))):
        return True
    if not all(type(layer).__module__.startswith("keras.") for layer in model._flatten_layers()):
        return True
    return any(not str(part.get("module")).startswith("keras") or part["class_name"] == "function" for part in _parts(model.get_config()))


def _is_keras(part: Any) -> bool:
    """True for None, a name, or an object or function of Keras."""
    home = part.__module__ if callable(part) and hasattr(part, "__name__") else type(part).__module__
    return part is None or isinstance(part, str) or home.startswith("keras.")


def _parts(config: Any) -> Iterator[dict[str, Any]]:
    """Yields the mappings in a configuration from which Keras would make objects."""
    if isinstance(config, dict):
        for child in config.values():
            yield from _parts(child)
        if "class_name" in config and config["class_name"] not in VALUES:
            yield config
    elif isinstance(config, list | tuple):
        for child in config:
            yield from _parts(child)


def structure_of(model: keras.Model, data: Dataset, batch_size: int, validation_batch: int) -> str:
    """Returns a text that is equal for trials that one program can train."""
    return _text([validation_of(model, data, validation_batch), optimizer_of(model), batch_size])


def stack_of(model: keras.Model, data: Dataset, batch_size: int, validation_batch: int) -> str:
    """Returns a text that is equal for trials that one stack can train; their optimizers may differ."""
    return _text([validation_of(model, data, validation_batch), model.optimizer.loss_scale_factor, batch_size])


def optimizer_of(model: keras.Model) -> str:
    """Returns a text that is equal for models whose optimizers differ at most in the learning rate."""
    return _text(_without_learning_rate(model.get_compile_config()["optimizer"]))


def validation_of(model: keras.Model, data: Dataset, batch_size: int) -> str:
    """Returns a text that is equal for models that one program can validate."""
    compiled = {**model.get_compile_config(), "optimizer": None}
    return _text([_without_rates(model.get_config()), compiled, data.split_digest, batch_size])


def _text(config: Any) -> str:
    return json.dumps(config, default=_digest)


def _digest(value: Any) -> Any:
    """Returns a JSON value for a whole array of a configuration; its text would be cut."""
    if not hasattr(value, "__array__"):
        raise TypeError(f"its configuration has {value!r}, which cannot be compared")
    array = keras.ops.convert_to_numpy(value)
    return [array.shape, str(array.dtype), hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()]


def _without_learning_rate(config: Any) -> Any:
    """Returns the configuration of an optimizer, and of one inside it, without the learning rate.

    A learning rate is a variable of a program; a schedule is not, and stays.
    """
    if not isinstance(config, dict):
        return config
    reduced = {key: value if key == "learning_rate" else _without_learning_rate(value) for key, value in config.items()}
    if isinstance(config.get("learning_rate"), float):
        reduced["learning_rate"] = None
    return reduced


def _without_rates(config: Any) -> Any:
    """Returns the configuration of a model without seeds and dropout rates, the inputs of a program."""
    if isinstance(config, list | tuple):
        return [_without_rates(part) for part in config]
    if not isinstance(config, dict):
        return config
    reduced = {key: _without_rates(value) for key, value in config.items()}
    settings = reduced.get("config")
    if config.get("module") == "keras.layers" and isinstance(settings, dict):
        if "seed" in settings:
            settings["seed"] = None
        if config["class_name"] == "Dropout":
            settings["rate"] = settings["rate"] > 0  # a layer that drops nothing has no rate in a program
    return reduced


def clone_of(model: keras.Model, data: Dataset) -> keras.Model:
    """Returns a compiled clone of a compiled model.

    Raises:
        ValueError: the clone would compute something else.
    """
    clone = keras.models.clone_model(model)
    clone.compile_from_config(model.get_compile_config())
    check_same(model, clone, data)
    return clone


def check_same(model: keras.Model, clone: keras.Model, data: Dataset) -> None:
    """Gives a clone the dropout rates of a model and compares both on training examples.

    Raises:
        ValueError: the clone computes something else.
    """
    dropout.take_rates(model, clone)  # they are inputs of the program
    if difference := disagreement(model, clone, data.batch(data.train_index[:TRIED], training=True)):
        raise ValueError(difference)
