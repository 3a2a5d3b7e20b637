"""The engine of the baseline: scikit-learn's SGDClassifier, copied into an equivalent Keras model."""

import warnings
from collections.abc import Sequence

import keras
import numpy as np
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import StratifiedKFold, cross_validate

from src.datasets import Dataset
from src.errors import TrialError
from src.objective import Objective
from src.tasks import declared
from src.training import Fitted, Monitor, Schedule
from src.training.plain_fit import evaluate

ABSENT = -1e9  # bias of a class without training examples: its probability is 0, its logarithm finite


def refusal(data: Dataset) -> str:
    """Returns why logistic regression cannot train on a data set; empty if it can."""
    if not isinstance(data.x, np.ndarray) or data.x.dtype.kind not in "biuf" or data.read:
        received = "inputs that are no array of numbers"
    elif data.weights(training=True) is not None:
        received = "weights"
    elif declared(data.task) != "classes" or data.y.ndim > 1:
        received = f"the task {declared(data.task)}"
    else:
        return ""
    return f"engine=sgd_classifier: these data have {received}; expected an array of numbers and one class per example, without weights."


def fit(
    model: keras.Model,
    data: Dataset,
    *,
    seed: int,
    objective: Objective,
    schedule: Schedule,
    monitor: Monitor,
    max_iter: int,
    folds: int | None,
) -> Fitted:
    """Cross-validates on all examples before the split, then fits on the training split.

    Args:
        model: a compiled model with one Dense layer.
        objective: not used, because there is only one epoch to keep.
        schedule: only its `validation_batch` is used.
        max_iter: largest number of passes over the training examples.
        folds: number of folds of the cross-validation, which uses all cores; None skips it.

    Raises:
        TrialError: the training split, or the training part of a fold, has only one class.
    """
    classifier = SGDClassifier(loss="log_loss", max_iter=max_iter, random_state=seed)
    metrics: dict[str, float] = {}
    x, y = data.train
    _demand_two_classes(y, _names(data), "the training split")
    if folds:
        splits = _folds(data, folds)
        scores = cross_validate(classifier, data.x.reshape(len(data.x), -1), data.y, cv=splits, n_jobs=-1)["test_score"]
        metrics = {"cv/accuracy": float(np.mean(scores)), **{f"cv/fold_{k}": float(score) for k, score in enumerate(scores, 1)}}
    classifier.fit(x.reshape(len(x), -1), y)
    model.get_layer("output").set_weights(_dense_weights(classifier, len(_names(data))))
    validated = evaluate(model, data.validation, schedule.validation_batch)
    step = {**evaluate(model, (x, y), schedule.validation_batch), **{f"val_{name}": value for name, value in validated.items()}}
    monitor.report(1, step)
    return Fitted({name: [value] for name, value in step.items()}, kept_epoch=1, metrics=metrics)


def _names(data: Dataset) -> tuple[str, ...]:
    names: tuple[str, ...] = data.task.names  # type: ignore[attr-defined]
    return names


def _folds(data: Dataset, folds: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Returns positions (training, test) per fold, as scikit-learn's `cv=folds` chooses them.

    Checks all folds, because fitting the first ones may take minutes.
    """
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The least populated class")  # a class may be absent from a fold
            splits = list(StratifiedKFold(folds).split(data.y, data.y))
    except ValueError as error:
        raise TrialError(
            f"model.engine.folds={folds} of {len(data.y)} examples: {error} Expected fewer folds, or null for none."
        ) from error
    for number, (train, _) in enumerate(splits, 1):
        _demand_two_classes(data.y[train], _names(data), f"fold {number} of model.engine.folds={folds}")
    return splits


def _demand_two_classes(y: np.ndarray, names: Sequence[str], part: str) -> None:
    present = np.unique(y)
    if len(present) < 2:
        raise TrialError(
            f"{part} has only one class, {names[present[0]]}, in {len(y)} examples; logistic regression expects at least two. "
            "Another data.split_seed or more examples of the other classes may help."
        )


def _dense_weights(classifier: SGDClassifier, num_classes: int) -> list[np.ndarray]:
    """Returns kernel (features, num_classes) and bias (num_classes,)."""
    columns, biases = classifier.coef_.T, classifier.intercept_
    if len(classifier.classes_) == 2:  # scikit-learn has only the column of the second class
        columns, biases = np.hstack([-columns, columns]), np.hstack([-biases, biases])
    kernel, bias = np.zeros((len(columns), num_classes)), np.full(num_classes, ABSENT)
    kernel[:, classifier.classes_], bias[classifier.classes_] = columns, biases
    return [kernel, bias]
