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
        judge: the output by whose score two models are compared: scores of different kinds have no mean.
    """

    tasks: Mapping[str, Task]
    judge: str
    loss: ClassVar[str] = ""  # src/config/auto.py makes these of those of the tasks
    metrics: ClassVar[tuple[str, ...]] = ()
    objective: ClassVar[str] = "val_loss"
    activation: ClassVar[str] = ""

    @property
    def measure(self) -> str:
        """The measure of the output that judges."""
        return f"{self.tasks[self.judge].measure} of {self.judge}"

    def mistakes(self, y: Tree) -> Iterator[str]:
        """Labels are a dict with an entry for each output."""
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
        """Each task's labels."""
        return {name: task.encoded(y[name]) for name, task in self.tasks.items()}

    def outputs(self, y: Tree) -> dict[str, Any]:
        """Each task's outputs."""
        return {name: task.outputs(y[name]) for name, task in self.tasks.items()}

    def output_mistake(self, predicted: Tree) -> str:
        """The first mistake, with the name of its output."""
        found = {name: task.output_mistake(predicted[name]) for name, task in self.tasks.items()}
        return next((f"{name} {mistake}" for name, mistake in found.items() if mistake), "")

    def score(self, y: Tree, predicted: Tree) -> "np.ndarray":
        """The score of the output that judges."""
        return self.tasks[self.judge].score(y[self.judge], predicted[self.judge])

    def constant(self, y: Tree) -> dict[str, Any]:
        """Each task's constant."""
        return {name: task.constant(y[name]) for name, task in self.tasks.items()}

    def pictures(self, x: Tree, y: Tree, predicted: Tree) -> dict[str, bytes]:
        """Each task's pictures, with the name of the output before theirs."""
        drawn = {name: task.pictures(None, y[name], predicted[name]) for name, task in self.tasks.items()}
        return {f"{name}_{file}": content for name, files in drawn.items() for file, content in files.items()}

    def answer(self, predicted: Tree) -> "pd.DataFrame":
        """Each task's columns, with the name of the output before theirs."""
        import pandas as pd

        answers = [task.answer(predicted[name]).add_prefix(f"{name}: ") for name, task in self.tasks.items()]
        return pd.concat(answers, axis=1)
