"""Class weights in training (`training.class_weight`)."""

import json
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from src import tasks
from src.datasets.dataset import Dataset
from src.errors import ConfigError, did_you_mean

BALANCED = "balanced"


def with_class_weight(data: Dataset, class_weight: Any) -> Dataset:
    """Returns the data set with weights for its training examples; keeps the latest result in memory.

    Args:
        class_weight: None; class name → weight, 1 for those that are not named; or "balanced": all classes have the same total weight,
            as scikit-learn computes it.

    Raises:
        ConfigError: the task has no classes, or a class does not exist.
    """
    return data if class_weight is None else _weighted(data, json.dumps(class_weight))


@lru_cache(maxsize=1)
def _weighted(data: Dataset, text: str) -> Dataset:
    class_weight, numbers = json.loads(text), _class_numbers(data)
    names = [str(name) for name in data.task.names]  # type: ignore[attr-defined]
    if class_weight == BALANCED:
        counts = np.bincount(numbers[data.train_index], minlength=len(names))
        weights = len(data.train_index) / (np.count_nonzero(counts) * np.maximum(counts, 1))
    else:
        unknown = [f"{name!r}{did_you_mean(name, names)}" for name in class_weight if name not in names]
        if unknown:
            raise ConfigError([f"training.class_weight: no class {words} Classes: {', '.join(names)}" for words in unknown])
        weights = np.array([class_weight.get(name, 1.0) for name in names])
    return replace(data, training_weight=weights[numbers].astype(np.float32))


def _class_numbers(data: Dataset) -> np.ndarray:
    """Returns the class number of each example, shape (n,)."""
    kind = tasks.kind_of(data.task)
    if kind != "binary" and (kind != "classes" or data.y.ndim > 1):
        words = f"an example of the task {tasks.declared(data.task)} is not of one class; expected null, or weights of the data set"
        raise ConfigError([f"training.class_weight: {words}."])
    numbers: np.ndarray = data.y.reshape(-1).astype(np.int64)
    return numbers
