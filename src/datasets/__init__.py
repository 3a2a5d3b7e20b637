"""Data sets: one file, one function `load(*, …) -> Dataset`, and a YAML in conf/data/ that names it and its task."""

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

__all__ = ["Dataset", "Examples", "Tree", "contract", "load", "open_test", "split", "trees", "with_class_weight"]


def load(node: dict[str, Any]) -> Dataset:
    """Loads the data set of a `data:` node of the configuration; the last one stays in memory.

    Raises:
        DataError: it is missing, or the result of its loader breaks the contract; the message has every mistake.
    """
    return _load(json.dumps(node, sort_keys=True))


def open_test(data: Dataset, node: dict[str, Any]) -> Examples:
    """Loads the test examples (x, y) of a data set, by the same contract; y as engines take it. Only promotion calls it.

    Args:
        node: the `data:` node that the data set was loaded from.
    """
    return contract.open_test(data, str(node["_target_"]))


@lru_cache(maxsize=1)
def _load(node: str) -> Dataset:
    values = json.loads(node)
    task = task_of(values)
    if "task" in values and not _takes_task(values["_target_"]):
        del values["task"]  # what the YAML declares; the loader knows it
    data = build("data", values)
    if not isinstance(data, Dataset):
        raise DataError(f"{values['_target_']} returned {type(data).__name__}; expected a Dataset.")
    contract.check(data, task, " of ".join(filter(None, (str(values["_target_"]), str(values.get("path") or "")))))
    whole = {name: getattr(data, name).astype(np.int64, copy=False) for name in ("train_index", "validation_index")}
    return replace(data, y=data.task.encoded(data.y), **whole)  # one dtype, for the engines and the digest


def _takes_task(target: str) -> bool:
    return "task" in inspect.signature(find("data", target)).parameters
