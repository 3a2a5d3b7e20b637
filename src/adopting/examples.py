"""The examples that a script gives to its search, as arrays."""

import re
from typing import Any

import keras
import numpy as np

from src.datasets import trees
from src.errors import ConfigError


def first_example(x: Any) -> Any:
    """Returns a batch of the first example alone."""
    if hasattr(x, "element_spec"):
        return trees.take(next(iter(x))[0], slice(1))
    if isinstance(x, dict):
        return {name: np.asarray(one)[:1] for name, one in x.items()}
    return np.asarray(x)[:1]


def input_names(model: keras.Model) -> tuple[str, ...]:
    """Returns the names of a model's inputs; empty if Keras generated them, because they then differ from model to model."""
    names = [one.name for one in model.inputs] if model.built and getattr(model, "inputs", None) else []
    generated = any(re.fullmatch(r"(keras_tensor|input_layer)(_\d+)?", name) for name in names)
    return () if generated else tuple(names)


def read(x: Any, y: Any, weight: Any, place: str, names: tuple[str, ...]) -> tuple[Any, np.ndarray, Any, int | None]:
    """Returns inputs, labels, weights and the batch size; reads a tf.data.Dataset to its end.

    Args:
        place: name of the argument, for messages.
        names: names of the model's inputs, in case x is a list of inputs.

    Raises:
        ConfigError: x and y are not arrays of the same length, or not a tf.data.Dataset that can be read to its end.
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
    for found in inputs.values():
        if found.ndim < 1 or len(found) != len(labels):
            received = f"inputs of shape {found.shape} and dtype {found.dtype} for {len(labels)} labels"
            raise ConfigError([f"{place}: {received}; expected an array"])
    return inputs if isinstance(x, dict) else inputs[""], labels, None if weight is None else np.asarray(weight), None


def _first(x: Any) -> Any:
    """Returns the first of several inputs, or the only one."""
    if isinstance(x, dict):
        return next(iter(x.values()))
    return x[0] if isinstance(x, list | tuple) and np.ndim(x[0]) > 1 else x


def _dataset(dataset: Any, place: str) -> tuple[Any, np.ndarray, Any, int]:
    if int(dataset.cardinality()) == -1:
        raise ConfigError([f"{place} is a data set without end; expected one that ends, or a data set of its own: docs/data.md"])
    batches, again = list(dataset.as_numpy_iterator()), list(dataset.as_numpy_iterator())
    if not batches or not isinstance(batches[0], tuple) or len(batches[0]) < 2:
        raise ConfigError([f"{place}: a data set of {len(batches)} batches without labels; expected (inputs, labels)"])
    first_inputs, first_labels = batches[0][:2]
    unnamed = isinstance(first_inputs, tuple) or not isinstance(first_labels, np.ndarray)
    if unnamed or len({np.shape(batch[1])[:1] for batch in batches[:-1]}) > 1:
        raise ConfigError([f"{place}: a data set of several outputs, of inputs without names, or not in batches; a data set: docs/data.md"])
    if not np.allclose(_sums(batches), _sums(again)):
        raise ConfigError([f"{place}: its examples differ from one pass to the next; expected layers that augment, in the model."])
    inputs, labels, *rest = trees.joined(batches)
    return inputs, labels, rest[0] if rest else None, len(first_labels)


def _sums(batches: list[Any]) -> np.ndarray:
    """Returns the sum of the numbers of each example, in ascending order."""
    sums = []
    for inputs, *_ in batches:
        numbers = [array.reshape(len(array), -1).sum(axis=1) for array in trees.arrays(inputs).values() if array.dtype.kind in "biuf"]
        sums.append(np.atleast_1d(sum(numbers)))
    return np.sort(np.concatenate(sums))
