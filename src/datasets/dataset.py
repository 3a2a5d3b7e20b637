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
        x: inputs of the model, or the values that `read` converts into inputs.
        y: labels as the task expects them; `load` encodes them for the engines.
        train_index, validation_index: positions in x and y; no position is in both.
        task: defines how a prediction is read and scored.
        test: loads the test examples (x, y). Only promotion calls it.
        weight: weight of each example in the loss, shape (n,).
        read: converts a batch of x into the model's input, for data that do not fit in memory: paths → pictures, positions → windows.
        facts: JSON values learned from the training split alone, such as a vocabulary; stored with a served model.
        folds: the fold in which each example validates, -1 for none; None without folds.
        training_weight: multiplies `weight`, in training only.
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
        """The shape of a model's output for one example; a tree of shapes for several outputs."""
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
        """Returns some examples in Keras' form: (inputs, y), or (inputs, y, weight)."""
        weights = self.weights(training=training)
        pair = self.inputs(index), trees.take(self.y, index)
        return pair if weights is None else (*pair, weights[index])

    def weights(self, *, training: bool) -> np.ndarray | None:
        """Returns the weight of every example, in training or in validation; None if all weights are equal."""
        factors = [self.weight, self.training_weight] if training else [self.weight]
        given = [factor for factor in factors if factor is not None]
        return np.prod(given, axis=0).astype(np.float32) if given else None

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the examples and their split. All folds of a data set have the same digest."""
        sha256 = hashlib.sha256()
        task = declared(self.task)
        if task != "classes":  # the same arrays are other data for another task
            sha256.update(repr(task).encode())
        parts = [self.x, self.y]
        parts += [self.train_index, self.validation_index] if self.folds is None else [self.folds]
        parts += [] if self.weight is None else [self.weight]
        for part in parts:
            trees.update(sha256, part)
        for path in _paths(self.x) if self.read else []:
            found = os.stat(path)
            sha256.update(f"{found.st_size} {found.st_mtime_ns}".encode())
        return sha256.hexdigest()

    @cached_property
    def split_digest(self) -> str:
        """SHA-256 of the examples, this split and the weights. Data sets with the same one may share a compiled program."""
        sha256 = hashlib.sha256(self.digest.encode())
        for array in (self.train_index, self.validation_index, self.weights(training=True)):
            sha256.update(b"" if array is None else np.ascontiguousarray(array).data)
        return sha256.hexdigest()


def _paths(x: Tree) -> list[str]:
    """Returns the texts in x that are paths of files."""
    texts = [str(value) for array in trees.arrays(x).values() if array.dtype.kind == "U" for value in array.flat]
    return [text for text in texts if os.path.isfile(text)]
