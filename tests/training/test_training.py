"""The contract of every file of conf/training/."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from src import trial
from src.errors import ConfigError
from tests.conftest import options

TRAINING = options("training")


def test_all_options_are_found() -> None:
    assert len(TRAINING) >= 2


@pytest.mark.parametrize("name", TRAINING)
def test_contract(name: str, compose: Callable[..., dict], tmp_path: Path) -> None:
    outcome = trial.run(trial.Job(0, 1, compose(f"training={name}"), tmp_path), lambda *_: None, lambda: None)
    assert outcome.state == "FINISHED", outcome.cause
    assert outcome.metrics["kept/epoch"] == 1


def test_a_model_may_have_arguments_of_an_engines_names(two_layer: Callable, compose: Callable[..., dict], tmp_path: Path) -> None:
    found: dict = {}

    def build(input_shape: tuple, num_classes: int, **given: int) -> Any:
        import keras

        found.update(given)
        layers = [keras.Input(input_shape), keras.layers.Flatten(), keras.layers.Dense(num_classes, activation="softmax")]
        return keras.Sequential(layers)

    two_layer(build)
    own = {"seed": 5, "keep": 3, "epochs": 7, "patience": 1, "batch_size": 2, "max_iter": 4}
    config = compose()
    config["model"] = {"_target_": "src.models.two_layer.build", **own}
    outcome = trial.run(trial.Job(0, 1, config, tmp_path), lambda *_: None, lambda: None)
    assert outcome.state == "FINISHED" and found == own and len(outcome.history["loss"]) == 1, outcome.cause


@pytest.mark.parametrize(
    ("engine", "message"),
    [
        ({"name": "sgd_classifier", "max_iter": 9, "fold": 5}, "has no 'fold'; did you mean 'folds'"),
        ({"name": "sgd_classifier", "max_iter": 9, "folds": 5, "seed": 1}, "has no 'seed'"),
        ({"name": "sgd"}, "engine=sgd: there is no such engine"),
        ("sgd_classifier", "model.engine=sgd_classifier: expected a mapping of its name and its arguments"),
        ({"max_iter": 9}, "expected a mapping of its name"),
    ],
)
def test_a_models_engine_is_checked(engine: Any, message: str, compose: Callable[..., dict], tmp_path: Path) -> None:
    config = compose("model=logistic_regression")
    config["model"]["engine"] = engine
    with pytest.raises(ConfigError, match=message):
        trial.prepare(config, tmp_path)


def test_a_key_that_no_engine_reads_is_refused(compose: Callable[..., dict], tmp_path: Path) -> None:
    config = compose()
    config["training"]["batchsize"] = 64
    with pytest.raises(ConfigError, match="does not read 'batchsize'; did you mean 'batch_size'"):
        trial.prepare(config, tmp_path)


def test_a_schedule_is_whole_and_a_models_engine_may_set_a_part_of_it(compose: Callable[..., dict], tmp_path: Path) -> None:
    config = compose("training.epochs=3")
    del config["training"]["patience"]
    with pytest.raises(ConfigError, match=r"training: patience not given; expected them in the training's YAML"):
        trial.prepare(config, tmp_path)
    config["model"]["engine"] = {"name": "keras", "patience": None, "epochs": 2}
    assert trial.prepare(config, tmp_path).schedule.epochs == 2


def test_validations_batch_changes_no_score(compose: Callable[..., dict], tmp_path: Path) -> None:
    whole, parts = (
        trial.run(trial.Job(0, 1, compose(f"training.validation_batch={size}"), tmp_path), lambda *_: None, lambda: None)
        for size in ("auto", 50)
    )
    assert parts.metrics["kept/val_accuracy"] == whole.metrics["kept/val_accuracy"]
    assert parts.metrics["kept/val_loss"] == pytest.approx(whole.metrics["kept/val_loss"], rel=1e-5)
