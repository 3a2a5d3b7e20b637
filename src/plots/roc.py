"""ROC curves: the share of true positives against the share of false alarms, for every threshold."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from src.plots import GREY, LINES, PALETTE, png

MOST = len(PALETTE) * len(LINES)


def curves(truth: np.ndarray, probabilities: np.ndarray, names: Sequence[str]) -> bytes:
    """Returns the ROC curve of each label, with the area under it.

    Args:
        truth: 0 or 1, shape (examples, labels).
        probabilities: the same shape.
    """
    from sklearn.metrics import roc_auc_score, roc_curve

    figure = Figure(figsize=(6.5, 5), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, label="chance 0.5")
    for column, name in enumerate(names[:MOST]):
        if len(np.unique(truth[:, column])) < 2:
            continue  # a curve needs examples of both kinds
        alarms, found, _ = roc_curve(truth[:, column], probabilities[:, column])
        area = roc_auc_score(truth[:, column], probabilities[:, column])
        style = LINES[column // len(PALETTE) % len(LINES)]
        axes.plot(alarms, found, style, color=PALETTE[column % len(PALETTE)], label=f"{name} {area:.3f}")
    axes.set(xlabel="share of false alarms", ylabel="share of true positives", xlim=(0, 1), ylim=(0, 1.01))
    axes.set_title("ROC curve, area under it, on the validation split")
    figure.legend(loc="outside right upper", fontsize="small")
    return png(figure)
