"""Pictures of a classifier's mistakes: per class, and per example."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from src.plots import BLUE, GREY, png

CHANNELS = (1, 3, 4)
MOST_PICTURES = 20  # wrongly classified ones


def confusion(truth: np.ndarray, predicted: np.ndarray, names: Sequence[str]) -> bytes:
    """Returns the confusion matrix: counts of (true class, predicted class), shaded by the share of the true class.

    Args:
        truth, predicted: class numbers, shape (examples,).
    """
    counts = np.zeros((len(names), len(names)), int)
    np.add.at(counts, (truth, predicted), 1)
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    size = 2.4 + 0.55 * len(names)
    figure = Figure(figsize=(size + 1, size), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            colour = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, str(count), ha="center", va="center", fontsize=8, color=colour, in_layout=False)  # it is inside the axes
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right")
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="predicted", ylabel="true")
    figure.colorbar(image, label="share of the true class", shrink=0.8)
    return png(figure)


def accuracy_per_class(truth: np.ndarray, predicted: np.ndarray, names: Sequence[str]) -> bytes:
    """Returns a bar chart of the accuracy on each class, worst first, with the accuracy on all examples.

    Args:
        truth, predicted: class numbers, shape (examples,).
    """
    classes = [number for number in range(len(names)) if (truth == number).any()]
    shares = {number: float((predicted[truth == number] == number).mean()) for number in classes}
    worst_first = sorted(classes, key=lambda number: shares[number])
    figure = Figure(figsize=(6.5, 1.2 + 0.32 * len(classes)), layout="constrained")
    axes = figure.subplots()
    bars = axes.barh([names[number] for number in worst_first], [shares[number] for number in worst_first], color=BLUE)
    axes.bar_label(bars, fmt="%.3f", label_type="center", color="white")
    overall = float((truth == predicted).mean())
    axes.axvline(overall, color=GREY, linestyle="--", label=f"all classes {overall:.4f}")
    axes.invert_yaxis()
    axes.set(xlabel="accuracy on the validation split", xlim=(0, 1))
    figure.legend(loc="outside upper right")
    return png(figure)


def confidently_wrong(x: np.ndarray, truth: np.ndarray, probabilities: np.ndarray, names: Sequence[str]) -> bytes:
    """Returns a sheet of the wrongly classified pictures with the highest predicted probability, most confident first.

    Args:
        x: pictures, shape (examples, height, width) or (examples, height, width, channels).
        truth: class numbers, shape (examples,).
        probabilities: shape (examples, classes).
    """
    predicted, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    wrong = np.flatnonzero(predicted != truth)
    shown = wrong[np.argsort(-confidence[wrong], kind="stable")][:MOST_PICTURES]
    captions = [f"{names[predicted[i]]} {confidence[i]:.2f}\nis {names[truth[i]]}" for i in shown]
    return _sheet(x[shown], captions, "the most confident mistakes: predicted, its probability, and the truth")


def examples(x: np.ndarray, labels: np.ndarray, names: Sequence[str]) -> bytes:
    """Returns a sheet of the first ten pictures with the names of their classes."""
    return _sheet(x[:10], [names[label] for label in labels[:10]], "the first ten examples")


def are_pictures(x: object) -> bool:
    """Returns True if examples can be shown as pictures: an array with height, width and perhaps colours."""
    if not isinstance(x, np.ndarray) or x.dtype.kind not in "iuf":
        return False
    return x.ndim == 3 or (x.ndim == 4 and x.shape[-1] in CHANNELS)


def _sheet(pictures: np.ndarray, captions: Sequence[str], title: str) -> bytes:
    """Returns pictures in rows of five, each below its caption of at most two lines. They share one Axes: 20 take a second to draw."""
    columns, rows = 5, max(1, math.ceil(len(pictures) / 5))
    wide, high = 1.75 * columns, 2.1 * rows + 0.4  # inches
    figure = Figure(figsize=(wide, high))
    axes = figure.add_axes((0.0, 0.0, 1.0, (high - 0.4) / high))
    for number, (picture, caption) in enumerate(zip(pictures, captions, strict=False)):
        row, column = divmod(number, columns)
        height, width = (1.6 * size / max(picture.shape[:2]) for size in picture.shape[:2])
        middle, bottom = 1.75 * (column + 0.5), 2.1 * (rows - row - 1) + 0.05
        axes.imshow(picture.squeeze(), cmap="gray_r", extent=(middle - width / 2, middle + width / 2, bottom, bottom + height))
        axes.text(middle, bottom + height + 0.06, caption, fontsize=8, ha="center", va="bottom")
    axes.set(xlim=(0, wide), ylim=(0, high - 0.4), aspect="auto")
    axes.set_axis_off()
    figure.suptitle(title if len(pictures) else f"{title}: none", fontsize=10)
    return png(figure)
