"""Every optimizer, layer and callback of Keras with every engine: the same losses, or a line that says what runs instead.

A cell trains a tiny network straight through, killed and resumed, and in a stack in which a lane is used twice.
Cells that compile long run in `make faults` (TRIALBOOK_LONG=1).
"""

import inspect
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from src import models, trial
from src.datasets import trees
from src.executors import Listener
from src.executors.fused import Fused
from src.job import CHECKPOINT, Job, Outcome
from src.training import Fitted
from src.training.structure import has_own_parts
from tests.training.networks import MODELS, PARTS_OF_ITS_OWN, Dropout, built, unseeded

Compose = Callable[..., dict]
LONG = bool(os.environ.get("TRIALBOOK_LONG"))
SCHEDULE = {"_target_": "keras.optimizers.schedules.ExponentialDecay", "initial_learning_rate": 0.01, "decay_steps": 9, "decay_rate": 0.9}
CLASSES = [name for name, one in vars(keras.optimizers).items() if inspect.isclass(one) and issubclass(one, keras.optimizers.Optimizer)]
WRAPPERS = ("Optimizer", "LossScaleOptimizer", "MultiOptimizer")  # the base class, and what takes other optimizers
OPTIMIZERS = [name for name in CLASSES if name not in WRAPPERS]
SETTINGS: dict[str, dict[str, Any]] = {
    "schedule": {"learning_rate": SCHEDULE},
    "clipnorm": {"clipnorm": 0.1},
    "weight_decay": {"weight_decay": 0.01},
    "ema": {"use_ema": True},
    "ema_overwrite": {"use_ema": True, "ema_overwrite_frequency": 10},
    "loss_scale": {"loss_scale_factor": 128.0},
    "accumulation": {"gradient_accumulation_steps": 2},
}
QUICK = STACKED = [("SGD", "loss_scale")]  # others are stacked in tests/executors/test_fused.py
EVERY = [(name, setting) for name in OPTIMIZERS for setting in ("plain", *SETTINGS)]


def optimizer(name: str, setting: str) -> dict[str, Any]:
    momentum = {"momentum": 0.9} if name == "SGD" else {}
    return {"_target_": f"keras.optimizers.{name}", "learning_rate": 0.01, **momentum, **SETTINGS.get(setting, {})}


@pytest.fixture(autouse=True)
def no_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trains without pictures and .h5 files, which take longer than these networks."""

    def finish(prepared: trial.Prepared, fitted: Fitted, seconds: float, *, continued: bool, picture: object = None) -> Outcome:
        return Outcome("FINISHED", {}, fitted.history, seconds, files={CHECKPOINT: fitted.latest.to_bytes()})

    monkeypatch.setattr(trial, "finish", finish)


def run(config: dict, folder: Path, **job: Any) -> Outcome:
    outcome = trial.run(Job(0, 1, config, folder, **job), lambda *_: None, lambda: None)
    assert outcome.state == "FINISHED", outcome.cause
    return outcome


def stacked(configs: list[dict], folder: Path, workers: int = 2) -> list[Outcome]:
    """Outcomes of more trials than there are lanes."""
    ended: dict[int, Outcome] = {}
    fused = Fused(trial.run, workers=workers)
    fused.listener = Listener(lambda *_: None, ended.__setitem__, lambda *_: None, lambda: None)
    begun = 0
    while len(ended) < len(configs):
        while begun < len(configs) and begun - len(ended) < fused.slots:
            fused.submit(Job(begun, 1, configs[begun], folder, continued=True))
            begun += 1
        fused.wait(1.0)
    return [ended[number] for number in range(len(configs))]


def assert_alike(found: Outcome, expected: Outcome, rounding: float = 2e-4) -> None:
    assert found.state == "FINISHED", found.cause
    for name, values in expected.history.items():
        np.testing.assert_allclose(found.history[name], values, rtol=rounding if "loss" in name else 2e-2, err_msg=name)


def assert_resumed_exactly(config: dict, whole: Outcome, folder: Path) -> None:
    half = run({**config, "training": {**config["training"], "epochs": 1}}, folder, continued=True)
    assert run(config, folder, checkpoint=half.files[CHECKPOINT], continued=True).history == whole.history


def assert_stacked_alike(config: dict, whole: Outcome, folder: Path, rounding: float = 2e-4, trials: int = 3) -> None:
    """The first of the stacked trials is the one that has been trained alone already."""
    configs = [config, *({**config, "seed": seed} for seed in range(1, trials))]
    expected = [whole, *(run(own, folder) for own in configs[1:])]
    for found, own in zip(stacked(configs, folder), expected, strict=True):
        assert_alike(found, own, rounding)


@pytest.fixture
def config(compose: Compose) -> dict:
    return compose("model=one_layer", "training=fixed_epochs", "training.epochs=2")


@pytest.mark.parametrize(("name", "setting"), EVERY if LONG else QUICK)
def test_an_optimizer_trains_alike_everywhere(
    name: str, setting: str, config: dict, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config["optimizer"] = optimizer(name, setting)
    plain, fast = (run({**config, "training": {**config["training"], "engine": engine}}, tmp_path) for engine in ("keras", "compiled"))
    assert_alike(fast, plain)
    assert not caplog.records, "compiled: all of Keras' optimizers"
    assert_resumed_exactly(config, fast, tmp_path)
    if (name, setting) in STACKED or LONG:
        with caplog.at_level(logging.WARNING, "src"):
            assert_stacked_alike(config, fast, tmp_path)


QUICK_MODELS = ("own_state_and_loss",)


@pytest.mark.long
def test_an_optimizer_within_another_trains_alike(config: dict, tmp_path: Path) -> None:
    config["optimizer"] = {"_target_": "keras.optimizers.LossScaleOptimizer", "inner_optimizer": optimizer("SGD", "plain")}
    fast = run(config, tmp_path)
    assert_alike(fast, run(plain(config), tmp_path))
    assert_resumed_exactly(config, fast, tmp_path)


RANDOM = ("dropout", "noise", "attention_dropout", "flip")  # what they draw is another sequence in a program
ROUNDING = {"batch_normalization": 5e-3, "shared_and_nested": 5e-3, "frozen": 5e-3}  # a normalization divides by what it sums up


@pytest.fixture
def with_model(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., keras.Model]], None]:
    """Has trials build a network of the test's."""

    def use(make: Callable[..., keras.Model]) -> None:
        monkeypatch.setattr(models, "build", lambda node, interface: make(trees.shapes(interface.example), len(interface.task.names)))

    return use


@pytest.mark.parametrize("name", [name for name in MODELS if LONG or name in QUICK_MODELS])
def test_a_network_trains_alike_everywhere(
    name: str, config: dict, tmp_path: Path, with_model: Callable, caplog: pytest.LogCaptureFixture
) -> None:
    with_model(MODELS[name])
    config["optimizer"] = optimizer("Adam", "plain")
    fast = run(config, tmp_path)
    if name not in RANDOM:
        assert_alike(fast, run(plain(config), tmp_path), ROUNDING.get(name, 2e-4))
    assert not caplog.records
    assert_resumed_exactly(config, fast, tmp_path)
    with caplog.at_level(logging.WARNING, "src"):  # one with parts of its own is not stacked, and compiled for each trial
        assert_stacked_alike(config, fast, tmp_path, ROUNDING.get(name, 2e-4), trials=2 if name == "own_state_and_loss" else 3)
    assert ("gradient of single rows" in caplog.text) is (name == "embedding")


@pytest.mark.parametrize("name", MODELS)
def test_trials_of_keras_own_layers_share_a_program(name: str) -> None:
    assert has_own_parts(MODELS[name]((8, 8), 10)) is (name == "own_state_and_loss")


def plain(config: dict) -> dict:
    return {**config, "training": {**config["training"], "engine": "keras"}}


@pytest.mark.parametrize("make", [make for pair in PARTS_OF_ITS_OWN.values() for make in pair])
def test_a_model_with_parts_of_its_own_shares_none(make: Callable) -> None:
    assert has_own_parts(make((8, 8), 10))


@pytest.mark.long
@pytest.mark.parametrize("name", PARTS_OF_ITS_OWN if LONG else ["bound"])
def test_what_only_the_models_code_knows_is_a_trials_own(
    name: str, config: dict, tmp_path: Path, with_model: Callable, caplog: pytest.LogCaptureFixture
) -> None:
    config["optimizer"] = {**optimizer("Adam", "plain"), "learning_rate": 0.02}
    losses = []
    for make in PARTS_OF_ITS_OWN[name]:
        with_model(make)
        found = run(config, tmp_path)
        assert_alike(found, run(plain(config), tmp_path))
        losses.append(found.history["val_loss"])
    assert losses[0] != losses[1] and not caplog.records
    both = [run({**config, "seed": seed}, tmp_path).history for seed in (1, 2)]
    assert [one.history for one in stacked([{**config, "seed": seed} for seed in (1, 2)], tmp_path)] == both
    assert "is not stacked: a part of it is not Keras' own" in caplog.text


def test_random_numbers_without_a_seed_are_a_trials_own(
    config: dict, tmp_path: Path, with_model: Callable, caplog: pytest.LogCaptureFixture
) -> None:
    with_model(unseeded)
    first, second, by_plain_fit = run(config, tmp_path), run(config, tmp_path), run(plain(config), tmp_path)
    assert first.history == second.history == by_plain_fit.history
    assert "seed_generator_state" in caplog.text and "plain fit trains it" in caplog.text


def test_a_layer_with_the_name_of_kerass_dropout_keeps_its_own_rate(config: dict, tmp_path: Path, with_model: Callable) -> None:
    keras.saving.register_keras_serializable("tests")(Dropout)
    for rate in (0.5, 2.0):
        with_model(built(lambda rate=rate: [Dropout(rate)]))
        plain, fast = (run({**config, "training": {**config["training"], "engine": engine}}, tmp_path) for engine in ("keras", "compiled"))
        assert_alike(fast, plain)
