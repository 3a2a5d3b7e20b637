"""Converts the inputs of a registered model to the form that MLflow describes and sends, and back.

An array is a tensor. A dict of columns, one value per example, is a table, which takes a data frame; other trees are named tensors.
"""

from typing import Any

import numpy as np
import pandas as pd
from mlflow.types.schema import ColSpec, DataType, Schema, TensorSpec

from src.datasets import trees

COLUMNS = {"U": DataType.string, "i": DataType.long, "u": DataType.long, "f": DataType.double, "b": DataType.boolean}
"""Kind of a dtype → type of a column of MLflow."""


def schema_of(example: trees.Tree) -> Schema:
    """Returns the schema of inputs like an example, which is a batch of one."""
    if is_table(example):
        return Schema([ColSpec(COLUMNS[array.dtype.kind], name) for name, array in example.items()])
    return Schema([TensorSpec(_dtype(array), (-1, *array.shape[1:]), name or None) for name, array in trees.arrays(example).items()])


def for_model(inputs: trees.Tree) -> Any:
    """Returns inputs in the form in which a registered model takes them."""
    if is_table(inputs):
        return pd.DataFrame({name: array.reshape(len(array)) for name, array in inputs.items()})
    return inputs if isinstance(inputs, np.ndarray) else trees.arrays(inputs)


def conform(received: Any, example: trees.Tree) -> trees.Tree:
    """Returns received inputs as a tree like an example, with its names and dtypes.

    Raises:
        ValueError: an input is missing, or has another shape.
    """
    if isinstance(example, np.ndarray):
        return _conform_array(received, example, "the input")
    known = trees.arrays(example)
    if missing := [name for name in known if name not in received]:
        raise ValueError(f"no {' and no '.join(missing)} among {', '.join(map(str, received))}; expected all of {', '.join(known)}")
    found = {name: _conform_array(received[name], array, name) for name, array in known.items()}
    return found if isinstance(example, dict) else tuple(found.values())


def is_table(inputs: trees.Tree) -> bool:
    """True for a dict of columns with one value per example."""
    return isinstance(inputs, dict) and all(array.shape[1:] in ((), (1,)) and array.dtype.kind in COLUMNS for array in inputs.values())


def _conform_array(values: Any, array: np.ndarray, name: str) -> np.ndarray:
    """Returns values with the dtype and the shape of an example's array; refuses what would become another value."""
    found = np.asarray(values)
    found = _texts(found, name) if array.dtype.kind == "U" else _numbers(found, array.dtype, name)
    if array.shape[1:] == (1,) and found.ndim == 1:
        found = found[:, None]
    if found.shape[1:] != array.shape[1:]:
        raise ValueError(f"{name} has shape {found.shape}; expected (n, {', '.join(map(str, array.shape[1:]))})")
    return found


def _texts(found: np.ndarray, name: str) -> np.ndarray:
    if found.dtype.kind not in "Uiu":
        for row, value in enumerate(found.ravel(), 1):
            if not isinstance(value, str):
                raise ValueError(f"{name}, row {row}: {value!r}; expected a text")
    return found.astype(str)


def _numbers(found: np.ndarray, dtype: np.dtype, name: str) -> np.ndarray:
    try:
        exact = found.astype(float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: {error}; expected numbers") from error
    wrong = ~np.isfinite(exact)
    if dtype.kind != "f" and not wrong.any():
        with np.errstate(invalid="ignore"):  # a number too large for the dtype
            wrong = exact.astype(dtype) != exact
    if wrong.any():
        row = int(np.argwhere(wrong)[0][0])
        expected = "a finite number" if dtype.kind == "f" else f"a whole number that {dtype} holds"
        raise ValueError(f"{name}, row {row + 1}: {exact[wrong].flat[0]:.6g}; expected {expected}")
    return found.astype(dtype)


def _dtype(array: np.ndarray) -> np.dtype:
    return np.dtype(str) if array.dtype.kind == "U" else array.dtype
