"""The examples that a script gives to its search, as arrays."""

import re
from typing import Any

import keras
import numpy as np

from src.errors import ConfigError


def first_example(x: Any) -> Any:
    """Returns a batch of the first example alone."""
    if hasattr(x, "element_spec"):
        inputs = next(iter(x))[0]
        return {name: one[:1] for name, one in inputs.items()} if isinstance(inputs, dict) else inputs[:1]
    if isinstance(x, dict):
        return {name: np.asarray(one)[:1] for name, one in x.items()}
    return np.asarray(x)[:1]


def input_names(model: keras.Model) -> tuple[str, ...]:
    """The names of a model's inputs, if the hypermodel gives them; those that Keras makes up differ from model to model."""
    names = [one.name for one in model.inputs] if model.built and getattr(model, "inputs", None) else []
    return () if any(re.fullmatch(r"(keras_tensor|input_layer)(_\d+)?", name) for name in names) else tuple(names)


def read(x: Any, y: Any, weight: Any, place: str, names: tuple[str, ...]) -> tuple[Any, np.ndarray, Any, int | None]:
    """Returns inputs, labels, weights and the size of a batch; reads a tf.data.Dataset to its end.

    Args:
        names: of the model's inputs, for a list of them.
    """
    if hasattr(x, "element_spec"):
        return _dataset(x, place)
    if x is None or y is None or callable(getattr(x, "__next__", None)) or isinstance(x, keras.utils.PyDataset):
        raise ConfigError([f"{place} is {type(x).__name__}, its labels {type(y).__name__}; expected arrays, or a data set: docs/data.md"])
    labels = np.asarray(y) if not isinstance(y, dict) else np.empty(())
    if not labels.ndim or (isinstance(y, list | tuple) and any(np.ndim(one) for one in y) and len(y) < len(_first(x))):
        raise ConfigError([f"{place}: the model has several outputs; their data are a data set of their own: docs/data.md"])
    if isinstance(x, list | tuple) and any(np.ndim(one) for one in x) and len(x) != len(labels):
        if len(x) != len(names):
            raise ConfigError([f"{place}: {len(x)} inputs; expected a name for each, as in keras.Input(…, name='pictures')"])
        x = dict(zip(names, x, strict=True))
    inputs = {name: np.asarray(one) for name, one in (x if isinstance(x, dict) else {"": x}).items()}
    if wrong := [name for name, one in inputs.items() if one.ndim < 1 or len(one) != len(labels)]:
        found = inputs[wrong[0]]
        raise ConfigError([f"{place}: inputs of shape {found.shape} and dtype {found.dtype} for {len(labels)} labels; expected an array"])
    return inputs if isinstance(x, dict) else inputs[""], labels, weight, None


def _first(x: Any) -> Any:
    """The first one of several inputs, otherwise the only one."""
    if isinstance(x, dict):
        return next(iter(x.values()))
    return x[0] if isinstance(x, list | tuple) and np.ndim(x[0]) > 1 else x


def _dataset(dataset: Any, place: str) -> tuple[Any, np.ndarray, Any, int]:
    if int(dataset.cardinality()) == -1:
        raise ConfigError([f"{place} is a data set without end; expected one that ends, or a data set of its own: docs/data.md"])
    batches, again = (list(dataset.as_numpy_iterator()) for _ in range(2))
    if not batches or not isinstance(batches[0], tuple) or len(batches[0]) < 2:
        raise ConfigError([f"{place}: a data set of {len(batches)} batches without labels; expected (inputs, labels)"])
    if (
        isinstance(batches[0][0], tuple)
        or not isinstance(batches[0][1], np.ndarray)
        or len({np.shape(batch[1])[:1] for batch in batches[:-1]}) > 1
    ):
        raise ConfigError([f"{place}: a data set of several outputs, of inputs without names, or not in batches; a data set: docs/data.md"])
    if not np.allclose(_sums(batches), _sums(again)):
        raise ConfigError([f"{place}: its examples differ from one pass to the next; expected layers that augment, in the model."])
    inputs, labels, *rest = (_joined([batch[number] for batch in batches]) for number in range(len(batches[0])))
    return inputs, labels, rest[0] if rest else None, len(batches[0][1])


def _sums(batches: list[Any]) -> np.ndarray:
    """The sum of the numbers of each example, in ascending order."""
    first = batches[0][0]
    parts = [[batch[0][name] for name in first] if isinstance(first, dict) else [batch[0]] for batch in batches]
    numbers = [sum(one.reshape(len(one), -1).sum(axis=1) for one in part if one.dtype.kind in "biuf") for part in parts]
    return np.sort(np.concatenate([np.atleast_1d(one) for one in numbers]))


def _joined(parts: list[Any]) -> Any:
    if isinstance(parts[0], dict):
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return np.concatenate(parts)
