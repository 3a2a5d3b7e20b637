"""Several outputs, each with a task of its own."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from src.tasks import Task, Tree, distinct

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


@dataclass(frozen=True)
class Several:
    """Labels and outputs are dicts with the same names.

    Attributes:
        tasks: output → its task.
        judge: the output whose score compares two models, because scores of different kinds have no mean.
    """

    tasks: Mapping[str, Task]
    judge: str
    loss: ClassVar[str] = ""  # src/config/auto.py combines those of the tasks
    metrics: ClassVar[tuple[str, ...]] = ()
    objective: ClassVar[str] = "val_loss"
    activation: ClassVar[str] = ""

    @property
    def measure(self) -> str:
        """The measure of the output `judge`."""
        return f"{self.tasks[self.judge].measure} of {self.judge}"

    def mistakes(self, y: Tree) -> Iterator[str]:
        """Yields mistakes unless the labels are a dict with valid labels for each output."""
        yield from distinct(tuple(self.tasks), 1)
        if self.judge not in self.tasks:
            yield f"judge={self.judge!r}; expected one of the outputs {', '.join(self.tasks)}"
        if not isinstance(y, Mapping) or y.keys() != self.tasks.keys():
            received = ", ".join(map(str, y)) if isinstance(y, Mapping) else type(y).__name__
            yield f"y has {received}; expected a dict with {', '.join(self.tasks)}"
            return
        for name, task in self.tasks.items():
            yield from (f"{name}: {mistake}" for mistake in task.mistakes(y[name]))

    def encoded(self, y: Tree) -> dict[str, Any]:
        """Returns output → encoded labels."""
        return {name: task.encoded(y[name]) for name, task in self.tasks.items()}

    def outputs(self, y: Tree) -> dict[str, Any]:
        """Returns output → shape."""
        return {name: task.outputs(y[name]) for name, task in self.tasks.items()}

    def output_mistake(self, predicted: Tree) -> str:
        """Returns the first mistake, after the name of its output; empty if there is none."""
        for name, task in self.tasks.items():
            if mistake := task.output_mistake(predicted[name]):
                return f"{name} {mistake}"
        return ""

    def score(self, y: Tree, predicted: Tree) -> "np.ndarray":
        """Returns the score of the output `judge`."""
        return self.tasks[self.judge].score(y[self.judge], predicted[self.judge])

    def constant(self, y: Tree) -> dict[str, Any]:
        """Returns output → constant prediction."""
        return {name: task.constant(y[name]) for name, task in self.tasks.items()}

    def pictures(self, x: Tree, y: Tree, predicted: Tree) -> dict[str, bytes]:
        """Returns the pictures of all tasks; the names of their files begin with the output."""
        drawn = {name: task.pictures(None, y[name], predicted[name]) for name, task in self.tasks.items()}
        return {f"{name}_{file}": content for name, files in drawn.items() for file, content in files.items()}

    def answer(self, predicted: Tree) -> "pd.DataFrame":
        """Returns the columns of all tasks; their names begin with the output."""
        import pandas as pd

        answers = [task.answer(predicted[name]).add_prefix(f"{name}: ") for name, task in self.tasks.items()]
        return pd.concat(answers, axis=1)
