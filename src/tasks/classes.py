"""One class per example, or per position of an example, such as a token or a pixel."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from src.tasks import Tree, distinct

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

ANSWERED = ("class", "probability")  # columns of an answer
TOLERANCE = 1e-3  # how far a probability may lie outside of [0, 1], because of half precision


@dataclass(frozen=True)
class Classes:
    """A model gives a probability for each class: (n, classes) for labels (n,), (n, …, classes) for labels (n, …).

    Attributes:
        names: names of the classes; a label is the position of a name.
    """

    names: tuple[str, ...]
    loss: ClassVar[str] = "sparse_categorical_crossentropy"
    metrics: ClassVar[tuple[str, ...]] = ("accuracy",)
    objective: ClassVar[str] = "val_accuracy"
    activation: ClassVar[str] = "softmax"
    measure: ClassVar[str] = "accuracy"

    def mistakes(self, y: Tree) -> Iterator[str]:
        """Yields mistakes unless the labels are whole numbers from 0 to the number of classes - 1."""
        yield from distinct(self.names, 2, ANSWERED)
        yield from label_mistakes(y, len(self.names))

    def encoded(self, y: Tree) -> "np.ndarray":
        """Returns labels as int64."""
        import numpy as np

        return np.asarray(y).astype(np.int64, copy=False)

    def outputs(self, y: Tree) -> tuple[int, ...]:
        """Returns (classes,), or (…, classes) for labels with several positions."""
        return (*y.shape[1:], len(self.names))

    def output_mistake(self, predicted: Tree) -> str:
        """Returns a mistake unless the outputs are probabilities."""
        return probability_mistake(predicted, "a softmax layer")

    def score(self, y: Tree, predicted: Tree) -> "np.ndarray":
        """Returns 1 for the right class, 0 for a wrong one; for several positions, the share of the right ones."""
        right: np.ndarray = predicted.argmax(axis=-1) == y
        shares: np.ndarray = right.reshape(len(right), -1).mean(axis=1)
        return shares

    def constant(self, y: Tree) -> "np.ndarray":
        """Returns the share of each class; for several positions, at each of them."""
        import numpy as np

        return np.stack([(y == number).mean(axis=0) for number in range(len(self.names))], axis=-1)[None]

    def pictures(self, x: Tree, y: Tree, predicted: Tree) -> dict[str, bytes]:
        """Returns the confusion matrix and the accuracy of each class; for pictures also examples and the most confident mistakes."""
        from src.plots import classes

        chosen, truth = predicted.argmax(axis=-1).ravel(), y.ravel()
        found = {
            "confusion_matrix.png": classes.confusion(truth, chosen, self.names),
            "accuracy_per_class.png": classes.accuracy_per_class(truth, chosen, self.names),
        }
        if y.ndim == 1 and classes.are_pictures(x):
            found["confidently_wrong.png"] = classes.confidently_wrong(x, y, predicted, self.names)
            found["examples.png"] = classes.examples(x, y, self.names)
        return found

    def answer(self, predicted: Tree) -> "pd.DataFrame":
        """Returns the columns `class` and `probability`; for one class per example also a column for each class."""
        import numpy as np
        import pandas as pd

        names, best = np.array(self.names), predicted.argmax(axis=-1)
        columns = {"class": names[best].tolist(), "probability": predicted.max(axis=-1).tolist()}
        if predicted.ndim == 2:
            columns |= {name: predicted[:, number] for number, name in enumerate(self.names)}
        return pd.DataFrame(columns)


def label_mistakes(y: Tree, classes: int) -> Iterator[str]:
    """Yields the mistakes in labels, which must be class numbers in [0, classes)."""
    import numpy as np

    expected = f"expected class numbers, whole numbers from 0 to {classes - 1}"
    if not isinstance(y, np.ndarray) or not y.ndim:
        yield f"y is of type {type(y).__name__}; {expected}, in a numpy array"
    elif y.dtype.kind not in "iu":
        hint = ""
        if y.dtype.kind == "f" and y.size and (y == np.round(y)).all():
            hint = " If they are class numbers: y.astype('int64')."
        elif y.dtype.kind == "f":
            hint = " Other tasks than one class per example are named by data.task."
        yield f"y has dtype {y.dtype}, such as {y.flat[0] if y.size else 'nothing'}; {expected}.{hint}"
    elif y.ndim == 2 and y.shape[1] == classes and classes > 1 and y.size and (y.sum(axis=1) == 1).all() and y.min() == 0:
        yield f"y has shape {y.shape}, one-hot rows; {expected}, shape (n,). One-hot rows: y.argmax(axis=1)."
    elif y.ndim == 2 and y.shape[1] == 1:
        yield f"y has shape {y.shape}; {expected}, shape (n,): y[:, 0]."
    elif y.size and (y.min() < 0 or y.max() >= classes):
        yield f"y holds labels from {y.min()} to {y.max()}; {expected}, one for each class name"


def probability_mistake(predicted: "np.ndarray", layer: str) -> str:
    """Returns why the values of an array are not probabilities; empty if all lie in [0, 1].

    Args:
        layer: for the message: a kind of layer that outputs probabilities.
    """
    import numpy as np

    if not ((predicted < -TOLERANCE) | (predicted > 1 + TOLERANCE)).any():
        return ""
    low, high = np.nanmin(predicted), np.nanmax(predicted)
    return f"gives values from {low:.4g} to {high:.4g}; expected probabilities. End it in {layer}."
