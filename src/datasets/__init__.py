"""Data sets: each is one file with a function `load(*, …) -> Dataset`, and a YAML in conf/data/ that names it and its task."""

import inspect
import json
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from src.config.auto import task_of
from src.config.targets import build, find
from src.datasets import contract, trees
from src.datasets.dataset import Dataset, Examples
from src.datasets.splitting import split
from src.datasets.weighting import with_class_weight
from src.errors import DataError
from src.tasks import Tree

__all__ = ["Dataset", "Examples", "Tree", "contract", "load", "split", "trees", "with_class_weight"]


def load(node: dict[str, Any]) -> Dataset:
    """Loads the data set of a `data:` node of the configuration; the last one stays in memory.

    Raises:
        DataError: it is missing, or the result of its loader breaks the contract; the message has every mistake.
    """
    return _load(json.dumps(node, sort_keys=True))


@lru_cache(maxsize=1)
def _load(node: str) -> Dataset:
    values = json.loads(node)
    task, target = task_of(values), str(values.get("_target_"))  # `find` and `build` refuse a missing one
    if "task" in values and "task" not in inspect.signature(find("data", target)).parameters:
        del values["task"]  # declared in the YAML for others; this loader knows its task
    data = build("data", values)
    if not isinstance(data, Dataset):
        raise DataError(f"{target} returned {type(data).__name__}; expected a Dataset.")
    contract.check(data, task, f"{target} of {values['path']}" if values.get("path") else target)
    # Engines and the digest need one dtype.
    indexes = {name: getattr(data, name).astype(np.int64, copy=False) for name in ("train_index", "validation_index")}
    return replace(data, y=data.task.encoded(data.y), **indexes)
