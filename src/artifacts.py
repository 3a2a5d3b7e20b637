"""What a trial leaves behind, as name → content: the model twice, its history, a picture and a summary."""

import csv
import io
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from src.training import Fitted

if TYPE_CHECKING:
    import keras

DIGEST_TAGS = {"model.h5": "trialbook.sha256.model", "model.weights.h5": "trialbook.sha256.weights"}  # an .h5 has no checksum of its own


def of(model: "keras.Model", fitted: Fitted, metrics: dict[str, float]) -> dict[str, bytes]:
    """`model.h5`, `model.weights.h5`, `history.csv`, `curves.png` and `summary.txt`.

    Args:
        model: with the weights of the kept epoch.
        metrics: with `kept/val_accuracy`, which the picture of cross-validation's folds shows beside them.
    """
    from src.plots import curves

    scores = [value for name, value in fitted.metrics.items() if name.startswith("cv/fold_")]
    if scores:
        picture = curves.folds(scores, metrics["kept/val_accuracy"], model.name)
    else:
        picture = curves.curves(fitted.history, fitted.kept_epoch, model.name)
    return {"curves.png": picture, "history.csv": history_csv(fitted.history), "summary.txt": _summary(model), **_h5(model)}


def history_csv(history: dict[str, list[float]]) -> bytes:
    """One row per epoch, counted from 1.

    >>> history_csv({"loss": [0.5, 0.25]})
    b'epoch,loss\\r\\n1,0.5\\r\\n2,0.25\\r\\n'
    """
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(["epoch", *history])
    rows.writerows([epoch, *values] for epoch, values in enumerate(zip(*history.values(), strict=True), 1))
    return text.getvalue().encode()


def _summary(model: "keras.Model") -> bytes:
    lines: list[str] = []
    model.summary(print_fn=lambda line, **_: lines.append(line))
    return "\n".join(lines).encode()


def _h5(model: "keras.Model") -> dict[str, bytes]:
    """The whole model, and its weights alone; Keras writes files, so they pass through a folder that goes away."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model.save(folder / "model.h5")
        model.save_weights(folder / "model.weights.h5")
        return {file: (folder / file).read_bytes() for file in ("model.h5", "model.weights.h5")}
