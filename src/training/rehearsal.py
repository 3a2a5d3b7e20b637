"""A step of training and one of validation before the first trial, with a model that is thrown away then."""

from typing import Any

import keras
import numpy as np

from src.datasets import Dataset
from src.errors import ConfigError, did_you_mean
from src.objective import Objective

EXAMPLES = 2


def rehearse(model: keras.Model, data: Dataset, objective: Objective, callbacks: list[Any], *, trains: bool) -> None:
    """Finds what Keras raises or reports only once a step is taken.

    Args:
        model: compiled, and changed by the step.
        trains: whether its engine takes steps of training.

    Raises:
        ConfigError: the objective is not reported, or the model does not give what the loss takes.
        Exception: whatever Keras or the model's own code says.
    """
    chosen = data.train_index[:EXAMPLES]
    x, y = data.x[chosen], data.y[chosen]
    mistakes = _output_mistakes(np.asarray(model(x, training=False)), data.num_classes)
    trained, judged = model.train_step((x, y)) if trains else {}, model.test_step((x, y))
    names = [*(trained or judged), *(f"val_{name}" for name in judged)]
    wanted = {"objective": objective.name}
    wanted |= {f"training.callbacks: {type(one).__name__}: monitor": one.monitor for one in callbacks if hasattr(one, "monitor")}
    mistakes += [
        f"{key}={name}: it is not reported{did_you_mean(name, names)} Metrics: {', '.join(names)}"
        for key, name in wanted.items()
        if name not in names
    ]
    if mistakes:
        raise ConfigError(mistakes)


def _output_mistakes(predicted: np.ndarray, num_classes: int) -> list[str]:
    """What a loss would take for something else."""
    if predicted.shape != (EXAMPLES, num_classes):
        return [f"model: gives an array of shape {predicted.shape} for {EXAMPLES} examples; expected {(EXAMPLES, num_classes)}."]
    if predicted.min() >= 0 and predicted.max() <= 1:
        return []
    found = f"gives numbers from {predicted.min():.3g} to {predicted.max():.3g}, which training.loss takes for probabilities"
    return [f"model: {found}; expected a softmax at its end."]
