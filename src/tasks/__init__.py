"""Tasks say what a prediction means. One file, one class each; the YAML of a data set names its task.

A task says what a model must give for an example, and how right that is. Where the configuration says `auto`, loss, metrics and
objective are those of the task. They are attributes of its class, so that they are known before any data are loaded.
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
KINDS = tuple(sorted(file.stem for file in Path(__file__).parent.glob("[a-z]*.py")))  # a module each, named like its class
OWN = "own"  # training.loss of a model that computes its loss itself


class Task(Protocol):
    """The interface of the classes of this folder. Their fields describe the data, such as the names of the classes.

    Attributes:
        loss, metrics, objective: of a training that says `auto`.
        activation: of the last layer of a network, by Keras' name.
        measure: name of the mean of `score`.
    """

    loss: ClassVar[str]
    metrics: ClassVar[tuple[str, ...]]
    objective: ClassVar[str]
    activation: ClassVar[str]
    measure: ClassVar[str]

    def mistakes(self, y: Tree) -> Iterator[str]:
        """Yields what is wrong with the labels of a data set, or with the names of this task."""

    def encoded(self, y: Tree) -> Tree:
        """Returns labels as engines take them."""

    def outputs(self, y: Tree) -> Any:
        """Returns the shape of what a model must give for one example, given encoded labels."""

    def output_mistake(self, predicted: Tree) -> str:
        """Says why outputs of the right shape are no predictions; empty if they are. NaN passes: gates have words for it."""

    def score(self, y: Tree, predicted: Tree) -> "np.ndarray":
        """Returns one number per example, shape (n,); higher is better."""

    def constant(self, y: Tree) -> Tree:
        """Returns the best prediction, shape (1, …), that ignores the inputs, such as a mean, given encoded labels of training."""

    def pictures(self, x: Tree, y: Tree, predicted: Tree) -> dict[str, bytes]:
        """Draws predictions against encoded labels; x is None where the inputs do not fit in memory."""

    def answer(self, predicted: Tree) -> "pd.DataFrame":
        """Returns one row per example, as people and served models give it."""


def find(kind: str) -> type[Task]:
    """Returns the class of a kind of task: `classes` is src/tasks/classes.py, class Classes.

    Raises:
        ConfigError: there is no such kind.
    """
    if kind not in KINDS:
        raise ConfigError([f"data.task={kind}: no such task{did_you_mean(str(kind), KINDS)} Tasks: {', '.join(KINDS)}"])
    found: type[Task] = getattr(import_module(f"{__name__}.{kind}"), kind.capitalize())
    return found


def kind_of(task: Any) -> str:
    """Returns the kind of a task: the name of its module in this folder; empty for anything else."""
    home, _, name = type(task).__module__.rpartition(".")
    return name if home == __name__ and name in KINDS and type(task) is find(name) else ""


def declared(task: Any) -> Any:
    """Returns what the YAML of a data set says of a task: its kind, or output → kind.

    >>> declared(find("numbers")(("price",)))
    'numbers'
    """
    return {name: declared(one) for name, one in task.tasks.items()} if is_several(task) else kind_of(task)


def is_several(task: Any) -> TypeGuard[Any]:
    """True if a model has several outputs, each with a task of its own."""
    return kind_of(task) == "several"


def described(task: Task) -> dict[str, Any]:
    """Returns a task as plain values, from which `restored` makes it again."""
    values = {one.name: getattr(task, one.name) for one in fields(task)}  # type: ignore[arg-type]
    return {"kind": kind_of(task), **{name: _plain(value) for name, value in values.items()}}


def restored(description: Mapping[str, Any]) -> Task:
    """Makes a task from its description; only classes of this folder are made."""
    values = {name: value for name, value in description.items() if name != "kind"}
    return find(description["kind"])(**{name: _restored(value) for name, value in values.items()})


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    return described(value) if kind_of(value) else value


def _restored(value: Any) -> Any:
    if isinstance(value, Mapping):
        return restored(value) if isinstance(value.get("kind"), str) else {name: _restored(one) for name, one in value.items()}
    return tuple(value) if isinstance(value, list) else value


def distinct(names: tuple[str, ...], least: int, taken: tuple[str, ...] = ()) -> Iterator[str]:
    """Yields what is wrong with the names of classes or numbers.

    Args:
        least: number of names, at least.
        taken: names of other columns of an answer.
    """
    texts = [str(name) for name in names]
    if len(texts) < least or len(set(texts)) < len(texts):
        received = f"{len(set(texts))} distinct names of {len(texts)} ({', '.join(texts[:10]) or 'none'})"
        yield f"names: {received}; expected at least {least}, all distinct"
    if used := [name for name in texts if name in taken]:
        yield f"names: {', '.join(used)} is a column of a registered model's answer; expected another name"
