"""Two classes, and a model with one sigmoid unit."""

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
        """Labels (n,) are 0 and 1."""
        if len(self.names) != 2:
            yield f"names: {len(self.names)} ({', '.join(map(str, self.names[:10]))}); expected two for data.task=binary"
        yield from distinct(self.names, 2, ANSWERED)
        found = list(label_mistakes(y, 2))
        yield from found or ([f"y has shape {y.shape}; expected (n,)"] if y.ndim != 1 else [])

    def encoded(self, y: Tree) -> "np.ndarray":
        """Labels of shape (n, 1)."""
        import numpy as np

        return np.asarray(y, np.float32).reshape(-1, 1)

    def outputs(self, y: Tree) -> tuple[int, ...]:
        """One number."""
        return (1,)

    def output_mistake(self, predicted: Tree) -> str:
        """Outputs must be probabilities."""
        return probability_mistake(predicted, "one sigmoid unit")

    def score(self, y: Tree, predicted: Tree) -> "np.ndarray":
        """1 for the right class, 0 for the other one."""
        right: np.ndarray = ((predicted > 0.5) == (y > 0.5))[:, 0].astype(float)
        return right

    def constant(self, y: Tree) -> "np.ndarray":
        """The share of the second class."""
        share: np.ndarray = y.mean(axis=0, dtype=float)[None]
        return share

    def pictures(self, x: Tree, y: Tree, predicted: Tree) -> dict[str, bytes]:
        """The confusion matrix, the accuracy of each class, and the ROC curve."""
        from src.plots import classes, roc

        chosen, truth = (predicted[:, 0] > 0.5).astype(int), y[:, 0].astype(int)
        return {
            "confusion_matrix.png": classes.confusion(truth, chosen, self.names),
            "accuracy_per_class.png": classes.accuracy_per_class(truth, chosen, self.names),
            "roc.png": roc.curves(y, predicted, self.names[1:]),
        }

    def answer(self, predicted: Tree) -> "pd.DataFrame":
        """`class`, `probability` of that class, and a column for each class."""
        import numpy as np
        import pandas as pd

        second = predicted[:, 0]
        names = np.array(self.names)[(second > 0.5).astype(int)]
        return pd.DataFrame(
            {"class": names, "probability": np.maximum(second, 1 - second), self.names[0]: 1 - second, self.names[1]: second}
        )
