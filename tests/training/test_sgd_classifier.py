from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import cross_validate

from src import datasets, trial
from src.datasets import Dataset
from src.errors import TrialError
from src.models import logistic_regression
from src.tasks.classes import Classes
from src.training import Fitted, Schedule, sgd_classifier

SCHEDULE = Schedule(1, 32, 1000, None, "best")


def test_the_baseline_is_scikit_learns(compose: Callable[..., dict], tmp_path: Path) -> None:
    config = compose("model=logistic_regression")
    outcome = trial.run(trial.Job(0, 1, config, tmp_path), lambda *_: None, lambda: None)
    data = datasets.load(config["data"])
    classifier = SGDClassifier(loss="log_loss", max_iter=100, random_state=42)
    flat = data.x.reshape(len(data.x), -1)
    folds = cross_validate(classifier, flat, data.y, cv=5)["test_score"]
    assert [outcome.metrics[f"cv/fold_{k}"] for k in range(1, 6)] == pytest.approx(folds)
    assert outcome.metrics["cv/accuracy"] == pytest.approx(np.mean(folds))
    classifier.fit(flat[data.train_index], data.y[data.train_index])
    assert outcome.metrics["kept/val_accuracy"] == pytest.approx(
        classifier.score(flat[data.validation_index], data.y[data.validation_index])
    )


def test_folds_can_be_left_out(compose: Callable[..., dict], tmp_path: Path) -> None:
    outcome = trial.run(
        trial.Job(0, 1, compose("model=logistic_regression", "model.engine.folds=null"), tmp_path), lambda *_: None, lambda: None
    )
    assert outcome.state == "FINISHED"
    assert not any(name.startswith("cv/") for name in outcome.metrics)


def fitted(y: np.ndarray, train: np.ndarray, classes: int, folds: int | None = None) -> tuple[Fitted, keras.Model, Dataset]:
    """The baseline on examples whose training split is given."""
    x = np.random.default_rng(0).normal(size=(len(y), 5)).astype(np.float32) + y[:, None]
    rest = np.setdiff1d(np.arange(len(y)), train)
    data = Dataset(x, y, train, rest, Classes(tuple("abcdef"[:classes])), lambda: (x, y))
    model = logistic_regression.build((5,), classes)
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    monitor = SimpleNamespace(report=lambda *_: None)
    return (
        sgd_classifier.fit(model, data, seed=0, objective=None, schedule=SCHEDULE, monitor=monitor, max_iter=50, folds=folds),
        model,
        data,
    )


@pytest.mark.parametrize("present", [[0, 1, 3], [1, 3], [0, 1], [2, 3, 4]])
def test_a_class_without_training_examples_has_practically_no_probability(present: list[int]) -> None:
    y = np.array([*present * 10, 0, 1, 2, 3, 4])
    found, model, data = fitted(y, np.arange(len(present) * 10), 5)
    probabilities = model.predict(100 * data.x, verbose=0)
    assert np.isfinite(probabilities).all() and all(np.isfinite(values).all() for values in found.history.values())
    absent = np.setdiff1d(np.arange(5), present)
    assert probabilities[:, absent].max() < 1e-9
    flat, labels = data.train
    expected = SGDClassifier(loss="log_loss", max_iter=50, random_state=0).fit(flat, labels).predict_proba(data.x)
    np.testing.assert_allclose(model.predict(data.x, verbose=0)[:, present], expected, atol=2e-5)


@pytest.mark.parametrize(
    ("y", "train", "message"),
    [
        ([0] * 20 + [1] * 3, range(20), "the training split has only one class, a, in 20 examples"),
        ([0] * 20 + [1], range(10, 21), "fold [1-5] of model.engine.folds=5 has only one class, a"),
        ([0, 0, 1, 1], range(3), "model.engine.folds=5 of 4 examples: .* Expected fewer folds"),
    ],
)
def test_one_class_alone_is_refused_before_the_cross_validation(
    y: list[int], train: range, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(sgd_classifier, "cross_validate")
    with pytest.raises(TrialError, match=message):
        fitted(np.array(y), np.array(train), 2, folds=5)


def test_a_rare_class_does_not_spoil_the_cross_validation(recwarn: pytest.WarningsRecorder) -> None:
    found, _, _ = fitted(np.array([0, 1] * 20 + [2]), np.arange(40), 3, folds=5)
    assert len([name for name in found.metrics if name.startswith("cv/fold")]) == 5 and np.isfinite(list(found.metrics.values())).all()
    assert not [one for one in recwarn if "least populated" in str(one.message)]
