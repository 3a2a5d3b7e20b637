"""Pictures as PNG bytes, in Okabe and Ito's colour-blind-safe palette, readable when printed."""

import io
from collections.abc import Sequence

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#666666"


def png(figure: Figure) -> bytes:
    """The figure as PNG bytes, without pyplot and its global state."""
    FigureCanvasAgg(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()


def curves(history: dict[str, list[float]], kept_epoch: int, title: str) -> bytes:
    """Each metric per epoch, train (solid) against validation (dashed), the kept epoch marked."""
    names = [name for name in history if not name.startswith("val_") and f"val_{name}" in history]
    figure = Figure(figsize=(4.8 * len(names), 3.8))
    figure.subplots_adjust(left=0.075, right=0.985, bottom=0.13, top=0.89, wspace=0.22)  # a layout engine would draw twice
    epochs = range(1, len(history["loss"]) + 1)
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        axes.plot(epochs, history[name], color=BLUE, marker="o", markersize=3, label="train")
        axes.plot(epochs, history[f"val_{name}"], color=ORANGE, marker="s", markersize=3, linestyle="--", label="validation")
        axes.axvline(kept_epoch, color=GREY, linestyle=":", label=f"kept epoch {kept_epoch}")
        axes.set(xlabel="epoch", ylabel=name)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend()
        axes.grid(alpha=0.3)
    figure.suptitle(title)
    return png(figure)


def folds(scores: Sequence[float], validation: float, title: str) -> bytes:
    """Accuracy of each fold of a cross-validation, their mean, and the accuracy on the validation split."""
    figure = Figure(figsize=(6, 3.8), layout="constrained")
    axes = figure.subplots()
    axes.plot(range(1, len(scores) + 1), scores, "o", color=BLUE, label="fold")
    mean = sum(scores) / len(scores)
    axes.axhline(mean, color=BLUE, label=f"mean of the folds {mean:.4f}")
    axes.axhline(validation, color=ORANGE, linestyle="--", label=f"validation split {validation:.4f}")
    axes.set(xlabel="fold", ylabel="accuracy")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend()
    axes.grid(alpha=0.3)
    figure.suptitle(title)
    return png(figure)
