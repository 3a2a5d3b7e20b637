"""The engine of the baseline: scikit-learn's SGDClassifier, whose coefficients are put into its Keras twin."""

import keras
import numpy as np
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import cross_validate

from src.datasets import Dataset
from src.objective import Objective
from src.training import Fitted, Monitor
from src.training.keras import evaluate


def fit(
    model: keras.Model, data: Dataset, *, seed: int, objective: Objective, monitor: Monitor, max_iter: int, folds: int | None
) -> Fitted:
    """Cross-validates on all examples before the split, then fits on the training split.

    Args:
        model: compiled, with one Dense layer.
        objective: ranks; a baseline has one step to keep.
        max_iter: passes over the training examples at most.
        folds: of the cross-validation, on all cores; None leaves it out.
    """
    classifier = SGDClassifier(loss="log_loss", max_iter=max_iter, random_state=seed)
    metrics: dict[str, float] = {}
    if folds:
        scores = cross_validate(classifier, data.x.reshape(len(data.x), -1), data.y, cv=folds, n_jobs=-1)["test_score"]
        metrics = {"cv/accuracy": float(np.mean(scores)), **{f"cv/fold_{k}": float(score) for k, score in enumerate(scores, 1)}}
    x, y = data.train
    classifier.fit(x.reshape(len(x), -1), y)
    model.get_layer("output").set_weights(_dense_weights(classifier, data.num_classes))
    step = {**evaluate(model, (x, y)), **{f"val_{name}": value for name, value in evaluate(model, data.validation).items()}}
    monitor.report(1, step)
    return Fitted({name: [value] for name, value in step.items()}, kept_epoch=1, metrics=metrics)


def _dense_weights(classifier: SGDClassifier, num_classes: int) -> list[np.ndarray]:
    """Kernel (features, num_classes) and bias (num_classes,); of two classes scikit-learn has one column, the second class's."""
    kernel, bias = classifier.coef_.T, classifier.intercept_
    if num_classes == 2:
        kernel, bias = np.hstack([-kernel, kernel]), np.hstack([-bias, bias])
    return [kernel, bias]
