"""Two classes, predicted by one sigmoid unit."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from src.tasks import Tree, distinct
from src.tasks.classes import ANSWERED, label_mistakes, probability_mistake

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


@dataclass(frozen=True)
class Binary:
    """A model gives the probability of the second class, shape (n, 1).

    Attributes:
        names: of the classes of label 0 and label 1.
    """

    names: tuple[str, ...]
    loss: ClassVar[str] = "binary_crossentropy"
    metrics: ClassVar[tuple[str, ...]] = ("accuracy", "auc")
    objective: ClassVar[str] = "val_accuracy"
    activation: ClassVar[str] = "sigmoid"
    measure: ClassVar[str] = "accuracy"

    def mistakes(self, y: Tree) -> Iterator[str]:
        """Yields mistakes unless y has shape (n,) and holds 0 and 1."""
        if len(self.names) != 2:
            yield f"names: {len(self.names)} ({', '.join(map(str, self.names[:10]))}); expected two for data.task=binary"
        yield from distinct(self.names, 2, ANSWERED)
        found = list(label_mistakes(y, 2))
        yield from found
        if not found and y.ndim != 1:
            yield f"y has shape {y.shape}; expected (n,)"

    def encoded(self, y: Tree) -> "np.ndarray":
        """Returns labels (n, 1) as float32."""
        import numpy as np

        return np.asarray(y, np.float32).reshape(-1, 1)

    def outputs(self, y: Tree) -> tuple[int, ...]:
        """Returns the shape of one number."""
        return (1,)

    def output_mistake(self, predicted: Tree) -> str:
        """Returns a mistake unless the outputs are probabilities."""
        return probability_mistake(predicted, "one sigmoid unit")

    def score(self, y: Tree, predicted: Tree) -> "np.ndarray":
        """Returns 1 for the right class, 0 for the wrong one."""
        right: np.ndarray = ((predicted > 0.5) == (y > 0.5))[:, 0].astype(float)
        return right

    def constant(self, y: Tree) -> Tree:
        """Returns the share of the second class."""
        return y.mean(axis=0, dtype=float)[None]

    def pictures(self, x: Tree, y: Tree, predicted: Tree) -> dict[str, bytes]:
        """Returns the confusion matrix, the accuracy of each class, and the ROC curve."""
        from src.plots import classes, roc

        chosen, truth = (predicted[:, 0] > 0.5).astype(int), y[:, 0].astype(int)
        return {
            "confusion_matrix.png": classes.confusion(truth, chosen, self.names),
            "accuracy_per_class.png": classes.accuracy_per_class(truth, chosen, self.names),
            "roc.png": roc.curves(y, predicted, self.names[1:]),
        }

    def answer(self, predicted: Tree) -> "pd.DataFrame":
        """Returns the columns `class`, `probability` of that class, and one for each class."""
        import numpy as np
        import pandas as pd

        second = predicted[:, 0]
        names = np.where(second > 0.5, self.names[1], self.names[0])
        columns = {"class": names, "probability": np.maximum(second, 1 - second), self.names[0]: 1 - second, self.names[1]: second}
        return pd.DataFrame(columns)
