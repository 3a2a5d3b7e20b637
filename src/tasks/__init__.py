"""A task defines what a prediction means. Each is one class in its own file; the YAML of a data set names its task.

A task defines the outputs that a model must have and how a prediction is scored. If the configuration has `auto`, the task supplies loss,
metrics and objective. They are attributes of its class, so they are known before any data are loaded.
"""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeGuard

from src.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

Tree = Any
"""An array, or a dict or tuple of arrays with the same first axis."""
KINDS = tuple(sorted(file.stem for file in Path(__file__).parent.glob("[a-z]*.py")))  # each is a module with a class of the same name
OWN = "own"  # training.loss of a model that computes its loss itself


class Task(Protocol):
    """The interface of the classes in this folder. Their fields describe the data, such as the names of the classes.

    Attributes:
        loss, metrics, objective: used where the configuration has `auto`.
        activation: Keras' name of the activation of a network's last layer.
        measure: name of the mean of `score`.
    """

    loss: ClassVar[str]
    metrics: ClassVar[tuple[str, ...]]
    objective: ClassVar[str]
    activation: ClassVar[str]
    measure: ClassVar[str]

    def mistakes(self, y: Tree) -> Iterator[str]:
        """Yields the mistakes in the labels of a data set, and in the names of this task."""

    def encoded(self, y: Tree) -> Tree:
        """Returns the labels in the dtype and shape that engines need."""

    def outputs(self, y: Tree) -> Any:
        """Returns the shape that a model's output must have for one example.

        Args:
            y: encoded labels.
        """

    def output_mistake(self, predicted: Tree) -> str:
        """Returns why outputs of the right shape are not predictions; empty if they are. NaN passes: the gates of promotion report it."""

    def score(self, y: Tree, predicted: Tree) -> "np.ndarray":
        """Returns one number per example, shape (n,); higher is better."""

    def constant(self, y: Tree) -> Tree:
        """Returns the best prediction that ignores the inputs, such as a mean; shape (1, …).

        Args:
            y: encoded labels of the training examples.
        """

    def pictures(self, x: Tree, y: Tree, predicted: Tree) -> dict[str, bytes]:
        """Returns pictures of predictions and encoded labels, file name → PNG; x is None if the inputs do not fit in memory."""

    def answer(self, predicted: Tree) -> "pd.DataFrame":
        """Returns one row per example, in the form in which a served model answers."""


def find(kind: str) -> type[Task]:
    """Returns the class of a kind of task: `classes` is the class Classes in src/tasks/classes.py.

    Raises:
        ConfigError: there is no such kind.
    """
    if kind not in KINDS:
        raise ConfigError([f"data.task={kind}: no such task{did_you_mean(str(kind), KINDS)} Tasks: {', '.join(KINDS)}"])
    found: type[Task] = getattr(import_module(f"{__name__}.{kind}"), kind.capitalize())
    return found


def kind_of(task: Any) -> str:
    """Returns the kind of a task, which is the name of its module in this folder; empty if the object is not a task."""
    home, _, name = type(task).__module__.rpartition(".")
    is_task = home == __name__ and name in KINDS and type(task) is find(name)
    return name if is_task else ""


def declared(task: Any) -> Any:
    """Returns the entry `task:` of a data set's YAML for a task: its kind, or output → kind.

    >>> declared(find("numbers")(("price",)))
    'numbers'
    """
    return {name: declared(one) for name, one in task.tasks.items()} if is_several(task) else kind_of(task)


def is_several(task: Any) -> TypeGuard[Any]:
    """Returns True if the task describes a model with several outputs, each with its own task."""
    return kind_of(task) == "several"


def described(task: Task) -> dict[str, Any]:
    """Returns a task as plain values, from which `restored` creates it again."""
    return {"kind": kind_of(task)} | {one.name: _plain(getattr(task, one.name)) for one in fields(task)}  # type: ignore[arg-type]


def restored(description: Mapping[str, Any]) -> Task:
    """Creates a task from its description; creates only classes in this folder."""
    values = {name: _restored(value) for name, value in description.items() if name != "kind"}
    return find(description["kind"])(**values)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    return described(value) if kind_of(value) else value


def _restored(value: Any) -> Any:
    if isinstance(value, Mapping):
        return restored(value) if isinstance(value.get("kind"), str) else {name: _restored(one) for name, one in value.items()}
    return tuple(value) if isinstance(value, list) else value


def distinct(names: tuple[str, ...], least: int, taken: tuple[str, ...] = ()) -> Iterator[str]:
    """Yields the mistakes in the names of classes, labels or numbers.

    Args:
        least: the smallest number of names that is allowed.
        taken: names of other columns in the answer of a served model.
    """
    texts = [str(name) for name in names]
    if len(texts) < least or len(set(texts)) < len(texts):
        received = f"{len(set(texts))} distinct names of {len(texts)} ({', '.join(texts[:10]) or 'none'})"
        yield f"names: {received}; expected at least {least}, all distinct"
    if used := [name for name in texts if name in taken]:
        yield f"names: {', '.join(used)} is a column of a registered model's answer; expected another name"
