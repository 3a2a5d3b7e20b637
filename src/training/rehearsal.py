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
    mistakes = _output_mistakes(model, np.asarray(model(x, training=False)), data.num_classes)
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


def _output_mistakes(model: keras.Model, predicted: np.ndarray, num_classes: int) -> list[str]:
    """What a loss would take for something else."""
    if predicted.shape != (EXAMPLES, num_classes):
        return [f"model: gives an array of shape {predicted.shape} for {EXAMPLES} examples; expected {(EXAMPLES, num_classes)}."]
    probable = predicted.min() >= 0 and predicted.max() <= 1
    if not getattr(model.loss, "from_logits", False):
        found = f"gives numbers from {predicted.min():.3g} to {predicted.max():.3g}, which training.loss takes for probabilities"
        return [] if probable else [f"model: {found}; expected a softmax at its end, or a loss with from_logits: true."]
    summed = np.allclose(predicted.sum(axis=1), 1, atol=1e-3)
    found = "gives probabilities, of which training.loss takes the softmax once more"
    return [f"model: {found}; expected no softmax at its end, or a loss without from_logits."] if probable and summed else []
