"""The pictures of a sweep: all learning curves, and the classes that the best trial's model confuses."""

from typing import Any

from src import trial
from src.plots import classes, curves, png
from src.plots.curves import History


def of_best(config: dict[str, Any], weights: bytes) -> dict[str, bytes]:
    """Draws the confusion matrix, the accuracy per class and, of pictures, the most confident mistakes on the validation split.

    Args:
        config: of the best trial.
        weights: of its kept epoch, as an .h5.
    """
    prepared = trial.prepare(config)
    trial.load_weights(prepared, weights)
    x, truth = prepared.data.validation
    probabilities = trial.probabilities(prepared, x)
    predicted, names = probabilities.argmax(axis=1), prepared.data.class_names
    found = {
        "confusion_matrix.png": classes.confusion(truth, predicted, names),
        "accuracy_per_class.png": classes.accuracy_per_class(truth, predicted, names),
    }
    if classes.are_pictures(x):
        found["confidently_wrong.png"] = classes.confidently_wrong(x, truth, probabilities, names)
        found["examples.png"] = classes.examples(prepared.data.x, prepared.data.y, names)
    return found


def of_sweep(histories: list[tuple[str, History]]) -> dict[str, bytes]:
    """Draws all learning curves: validation in one picture, and training against validation in a panel per trial.

    Args:
        histories: (name of the trial, its metrics per epoch), best first.
    """
    metrics = [name for name in histories[0][1] if f"val_{name}" in histories[0][1]] if histories else []
    if not metrics:
        return {}
    panels = {f"curves_{name}.png": curves.panels(histories, name) for name in metrics}
    return {"learning_curves.png": png(curves.overview(histories)), **panels}
