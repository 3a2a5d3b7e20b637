"""The inputs of a registered model, as MLflow describes them, and back; the data set of a run.

An array is a tensor. A dict of columns, one value per example, is a table, which takes a data frame; other trees are named tensors.
"""

import json
from typing import Any

import numpy as np
import pandas as pd
from mlflow.entities import Dataset, DatasetInput, InputTag
from mlflow.types.schema import ColSpec, DataType, Schema, TensorSpec

from src.datasets import trees

DIGITS = 8  # of a digest, as MLflow's own have
COLUMNS = {"U": DataType.string, "i": DataType.long, "u": DataType.long, "f": DataType.double, "b": DataType.boolean}  # by kind of dtype


def dataset(name: str, digest: str) -> DatasetInput:
    """Returns a data set as MLflow lists it with the runs that were trained on it.

    Args:
        digest: SHA-256 of the examples; MLflow shows and takes its beginning.
    """
    entity = Dataset(name=name, digest=digest[:DIGITS], source_type="code", source=json.dumps({"tags": {"sha256": digest}}))
    return DatasetInput(entity, [InputTag("mlflow.data.context", "training")])


def schema_of(example: trees.Tree) -> Schema:
    """Returns the schema of inputs such as an example, a batch of one."""
    if is_table(example):
        return Schema([ColSpec(COLUMNS[array.dtype.kind], name) for name, array in example.items()])
    return Schema([TensorSpec(_dtype(array), (-1, *array.shape[1:]), name or None) for name, array in trees.arrays(example).items()])


def given(inputs: trees.Tree) -> Any:
    """Returns inputs in the form in which a registered model takes them."""
    if is_table(inputs):
        return pd.DataFrame({name: array.reshape(len(array)) for name, array in inputs.items()})
    return inputs if isinstance(inputs, np.ndarray) else trees.arrays(inputs)


def taken(received: Any, example: trees.Tree) -> trees.Tree:
    """Returns what a registered model received as a tree like an example, with its dtypes.

    Raises:
        ValueError: an input is missing, or has another shape.
    """
    if isinstance(example, np.ndarray):
        return _like(received, example, "the input")
    known = trees.arrays(example)
    if missing := [name for name in known if name not in received]:
        raise ValueError(f"no {' and no '.join(missing)} among {', '.join(map(str, received))}; expected all of {', '.join(known)}")
    found = {name: _like(received[name], array, name) for name, array in known.items()}
    return found if isinstance(example, dict) else tuple(found.values())


def is_table(inputs: trees.Tree) -> bool:
    """True for a dict of columns with one value per example."""
    return isinstance(inputs, dict) and all(array.shape[1:] in ((), (1,)) and array.dtype.kind in COLUMNS for array in inputs.values())


def _like(values: Any, array: np.ndarray, name: str) -> np.ndarray:
    """Returns values with the dtype and the shape of an example's array; refuses what would become another value."""
    found = np.asarray(values)
    found = _texts(found, name) if array.dtype.kind == "U" else _numbers(found, array.dtype, name)
    if array.shape[1:] == (1,) and found.ndim == 1:
        found = found[:, None]
    if found.shape[1:] != array.shape[1:]:
        raise ValueError(f"{name} has shape {found.shape}; expected (n, {', '.join(map(str, array.shape[1:]))})")
    return found


def _texts(found: np.ndarray, name: str) -> np.ndarray:
    if found.dtype.kind not in "Uiu" and (wrong := [row for row, value in enumerate(found.ravel()) if not isinstance(value, str)]):
        raise ValueError(f"{name}, row {wrong[0] + 1}: {found.ravel()[wrong[0]]!r}; expected a text")
    return found.astype(str)


def _numbers(found: np.ndarray, dtype: np.dtype, name: str) -> np.ndarray:
    try:
        exact = found.astype(float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: {error}; expected numbers") from error
    converted = exact.astype(dtype) if np.isfinite(exact).all() else exact
    with np.errstate(invalid="ignore"):
        wrong = ~np.isfinite(exact) if dtype.kind == "f" else ~np.isfinite(exact) | (converted != exact)
    if wrong.any():
        row = int(np.argwhere(wrong)[0][0])
        expected = "a finite number" if dtype.kind == "f" else f"a whole number that {dtype} holds"
        raise ValueError(f"{name}, row {row + 1}: {exact[wrong].flat[0]:.6g}; expected {expected}")
    return found.astype(dtype)


def _dtype(array: np.ndarray) -> np.dtype:
    return np.dtype(str) if array.dtype.kind == "U" else array.dtype
