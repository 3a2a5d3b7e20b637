"""The inputs and outputs of a model: what its `build` gets from the data, and what a served model needs instead of the data."""

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from src import tasks
from src.datasets import Dataset, contract, trees
from src.tasks import Task

if TYPE_CHECKING:
    import keras
    import pandas as pd

AT_ONCE = 100  # examples per batch of a served model
DESCRIPTION, EXAMPLE = "interface.json", "example.npz"  # files beside a served model
FROM_DATA = ("input_shape", "num_classes", "outputs", "output_activation", "facts", "data")  # arguments of `build` that come from it


@dataclass(frozen=True, eq=False)
class Interface:
    """The inputs and outputs of a model.

    Attributes:
        task: of the outputs.
        outputs: shape of one prediction, or a tree of shapes.
        example: a batch of one input.
        facts: as in Dataset.
        data: returns the inputs of the training split, as the data set stores them, to which layers may be adapted.
        learned: what layers learned in `adapt` when the model was first built; None before.
    """

    task: Task
    outputs: Any
    example: trees.Tree
    facts: Mapping[str, Any] = field(default_factory=dict)
    data: Callable[[], trees.Tree] | None = None
    learned: list[dict[str, Any]] | None = None

    @classmethod
    def of(cls, data: Dataset) -> "Interface":
        """Returns the interface of a model for a data set."""
        first = data.inputs(data.train_index[:1])
        return cls(data.task, data.outputs, first, data.facts, lambda: trees.take(data.x, data.train_index))

    def arguments(self) -> dict[str, Callable[[], Any]]:
        """Returns argument of `build` → function that returns its value; `num_classes` only if there are classes or labels."""
        names = getattr(self.task, "names", ())
        found = {
            "input_shape": lambda: trees.shapes(self.example),
            "outputs": lambda: self.outputs,
            "output_activation": lambda: self.task.activation,
            "facts": lambda: dict(self.facts),
            "data": self.data or (lambda: self.example),  # a served model replays what layers learned
        }
        return found | ({"num_classes": lambda: len(names)} if self.task.activation in ("softmax", "sigmoid") else {})

    def answer(self, model: "keras.Model", inputs: trees.Tree) -> "pd.DataFrame":
        """Returns the task's answers for inputs (n, …), one row per input.

        Raises:
            TrialbookError: the output of the model is no prediction of the task.
        """
        count = trees.length(inputs)
        given = predict(model, lambda index: trees.take(inputs, index), count, AT_ONCE)
        return self.task.answer(contract.checked(given, count, self.task, self.outputs))

    def files(self) -> dict[str, bytes]:
        """Returns the files from which `read` restores the interface, without the training data."""
        arrays, content = trees.arrays(self.example), io.BytesIO()
        np.savez(content, **{f"input {place}": array for place, array in arrays.items()})  # type: ignore[arg-type]
        kind = next((kind.__name__ for kind in (dict, tuple) if isinstance(self.example, kind)), "array")
        description = {
            "task": tasks.described(self.task),
            "outputs": self.outputs,
            "inputs": {"kind": kind, "names": list(self.example) if kind == "dict" else list(arrays)},
            "facts": dict(self.facts),
            "learned": self.learned,
        }
        return {DESCRIPTION: json.dumps(description).encode(), EXAMPLE: content.getvalue()}

    @classmethod
    def read(cls, folder: Path) -> "Interface":
        """Restores an interface from the files of `files`; instantiates only classes of src/tasks/."""
        found = json.loads((folder / DESCRIPTION).read_text())
        with np.load(folder / EXAMPLE, allow_pickle=False) as file:
            arrays = {name: file[f"input {name}"] for name in found["inputs"]["names"]}
        outputs = trees.over_shapes(tuple, _tuples(found["outputs"]))
        example = tree_of(found["inputs"]["kind"], arrays)
        return cls(tasks.restored(found["task"]), outputs, example, found["facts"], learned=found["learned"])


def predict(model: "keras.Model", inputs: Callable[[np.ndarray], trees.Tree], count: int, batch_size: int) -> trees.Tree:
    """Returns a model's output for the inputs at positions 0 to count - 1, as arrays."""
    index = np.arange(count)
    return trees.joined([predicted(model, inputs(index[start : start + batch_size])) for start in range(0, count, batch_size)])


def predicted(model: "keras.Model", inputs: trees.Tree) -> trees.Tree:
    """Returns a model's output for one batch of inputs."""
    import tensorflow as tf

    return model.predict_on_batch(trees.mapped(tf.constant, inputs))


def tree_of(kind: str, arrays: dict[str, Any]) -> trees.Tree:
    """Returns named arrays as a dict or as a tuple, or the only array."""
    if kind == "dict":
        return arrays
    return tuple(arrays.values()) if kind == "tuple" else next(iter(arrays.values()))


def _tuples(node: Any) -> Any:
    """Converts the lists of JSON to tuples."""
    if isinstance(node, dict):
        return {name: _tuples(one) for name, one in node.items()}
    return tuple(map(_tuples, node)) if isinstance(node, list) else node
