"""Learning curves of one trial or of all trials of a sweep; the scores of a baseline's folds."""

import math
from collections.abc import Sequence
from statistics import fmean

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from src.plots import BLUE, GREY, LINES, ORANGE, PALETTE, Shown, png

History = dict[str, list[float]]
MOST_PANELS = 16
PANEL = 1.6  # height in inches
MOST_LINES = 5  # of a title; more would leave no room for the panel
SHORT_LABEL = 45  # characters; three such labels fit in a row


def curves(history: History, kept_epoch: int, title: str) -> bytes:
    """Returns a plot of each metric per epoch, train (solid) against validation (dashed), with a line at the kept epoch."""
    names = _drawn(history)
    figure = Figure(figsize=(4.8 * len(names), 3.8))
    figure.subplots_adjust(left=0.075, right=0.985, bottom=0.13, top=0.89, wspace=0.22)  # a layout engine would draw twice
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        _train_and_validation(axes, history, name)
        axes.axvline(kept_epoch, color=GREY, linestyle=":", label=f"kept epoch {kept_epoch}")
        axes.set_ylabel(name)
        axes.legend()
    figure.suptitle(title)
    return png(figure)


def folds(scores: Sequence[float], validation: float, title: str) -> bytes:
    """Returns a plot of the accuracy of each fold of a cross-validation, their mean, and the accuracy on the validation split."""
    figure = Figure(figsize=(6, 3.8), layout="constrained")
    axes = figure.subplots()
    mean = fmean(scores)
    axes.plot(range(1, len(scores) + 1), scores, "o", color=BLUE, label="fold")
    axes.axhline(mean, color=BLUE, label=f"mean of the folds {mean:.4f}")
    axes.axhline(validation, color=ORANGE, linestyle="--", label=f"validation split {validation:.4f}")
    axes.set_ylabel("accuracy")
    _by_whole_numbers(axes, "fold")
    axes.legend()
    figure.suptitle(title)
    return png(figure)


def overview(histories: Sequence[tuple[str, History]]) -> Figure:
    """Returns the validation curves of all trials: one plot per metric, one legend for all.

    Args:
        histories: (label, history) of each trial, best first.
    """
    first = histories[0][1]
    names = [f"val_{name}" if f"val_{name}" in first else name for name in _drawn(first)]
    shown = histories[: len(PALETTE) * len(LINES)]
    columns = 3 if max(len(label) for label, _ in shown) < SHORT_LABEL else 1
    figure = Shown(figsize=(5 * len(names), 3.8 + 0.18 * math.ceil(len(shown) / columns)), layout="constrained")
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        for rank, (label, history) in enumerate(histories):
            style = LINES[rank // len(PALETTE) % len(LINES)]
            values = history.get(name, [])
            marker = "o" if len(values) == 1 else None
            axes.plot(range(1, len(values) + 1), values, style, marker=marker, color=PALETTE[rank % len(PALETTE)], label=label)
        axes.set_ylabel(name)
        _by_whole_numbers(axes, "epoch")
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(
        handles[: len(shown)], labels[: len(shown)], loc="outside lower left", ncols=columns, fontsize="small", title="best first"
    )
    return figure


def panels(histories: Sequence[tuple[str, History]], metric: str) -> bytes:
    """Returns one panel for each of the first 16 trials that have a curve: train against validation, on common axes."""
    shown = [(label, history) for label, history in histories if len(history.get(metric, [])) > 1][:MOST_PANELS]
    titles = [_lines(label) for label, _ in shown]
    columns = min(4, max(1, len(shown)))
    rows = math.ceil(max(1, len(shown)) / columns)
    above = 0.2 + 0.13 * max((title.count("\n") + 1 for title in titles), default=0)  # inches of a title
    height = rows * (PANEL + above) + 0.9
    figure = Figure(figsize=(2.4 * columns + 0.9, height))
    sides = {"left": 0.8 / (2.4 * columns + 0.9), "right": 0.98, "bottom": 0.5 / height, "top": 1 - (0.4 + above) / height}
    figure.subplots_adjust(**sides, wspace=0.08, hspace=above / PANEL)  # a layout engine would draw twice
    grid = list(figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).flat)
    for axes, (_, history), title in zip(grid, shown, titles, strict=False):
        _train_and_validation(axes, history, metric)
        axes.set_title(title, fontsize=8)
    for axes in grid:
        axes.label_outer()
    for axes in grid[len(shown) :]:
        axes.set_axis_off()
    if shown:
        figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="upper right", ncols=2)
    figure.supylabel(metric)
    return png(figure)


def _lines(label: str) -> str:
    """Returns the words of a label, one per line, at most MOST_LINES of them."""
    words = label.split(" ")
    if len(words) > MOST_LINES:
        words[MOST_LINES:] = ["…"]
    return "\n".join(words)


def _train_and_validation(axes: Axes, history: History, name: str) -> None:
    epochs = range(1, len(history[name]) + 1)
    axes.plot(epochs, history[name], color=BLUE, marker="o", markersize=3, label="train" if f"val_{name}" in history else name)
    if f"val_{name}" in history:
        axes.plot(epochs, history[f"val_{name}"], color=ORANGE, marker="s", markersize=3, linestyle="--", label="validation")
    _by_whole_numbers(axes, "epoch")


def _by_whole_numbers(axes: Axes, label: str) -> None:
    axes.set_xlabel(label)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)


def _drawn(history: History) -> list[str]:
    """Returns the metrics that have values for training and validation; all metrics if none has both."""
    return [name for name in history if f"val_{name}" in history] or list(history)
