from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import cross_validate

from src import datasets, trial


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
    outcome = trial.run(trial.Job(0, 1, compose("model=logistic_regression", "model.folds=null"), tmp_path), lambda *_: None, lambda: None)
    assert outcome.state == "FINISHED"
    assert not any(name.startswith("cv/") for name in outcome.metrics)
