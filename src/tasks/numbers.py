"""Numbers: a price, several measurements, the next values of a series, a reconstructed picture."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from src.tasks import Tree, distinct

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


@dataclass(frozen=True)
class Numbers:
    """A model gives numbers in the shape of the labels; one number per example has the shape (n, 1).

    Attributes:
        names: names of the numbers of one example; for arrays, such as pictures, one name for all.
    """

    names: tuple[str, ...] = ("value",)
    loss: ClassVar[str] = "mean_squared_error"
    metrics: ClassVar[tuple[str, ...]] = ("mean_absolute_error",)
    objective: ClassVar[str] = "val_loss"
    activation: ClassVar[str] = "linear"
    measure: ClassVar[str] = "negative mean squared error"

    def mistakes(self, y: Tree) -> Iterator[str]:
        """Yields mistakes unless the labels are finite numbers."""
        import numpy as np

        yield from distinct(self.names, 1)
        if not isinstance(y, np.ndarray) or y.dtype.kind not in "biuf" or not y.ndim:
            yield f"y is {getattr(y, 'dtype', type(y).__name__)}; expected an array of numbers"
            return
        expected = y.shape[1] if y.ndim == 2 else 1
        if len(self.names) not in (1, expected):
            yield f"names: {len(self.names)} for labels of shape {y.shape}; expected {expected}"
        with np.errstate(over="ignore"):
            if wrong := int((~np.isfinite(y.astype(np.float32))).sum()):
                yield f"y holds {wrong} values that are NaN or infinite in float32; expected finite numbers"

    def encoded(self, y: Tree) -> "np.ndarray":
        """Returns labels as float32, with at least two axes."""
        import numpy as np

        values = np.asarray(y, np.float32)
        return values[:, None] if values.ndim == 1 else values

    def outputs(self, y: Tree) -> tuple[int, ...]:
        """Returns the shape of a label."""
        return tuple(y.shape[1:])

    def output_mistake(self, predicted: Tree) -> str:
        """Returns an empty text: every number is a prediction."""
        return ""

    def score(self, y: Tree, predicted: Tree) -> "np.ndarray":
        """Returns the negative mean squared error of each example."""
        import numpy as np

        errors: np.ndarray = np.square(np.float64(predicted) - y).reshape(len(y), -1).mean(axis=1)
        return -errors

    def constant(self, y: Tree) -> Tree:
        """Returns the mean of each number."""
        return y.mean(axis=0, dtype=float)[None]

    def pictures(self, x: Tree, y: Tree, predicted: Tree) -> dict[str, bytes]:
        """Returns a plot of predicted against true numbers; if the labels are pictures, some of them with their reconstructions."""
        from src.plots import classes, numbers

        if classes.are_pictures(y):
            return {"reconstructions.png": numbers.reconstructions(y, predicted)}
        return {"residuals.png": numbers.residuals(y.reshape(len(y), -1), predicted.reshape(len(y), -1), self.names)}

    def answer(self, predicted: Tree) -> "pd.DataFrame":
        """Returns a column for each number; for arrays, one column of nested lists."""
        import pandas as pd

        if predicted.ndim > 2 or (len(self.names) == 1 and predicted.shape[1] > 1):
            return pd.DataFrame({self.names[0]: predicted.tolist()})
        return pd.DataFrame({name: predicted[:, number] for number, name in enumerate(self.names)})
