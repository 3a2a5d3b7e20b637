"""Data sets: one file, one function `load(*, …) -> Dataset`, and a YAML in conf/data/ that names it."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from src.config.targets import build
from src.datasets import contract
from src.errors import DataError

Examples = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled examples with a fixed split.

    Attributes:
        x: finite numbers, shape (n, *input_shape); pictures in float32, in [0, 1].
        y: whole numbers, shape (n,), in [0, num_classes).
        train_index, validation_index: positions in x and y; the two have none in common.
        class_names: one name per class, at least two.
        test: loads the test examples (x, y). Only promotion calls it.
    """

    x: np.ndarray
    y: np.ndarray
    train_index: np.ndarray
    validation_index: np.ndarray
    class_names: tuple[str, ...]
    test: Callable[[], Examples]

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of one example."""
        return self.x.shape[1:]

    @property
    def num_classes(self) -> int:
        """The number of classes."""
        return len(self.class_names)

    @property
    def train(self) -> Examples:
        """The training examples (x, y), copied."""
        return self.x[self.train_index], self.y[self.train_index]

    @property
    def validation(self) -> Examples:
        """The validation examples (x, y), copied."""
        return self.x[self.validation_index], self.y[self.validation_index]

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the examples and of their split."""
        sha256 = hashlib.sha256()
        for array in (self.x, self.y, self.train_index, self.validation_index):
            sha256.update(repr((array.shape, array.dtype.str)).encode())
            sha256.update(np.ascontiguousarray(array).data)
        return sha256.hexdigest()


def split(
    x: np.ndarray, y: np.ndarray, names: tuple[str, ...], test: Callable[[], Examples], *, validation_split: float, split_seed: int
) -> Dataset:
    """Splits examples as scikit-learn's `train_test_split(x, y, test_size=validation_split, random_state=split_seed)` does.

    x and y are neither changed nor checked; `load` checks the contract.

    Raises:
        DataError: the split leaves no training or no validation example.
    """
    from sklearn.model_selection import train_test_split  # takes 1.5 s, which reading a study should not pay

    try:
        train, validation = train_test_split(np.arange(len(x)), test_size=validation_split, random_state=split_seed)
    except ValueError as error:
        raise DataError(f"data.validation_split={validation_split} of {len(x)} examples: {error}") from error
    return Dataset(x, y, train, validation, names, test)


def load(node: dict[str, Any]) -> Dataset:
    """Loads the data set of a `data:` node of the configuration; the last one stays in memory.

    Raises:
        DataError: it is missing, or the result of its loader breaks the contract; the message has every mistake.
    """
    return _load(json.dumps(node, sort_keys=True))


def open_test(data: Dataset, node: dict[str, Any]) -> Examples:
    """Loads the test examples (x, y) of a data set, by the same contract. Only promotion calls it.

    Args:
        node: the `data:` node that the data set was loaded from.
    """
    return contract.open_test(data, str(node["_target_"]))


@lru_cache(maxsize=1)
def _load(node: str) -> Dataset:
    values = json.loads(node)
    data = build("data", values)
    if not isinstance(data, Dataset):
        raise DataError(f"{values['_target_']} returned {type(data).__name__}; expected a Dataset.")
    contract.check(data, " of ".join(filter(None, (str(values["_target_"]), str(values.get("path") or "")))))
    whole = {name: getattr(data, name).astype(np.int64, copy=False) for name in ("y", "train_index", "validation_index")}
    return replace(data, **whole)  # one dtype, for the engines and the digest
