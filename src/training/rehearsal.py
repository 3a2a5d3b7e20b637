"""One step of training and one of validation before the first trial, with a throwaway model."""

from typing import Any

import keras
import numpy as np

from src.datasets import Dataset
from src.errors import ConfigError, did_you_mean
from src.objective import Objective

EXAMPLES = 2


def rehearse(model: keras.Model, data: Dataset, objective: Objective, callbacks: list[Any], *, trains: bool) -> None:
    """Takes a step to find mistakes that Keras does not report before.

    Args:
        model: a compiled model, which the step changes.
        trains: True if the engine takes steps of training.

    Raises:
        ConfigError: the objective or a metric of a callback is not reported, or the output of the model does not fit the loss.
        Exception: any error of Keras or of the model's code.
    """
    chosen = data.train_index[:EXAMPLES]
    x, y = data.x[chosen], data.y[chosen]
    mistakes = _output_mistakes(np.asarray(model(x, training=False)), data.num_classes)
    trained = model.train_step((x, y)) if trains else {}
    validated = model.test_step((x, y))
    names = [*(trained or validated), *(f"val_{name}" for name in validated)]
    required = {"objective": objective.name}
    for callback in callbacks:
        if hasattr(callback, "monitor"):
            required[f"training.callbacks: {type(callback).__name__}: monitor"] = callback.monitor
    mistakes += [
        f"{key}={name}: it is not reported{did_you_mean(name, names)} Metrics: {', '.join(names)}"
        for key, name in required.items()
        if name not in names
    ]
    if mistakes:
        raise ConfigError(mistakes)


def _output_mistakes(predicted: np.ndarray, num_classes: int) -> list[str]:
    """Describes outputs of a model that a loss would misinterpret."""
    if predicted.shape != (EXAMPLES, num_classes):
        return [f"model: gives an array of shape {predicted.shape} for {EXAMPLES} examples; expected {(EXAMPLES, num_classes)}."]
    if predicted.min() >= 0 and predicted.max() <= 1:
        return []
    problem = f"gives numbers from {predicted.min():.3g} to {predicted.max():.3g}, which training.loss takes for probabilities"
    return [f"model: {problem}; expected a softmax at its end."]
