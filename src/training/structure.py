"""The structure of a trial: equal for trials that one compiled program can train, and a clone for that program.

A model with parts that are not Keras' own has a program of its own instead: an attribute in it may be known to its code alone.
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

TRIED = 8  # examples with which a model and its clone are compared
VALUES = {f"__{name}__" for name in ("keras_tensor", "tensor", "numpy", "bytes", "ellipsis", "slice")}  # in a configuration, whole


def has_own_parts(model: keras.Model) -> bool:
    """Whether a model, a layer or a function in it is not Keras' own: its configuration need not say all that it computes."""
    if not all(type(layer).__module__.startswith("keras.") for layer in model._flatten_layers()):
        return True
    return any(not str(part.get("module")).startswith("keras") or part["class_name"] == "function" for part in _parts(model.get_config()))


def _parts(config: Any) -> Iterator[dict[str, Any]]:
    """What Keras would make objects of."""
    for child in config.values() if isinstance(config, dict) else config if isinstance(config, list | tuple) else ():
        yield from _parts(child)
    if isinstance(config, dict) and config.get("class_name", "__tensor__") not in VALUES:
        yield config


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
