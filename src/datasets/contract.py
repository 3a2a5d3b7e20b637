"""Checks the contract between data sets, engines and promotion; no other module does."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from src.errors import DataError, TrialbookError

if TYPE_CHECKING:
    from src.datasets import Dataset, Examples

OTHER_TASKS = "Other tasks are not supported yet."
ANSWERED = ("class", "probability")  # columns of a registered model's answer, which no class may be named after
TOLERANCE = 1e-3  # by which a probability of half precision may leave [0, 1]


def check(data: "Dataset", source: str) -> None:
    """Checks the data set that a loader returned.

    Args:
        source: names the loader in the message.

    Raises:
        DataError: with every mistake: the received and the expected value.
    """
    names = [str(name) for name in data.class_names]
    mistakes = []
    if len(names) < 2 or len(set(names)) < len(names):
        shown = ", ".join(names[:10]) or "none"
        mistakes.append(f"class_names: {len(set(names))} distinct names of {len(names)} ({shown}); expected at least two, all distinct")
    if taken := [name for name in names if name in ANSWERED]:
        mistakes.append(f"class_names: {', '.join(taken)} is a column of a registered model's answer; expected another name")
    mistakes += _example_mistakes(data.x, data.y, len(names))
    if not mistakes:
        mistakes += _split_mistakes(data)
    if not callable(data.test):
        mistakes.append(f"test is {data.test!r}; expected a function that loads the test examples (x, y)")
    _refuse(mistakes, source)


def open_test(data: "Dataset", source: str) -> "Examples":
    """Loads the test examples and checks them against the data set. Only promotion calls it.

    Raises:
        DataError: they break the contract, or have another shape than the training examples.
    """
    x, y = data.test()
    mistakes = list(_example_mistakes(x, y, data.num_classes))
    if not mistakes and x.shape[1:] != data.input_shape:
        mistakes.append(f"x has examples of shape {x.shape[1:]}; expected {data.input_shape}, the shape of the training examples")
    _refuse(mistakes, f"{source}, the test split")
    return x, y


def checked(probabilities: np.ndarray, examples: int, classes: int) -> np.ndarray:
    """Returns the probabilities if they have shape (examples, classes) and lie in [0, 1].

    NaN passes, because a gate refuses it with a message of its own.

    Raises:
        TrialbookError: they are no probabilities, so that the position of the largest one would be no class.
    """
    expected = f"expected shape {(examples, classes)}, a probability per class. {OTHER_TASKS}"
    if probabilities.shape != (examples, classes):
        raise TrialbookError(f"the model gives shape {probabilities.shape} for {examples} examples of {classes} classes; {expected}")
    if ((probabilities < -TOLERANCE) | (probabilities > 1 + TOLERANCE)).any():
        low, high = np.nanmin(probabilities), np.nanmax(probabilities)
        raise TrialbookError(f"the model gives values from {low:.4g} to {high:.4g}; {expected} End it in a softmax layer.")
    return probabilities


def _refuse(mistakes: list[str], source: str) -> None:
    if mistakes:
        raise DataError("\n  ".join([f"{source}:", *mistakes]))


def _example_mistakes(x: Any, y: Any, classes: int) -> Iterator[str]:
    """Yields the mistakes of examples and labels."""
    for name, array in (("x", x), ("y", y)):
        if not isinstance(array, np.ndarray):
            yield f"{name} is of type {type(array).__name__}; expected a numpy array"
    if not isinstance(x, np.ndarray) or not isinstance(y, np.ndarray):
        return
    if x.dtype.kind not in "biuf":
        yield f"x has dtype {x.dtype}; expected numbers"
    elif not x.size or x.ndim < 2:
        yield f"x has shape {x.shape}; expected (n, …) with at least one example and one number in each"
    elif not np.isfinite(x.min()) or not np.isfinite(x.max()):  # needs no array as large as x if all is well
        yield f"x holds {int((~np.isfinite(x)).sum())} values that are NaN or infinite; expected finite numbers"
    if x.ndim and y.ndim and len(x) != len(y):
        yield f"x has {len(x)} examples, y has {len(y)}; expected as many"
    yield from label_mistakes(y, classes)


def label_mistakes(y: np.ndarray, classes: int) -> Iterator[str]:
    """Yields the mistakes of labels, which must be class numbers, shape (n,), in [0, classes)."""
    expected = f"expected class numbers, shape (n,), whole numbers from 0 to {classes - 1}"
    if y.dtype.kind not in "iu":
        whole = y.dtype.kind == "f" and y.size and (y == np.round(y)).all()
        hint = " If they are class numbers: y.astype('int64')." if whole else ""
        yield f"y has dtype {y.dtype}, such as {y.flat[0] if y.size else 'nothing'}; {expected}. {OTHER_TASKS}{hint}"
    elif y.ndim != 1:
        hint = " One-hot rows: y.argmax(axis=1)." if y.ndim == 2 and y.shape[1] > 1 else ""
        yield f"y has shape {y.shape}; {expected}. {OTHER_TASKS}{hint}"
    elif y.size and (y.min() < 0 or y.max() >= classes):
        yield f"y holds labels from {y.min()} to {y.max()}; {expected}, one for each class name"


def _split_mistakes(data: "Dataset") -> Iterator[str]:
    """Yields the mistakes of the split."""
    valid = []
    for name in ("train_index", "validation_index"):
        index = getattr(data, name)
        if not isinstance(index, np.ndarray) or index.dtype.kind not in "iu" or index.ndim != 1:
            received = f"dtype {index.dtype} and shape {index.shape}" if isinstance(index, np.ndarray) else f"type {type(index).__name__}"
            yield f"{name} has {received}; expected whole numbers of shape (n,)"
        elif not index.size:
            yield f"{name} is empty; expected at least one example"
        elif index.min() < 0 or index.max() >= len(data.x):
            yield f"{name} holds positions from {index.min()} to {index.max()}; expected 0 to {len(data.x) - 1}"
        elif repeated := index.size - np.unique(index).size:
            yield f"{name} repeats {repeated} positions; expected each once"
        else:
            valid.append(index)
    if len(valid) == 2 and (both := np.intersect1d(valid[0], valid[1])).size:
        yield f"train_index and validation_index share {both.size} examples, such as {both[0]}; expected none"
