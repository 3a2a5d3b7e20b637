"""Several labels per example, each true or false."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from src.tasks import Tree, distinct
from src.tasks.classes import probability_mistake

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


@dataclass(frozen=True)
class Labels:
    """A model gives the probability of each label, shape (n, labels)."""

    names: tuple[str, ...]
    loss: ClassVar[str] = "binary_crossentropy"
    metrics: ClassVar[tuple[str, ...]] = ("binary_accuracy",)
    objective: ClassVar[str] = "val_binary_accuracy"
    activation: ClassVar[str] = "sigmoid"
    measure: ClassVar[str] = "label accuracy"

    def mistakes(self, y: Tree) -> Iterator[str]:
        """Yields mistakes unless y has shape (n, labels) and holds 0 and 1."""
        import numpy as np

        yield from distinct(self.names, 1, ("labels",))
        expected = f"expected shape (n, {len(self.names)}) of 0 and 1, a column for each label"
        if not isinstance(y, np.ndarray) or y.dtype.kind not in "biuf":
            yield f"y is {getattr(y, 'dtype', type(y).__name__)}; {expected}"
        elif y.shape[1:] != (len(self.names),):
            yield f"y has shape {y.shape}; {expected}"
        elif y.size and not np.isin(y, (0, 1)).all():
            yield f"y holds other values, such as {y[~np.isin(y, (0, 1))][0]}; {expected}"

    def encoded(self, y: Tree) -> "np.ndarray":
        """Returns labels as float32."""
        import numpy as np

        return np.asarray(y, np.float32)

    def outputs(self, y: Tree) -> tuple[int, ...]:
        """Returns (labels,)."""
        return (len(self.names),)

    def output_mistake(self, predicted: Tree) -> str:
        """Returns a mistake unless the outputs are probabilities."""
        return probability_mistake(predicted, "a sigmoid unit for each label")

    def score(self, y: Tree, predicted: Tree) -> "np.ndarray":
        """Returns the share of labels that are right."""
        shares: np.ndarray = ((predicted > 0.5) == (y > 0.5)).mean(axis=1)
        return shares

    def constant(self, y: Tree) -> Tree:
        """Returns the share of each label."""
        return y.mean(axis=0, dtype=float)[None]

    def pictures(self, x: Tree, y: Tree, predicted: Tree) -> dict[str, bytes]:
        """Returns the ROC curve of each label."""
        from src.plots import roc

        return {"roc.png": roc.curves(y, predicted, self.names)}

    def answer(self, predicted: Tree) -> "pd.DataFrame":
        """Returns the column `labels`, those with a probability above 0.5, and a column for each label."""
        import pandas as pd

        held = [[name for name, share in zip(self.names, row, strict=True) if share > 0.5] for row in predicted]
        return pd.DataFrame({"labels": held, **{name: predicted[:, number] for number, name in enumerate(self.names)}})
