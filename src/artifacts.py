"""Makes the files of a trial, as name → content: the model and its weights, the history, a picture and a summary."""

import csv
import io
import logging
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from src.errors import first_words
from src.training import Fitted

if TYPE_CHECKING:
    import keras

log = logging.getLogger(__name__)
WEIGHTS = "model.weights.h5"
WHOLE = ("model.h5", "model.keras")  # the whole model, if Keras can write it
DIGEST_TAGS = {  # an .h5 has no checksum of its own
    "model.h5": "trialbook.sha256.model",
    "model.keras": "trialbook.sha256.keras",
    WEIGHTS: "trialbook.sha256.weights",
}


def of(model: "keras.Model", fitted: Fitted, metrics: dict[str, float], picture: Callable[[], bytes] | None = None) -> dict[str, bytes]:
    """Returns the files of the model, `history.csv`, `curves.png` and `summary.txt`.

    Args:
        model: with the weights of the kept epoch.
        metrics: of the trial; with cross-validation the picture shows `kept/val_accuracy` beside the folds.
        picture: returns the content of `curves.png`; without it the picture is drawn here.
    """
    files, lines = saved(model)
    for line in lines:
        log.warning(line)
    drawn = picture() if picture else _picture(model, fitted, metrics)
    return {"curves.png": drawn, "history.csv": history_csv(fitted.history), "summary.txt": _summary(model), **files}


def _picture(model: "keras.Model", fitted: Fitted, metrics: dict[str, float]) -> bytes:
    from src.plots import curves

    scores = [value for name, value in fitted.metrics.items() if name.startswith("cv/fold_")]
    if scores:
        return curves.folds(scores, metrics["kept/val_accuracy"], model.name)
    return curves.curves(fitted.history, fitted.kept_epoch, model.name)


def history_csv(history: dict[str, list[float]]) -> bytes:
    """Returns the history as CSV, one row per epoch, counted from 1.

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


def saved(model: "keras.Model") -> tuple[dict[str, bytes], list[str]]:
    """Returns the files of a compiled model: its weights, and the whole model if Keras can write it.

    Returns:
        Name → content, and a warning for each file of WHOLE that Keras cannot write.

    Raises:
        Exception: the weights cannot be written.
    """
    if settings := getattr(model, "_compile_config", None):
        settings.config.setdefault("optimizer", model.optimizer)  # Keras removes it when it writes an .h5, as a callback may do
    ways: dict[str, list[Callable[[Path], None]]] = {
        "model.keras": [model.save],
        "model.h5": [model.save, lambda file: model.save(file, include_optimizer=False)],  # two variables with one name fail
        WEIGHTS: [model.save_weights],
    }
    contents, lines = {}, []
    with tempfile.TemporaryDirectory() as folder:
        for name, tries in ways.items():
            try:
                contents[name] = _first_written(Path(folder) / name, tries)
            except Exception as error:
                if name not in WHOLE or isinstance(error, OSError):  # a full disk
                    raise
                lines.append(f"{name} cannot be written: {type(error).__name__}: {first_words(error)}; {WEIGHTS} holds all weights")
    return contents, lines


def _first_written(file: Path, tries: list[Callable[[Path], None]]) -> bytes:
    """Writes a file in the first way that works, and returns its content; raises the error of the last way."""
    for number, write in enumerate(tries, 1):
        try:
            write(file)
            break
        except Exception as error:
            if number == len(tries) or isinstance(error, OSError):
                raise
    return file.read_bytes()
