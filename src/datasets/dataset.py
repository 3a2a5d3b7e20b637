"""The data set that loaders return."""

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from src.datasets import trees
from src.tasks import Task, Tree, declared

Examples = tuple[Tree, Tree]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Examples with labels and a fixed split.

    x and y are trees: arrays, or dicts or tuples of arrays, with one row per example and any dtype but `object`.

    Attributes:
        x: inputs of the model, or that from which `read` makes them.
        y: labels as the task expects them; `load` gives it the dtype and shape that engines need.
        train_index, validation_index: positions in x and y; the two have none in common.
        task: says how a prediction is read and scored.
        test: loads the test examples (x, y). Only promotion calls it.
        weight: of each example in the loss, shape (n,).
        read: turns a batch of x into the model's input, for data that do not fit in memory: paths → pictures, positions → windows.
        facts: learnt from the training split alone, such as a vocabulary; JSON. They are served with the model.
        folds: the fold in which each example validates, -1 for none; None without folds.
        training_weight: factor to `weight` in training alone.
    """

    x: Tree
    y: Tree
    train_index: np.ndarray
    validation_index: np.ndarray
    task: Task
    test: Callable[[], Examples]
    weight: np.ndarray | None = None
    read: Callable[[Tree], Tree] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    folds: np.ndarray | None = None
    training_weight: np.ndarray | None = None

    @cached_property
    def input_shape(self) -> Any:
        """The shape of one input of the model; a tree of shapes for a tree of inputs."""
        return trees.shapes(self.inputs(self.train_index[:1]))

    @property
    def outputs(self) -> Any:
        """The shape of what a model gives for one example; a tree of shapes for several outputs."""
        return self.task.outputs(self.y)

    @property
    def train(self) -> Examples:
        """The training examples (x, y), copied."""
        return trees.take(self.x, self.train_index), trees.take(self.y, self.train_index)

    @property
    def validation(self) -> Examples:
        """The validation examples (x, y), copied."""
        return trees.take(self.x, self.validation_index), trees.take(self.y, self.validation_index)

    def inputs(self, index: np.ndarray) -> Tree:
        """Returns the model's inputs of some examples."""
        stored = trees.take(self.x, index)
        return self.read(stored) if self.read else stored

    def batch(self, index: np.ndarray, *, training: bool = False) -> tuple[Tree, ...]:
        """Returns some examples as Keras takes them: (inputs, y), or (inputs, y, weight)."""
        weights = self.weights(training=training)
        return self.inputs(index), trees.take(self.y, index), *(() if weights is None else (weights[index],))

    def weights(self, *, training: bool) -> np.ndarray | None:
        """Returns the weight of every example, in training or in validation; None if all are equal."""
        factors = [one for one in (self.weight, self.training_weight if training else None) if one is not None]
        return np.prod(factors, axis=0).astype(np.float32) if factors else None

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the examples and of their split; with folds of all of them, so that it is equal for each."""
        sha256 = hashlib.sha256()
        if (task := declared(self.task)) != "classes":  # the same arrays are other data for another task
            sha256.update(repr(task).encode())
        split = (self.train_index, self.validation_index) if self.folds is None else (self.folds,)
        for part in (self.x, self.y, *split, *(() if self.weight is None else (self.weight,))):
            trees.update(sha256, part)
        for path in _paths(self.x) if self.read else ():
            found = os.stat(path)
            sha256.update(f"{found.st_size} {found.st_mtime_ns}".encode())
        return sha256.hexdigest()

    @cached_property
    def split_digest(self) -> str:
        """SHA-256 of the examples, of this very split, and of the weights: programs with equal ones may be shared."""
        sha256 = hashlib.sha256(self.digest.encode())
        for array in (self.train_index, self.validation_index, self.weights(training=True)):
            sha256.update(b"" if array is None else np.ascontiguousarray(array).data)
        return sha256.hexdigest()


def _paths(x: Tree) -> list[str]:
    """Returns the paths of files among the values of x."""
    texts = [str(value) for array in trees.arrays(x).values() if array.dtype.kind == "U" for value in array.flat]
    return [text for text in texts if os.path.isfile(text)]
