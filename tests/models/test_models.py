"""The contract of every model in conf/model/, under every optimizer of conf/optimizer/."""

import math
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from src import trial
from src.training.plain_fit import evaluate
from tests.conftest import options

MODELS, OPTIMIZERS = options("model"), options("optimizer")
PAIRS = [(model, optimizer) for model in MODELS for optimizer in (OPTIMIZERS if model == "two_layer" else ["rmsprop"])]


def test_all_models_and_optimizers_are_found() -> None:
    assert len(MODELS) >= 3 and len(OPTIMIZERS) >= 6


@pytest.mark.parametrize(("model", "optimizer"), PAIRS)
def test_contract(model: str, optimizer: str, compose: Callable[..., dict], tmp_path: Path) -> None:
    config = compose(f"model={model}", f"optimizer={optimizer}")
    reported: list[int] = []
    outcome = trial.run(trial.Job(0, 1, config, tmp_path), lambda epoch, metrics: reported.append(epoch), lambda: None)
    assert outcome.state == "FINISHED", outcome.cause
    assert reported == [1]
    assert all(math.isfinite(value) for value in outcome.metrics.values())
    assert {"loss", "accuracy", "val_loss", "val_accuracy"} <= set(outcome.history)
    assert set(outcome.files) == {"model.h5", "model.keras", "model.weights.h5", "history.csv", "curves.png", "summary.txt"}
    assert f"{int(outcome.metrics['model/parameters']):,}" in outcome.files["summary.txt"].decode()


@pytest.mark.parametrize("model", MODELS)
def test_every_file_evaluates_to_the_logged_values_without_this_project(model: str, compose: Callable[..., dict], tmp_path: Path) -> None:
    config = compose(f"model={model}", *(["model.dropout=0.3", "training.epochs=2"] if model == "two_layer" else []))
    outcome = trial.run(trial.Job(0, 1, config, tmp_path), lambda *_: None, lambda: None)
    for name in ("model.h5", "model.keras", "model.weights.h5"):
        (tmp_path / name).write_bytes(outcome.files[name])
    prepared = trial.prepare(config, tmp_path)
    whole = [keras.models.load_model(tmp_path / name, compile=False) for name in ("model.h5", "model.keras")]
    for model in whole:
        model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    prepared.model.load_weights(tmp_path / "model.weights.h5")
    for restored in (*whole, prepared.model):
        found = evaluate(restored, prepared.data.validation, prepared.schedule.validation_batch)
        for name in ("loss", "accuracy"):
            assert found[name] == pytest.approx(outcome.metrics[f"kept/val_{name}"], abs=1e-6)


def test_parameter_counts_are_the_notebooks() -> None:
    from src.models import logistic_regression, one_layer, two_layer

    assert one_layer.build((28, 28), (10,), "softmax").count_params() == logistic_regression.build((28, 28), 10).count_params() == 7850
    assert two_layer.build((28, 28), (10,), "softmax", units=100, activation="relu", dropout=0.3).count_params() == 79510


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_the_keras_twin_predicts_what_scikit_learn_predicts(classes: int) -> None:
    from sklearn.linear_model import SGDClassifier

    from src.models import logistic_regression
    from src.training.sgd_classifier import _dense_weights

    x, y = np.random.default_rng(0).normal(size=(300, 6)).astype(np.float32), np.arange(300) % classes
    classifier = SGDClassifier(loss="log_loss", random_state=0).fit(x, y)
    twin = logistic_regression.build((6,), classes)
    twin.get_layer("output").set_weights(_dense_weights(classifier, classes))
    np.testing.assert_allclose(twin.predict(x, verbose=0), classifier.predict_proba(x), atol=2e-5)
