"""Draws the pictures of a sweep: all learning curves, and predictions of the best trial's model."""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from src import trial
from src.errors import TrialbookError

if TYPE_CHECKING:  # matplotlib takes half a second to import
    from src.plots.curves import History

log = logging.getLogger(__name__)


def of_best(config: dict[str, Any], weights: bytes) -> dict[str, bytes]:
    """Draws the task's pictures of a trial's predictions on the validation split, with weights from an .h5 file."""
    prepared = trial.prepare(config)
    from src.training.weights import load  # imports TensorFlow, which `prepare` has configured

    load(prepared.model, weights)
    x, truth = prepared.data.validation
    predicted = trial.predictions(prepared, x)
    return prepared.data.task.pictures(None if prepared.data.read else x, truth, predicted)


def of_sweep(histories: "list[tuple[str, History]]") -> dict[str, bytes]:
    """Draws the curves of all trials, given by name and metrics per epoch, the best first.

    One picture has all validation curves; another one per metric has a panel per trial, with training and validation.
    """
    from src.plots import curves, png

    metrics = [name for name in histories[0][1] if f"val_{name}" in histories[0][1]] if histories else []
    if not metrics:
        return {}
    panels = {f"curves_{name}.png": curves.panels(histories, name) for name in metrics}
    return {"learning_curves.png": png(curves.overview(histories)), **panels}


def try_to_make(what: str, make: Callable[[], dict[str, bytes]]) -> dict[str, bytes]:
    """Returns the files that `make` makes; if it fails, logs that and returns none, because the record matters more."""
    try:
        return make()
    except TrialbookError as error:
        log.warning("no %s: %s", what, error)
    except Exception as error:
        log.warning("no %s: %s", what, error, exc_info=error)
    return {}
