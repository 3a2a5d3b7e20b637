"""Pictures of predicted numbers against true ones."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from src.plots import BLUE, GREY, png

MOST_PANELS = 6
MOST_POINTS = 5000
SHOWN = 8  # reconstructed pictures


def residuals(truth: np.ndarray, predicted: np.ndarray, names: Sequence[str]) -> bytes:
    """Returns plots of predicted against true values: one panel for each of the first six numbers, with its R².

    Args:
        truth, predicted: shape (examples, numbers).
        names: a name for each number, or one for all.
    """
    count = min(truth.shape[1], MOST_PANELS)
    titles = list(names) if len(names) >= count else [f"{names[0]} {number}" for number in range(count)]
    columns = min(3, count)
    rows = math.ceil(count / columns)
    figure = Figure(figsize=(4.2 * columns, 3.9 * rows), layout="constrained")
    grid = list(figure.subplots(rows, columns, squeeze=False).flat)
    chosen = np.random.default_rng(0).permutation(len(truth))[:MOST_POINTS]
    for number, axes in enumerate(grid[:count]):
        true, guess = truth[:, number].astype(float), predicted[:, number].astype(float)
        ends = [min(true.min(), guess.min()), max(true.max(), guess.max())]
        axes.plot(ends, ends, color=GREY, linewidth=0.8)
        axes.scatter(true[chosen], guess[chosen], s=8, color=BLUE, alpha=0.5, linewidths=0)
        spread = np.square(true - true.mean()).sum()
        r_squared = f", R² = {1 - np.square(true - guess).sum() / spread:.3f}" if spread else ""
        axes.set(xlabel="true", ylabel="predicted", title=f"{titles[number]}{r_squared}")
    for axes in grid[count:]:
        axes.set_axis_off()
    figure.suptitle("predicted against true values on the validation split", fontsize=10)
    return png(figure)


def reconstructions(truth: np.ndarray, predicted: np.ndarray) -> bytes:
    """Returns true pictures above their reconstructions, from the smallest error to the largest.

    Args:
        truth, predicted: shape (examples, height, width) or (examples, height, width, channels).
    """
    errors = np.square(truth.astype(float) - predicted).reshape(len(truth), -1).mean(axis=1)
    low, high = truth.min(), truth.max()
    chosen = np.argsort(errors)[np.linspace(0, len(errors) - 1, min(SHOWN, len(errors))).astype(int)]
    figure = Figure(figsize=(1.5 * len(chosen), 3.6), layout="constrained")
    grid = figure.subplots(2, len(chosen), squeeze=False)
    for column, example in enumerate(chosen):
        for row, pictures in enumerate((truth, predicted)):
            picture = np.clip(pictures[example], low, high).squeeze()
            grid[row, column].imshow(picture, cmap="gray_r", vmin=low, vmax=high)
            grid[row, column].set_axis_off()
        grid[1, column].set_title(f"{errors[example]:.3g}", fontsize=8)
    figure.suptitle("true pictures above predicted ones, with the mean squared error, from the best to the worst", fontsize=10)
    return png(figure)
