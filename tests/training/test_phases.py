"""Phases freeze and thaw layers, go on after an interruption in any of them, and cost nothing where there are none."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from src import models, trial
from src.errors import ConfigError
from src.training import phases
from tests.training.test_matrix import no_files, run  # noqa: F401  a fixture

PHASES = "{a: {start: 1, frozen: [hidden]}, b: {start: 3, learning_rate: 0.001}}"


def network(*, always_frozen: bool = False) -> keras.Model:
    layers = [keras.layers.Flatten(), keras.layers.Dense(5, "relu", name="hidden"), keras.layers.Dense(4, name="fixed")]
    model = keras.Sequential([keras.Input((8, 8)), *layers, keras.layers.Dense(10, "softmax", name="head")])
    model.get_layer("fixed").trainable = not always_frozen
    return model


@pytest.fixture
def config(compose: Callable[..., dict], monkeypatch: pytest.MonkeyPatch) -> dict:
    monkeypatch.setattr(models, "build", lambda *_: network(always_frozen=True))
    words = ("training=fixed_epochs", "training.epochs=4", "optimizer=adam", "optimizer.learning_rate=0.01", f"training.phases={PHASES}")
    return compose(*words)


def weights_after(config: dict, epochs: int) -> dict[str, np.ndarray]:
    prepared = trial.prepare({**config, "training": {**config["training"], "epochs": epochs}})
    if epochs:
        trial.fit(prepared, lambda *_: None, lambda: None)
    return {layer.name: layer.get_weights()[0] for layer in prepared.model.layers if layer.weights}


def test_what_is_frozen_stays_and_what_the_user_froze_stays_throughout(config: dict) -> None:
    start, first, both = (weights_after(config, epochs) for epochs in (0, 2, 4))
    assert np.array_equal(start["hidden"], first["hidden"]) and not np.array_equal(first["hidden"], both["hidden"])
    assert not np.array_equal(start["head"], first["head"])
    assert np.array_equal(start["fixed"], both["fixed"]), "it was frozen before"


@pytest.mark.parametrize("epochs", [1, *(pytest.param(epochs, marks=pytest.mark.long) for epochs in (2, 3))])
def test_interrupted_in_any_phase_it_goes_on_to_the_same_digits(epochs: int, config: dict, tmp_path: Path) -> None:
    whole = run(config, tmp_path, continued=True)
    part = run({**config, "training": {**config["training"], "epochs": epochs}}, tmp_path, continued=True)
    then = run(config, tmp_path, checkpoint=part.files[trial.CHECKPOINT], continued=True)
    assert then.history == whole.history


@pytest.mark.parametrize(
    ("node", "message"),
    [
        ({"a": {"start": 1, "frozen": ["hiden"]}}, "no layer 'hiden'; did you mean 'hidden'"),
        ({"a": {"start": 2}}, r"they start with the epochs \[2\]; expected one with epoch 1"),
        ({"a": {"start": 1}, "b": {"start": 1}}, "no two with the same"),
        ({"a": {"start": 1, "rate": 1}}, "there is no such key"),
        ({"a": {"start": 1, "learning_rate": "fast"}}, "learning_rate=fast: expected a number above 0"),
        ({"a": {"start": 0}}, "start=0: expected the first epoch"),
        ({"a": 1}, "training.phases.a=1: expected a mapping"),
    ],
)
def test_mistakes_are_told_by_name(node: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        phases.read(node, network())
