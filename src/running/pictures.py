"""The pictures of a sweep: all learning curves, and the predictions of the best trial's model."""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from src import trial
from src.errors import TrialbookError

if TYPE_CHECKING:  # it imports matplotlib, which takes half a second: only where pictures are drawn
    from src.plots.curves import History

log = logging.getLogger(__name__)


def of_best(config: dict[str, Any], weights: bytes) -> dict[str, bytes]:
    """Draws what the task shows of predictions on the validation split.

    Args:
        config: of the best trial.
        weights: of its kept epoch, as an .h5.
    """
    prepared = trial.prepare(config)
    from src.training.weights import load  # imports TensorFlow, for which the trial has set what it needs

    load(prepared.model, weights)
    x, truth = prepared.data.validation
    predicted = trial.predictions(prepared, x)
    return prepared.data.task.pictures(None if prepared.data.read else x, truth, predicted)


def of_sweep(histories: "list[tuple[str, History]]") -> dict[str, bytes]:
    """Draws all learning curves: validation in one picture, and training against validation in a panel per trial.

    Args:
        histories: (name of the trial, its metrics per epoch), best first.
    """
    from src.plots import curves, png

    metrics = [name for name in histories[0][1] if f"val_{name}" in histories[0][1]] if histories else []
    if not metrics:
        return {}
    panels = {f"curves_{name}.png": curves.panels(histories, name) for name in metrics}
    return {"learning_curves.png": png(curves.overview(histories)), **panels}


def made(what: str, make: Callable[[], dict[str, bytes]]) -> dict[str, bytes]:
    """Files for people; where they cannot be made, none and a line in the log: a picture must not cost the record."""
    try:
        return make()
    except TrialbookError as error:
        log.warning("no %s: %s", what, error)
    except Exception as error:
        log.warning("no %s: %s", what, error, exc_info=error)
    return {}
