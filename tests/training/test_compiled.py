"""The fast engine against the reference, and what it never compiles twice.

One process runs them, in this order: what a test compiles, later ones need not.
"""

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from src import datasets, trial
from src.errors import ConfigError
from src.objective import Objective
from src.training import Fitted, Monitor, Schedule, compiled, dropout, runtime
from src.training.structure import structure_of
from tests.conftest import options

Compose = Callable[..., dict]
FEW_STEPS = "training.epochs=3"  # of 36 batches each, the last one smaller
PAIRS = [("one_layer", "sgd"), *(("two_layer", optimizer) for optimizer in options("optimizer"))]
QUICK = [("one_layer", "sgd"), ("two_layer", "adam")]


def run(config: dict, folder: Path) -> trial.Outcome:
    outcome = trial.run(trial.Job(0, 1, config, folder), lambda *_: None, lambda: None)
    assert outcome.state == "FINISHED", outcome.cause
    return outcome


pytestmark = pytest.mark.xdist_group("compiled")


def forget() -> None:
    compiled._programs.clear()
    compiled._validations.clear()


def test_learning_rates_dropout_rates_and_seeds_share_a_program(compose: Compose, tmp_path: Path) -> None:
    words = [
        ("model.dropout=0.3", "seed=1", "optimizer.learning_rate=0.01"),
        ("model.dropout=0.1", "seed=2", "optimizer.learning_rate=0.02"),
    ]
    forget()
    shared = [run(compose(FEW_STEPS, *own), tmp_path) for own in words]
    assert len(compiled._programs) == 1
    forget()
    assert run(compose(FEW_STEPS, *words[1]), tmp_path).history == shared[1].history, "alone or after others: the same digits"
    assert shared[0].history != shared[1].history


def test_the_saved_model_has_a_stock_dropout_with_its_own_rate(compose: Compose, tmp_path: Path) -> None:
    for rate in (0.3, 0.2):
        (tmp_path / "model.h5").write_bytes(run(compose(f"model.dropout={rate}"), tmp_path).files["model.h5"])
        layer = keras.models.load_model(tmp_path / "model.h5", compile=False).get_layer("dropout")
        assert type(layer) is keras.layers.Dropout and layer.rate == rate


def test_dropout_drops_the_share_that_it_says(compose: Compose, tmp_path: Path) -> None:
    losses = [run(compose(f"model.dropout={rate}", "training.epochs=8"), tmp_path).history["loss"][-1] for rate in (0.05, 0.5, 0.9)]
    plain = run(compose("model.dropout=0.5", "training.epochs=8", "training.engine=keras"), tmp_path).history["loss"][-1]
    assert losses == sorted(losses) and losses[1] == pytest.approx(plain, rel=0.1)


def test_optimizers_share_the_program_of_validation(compose: Compose, tmp_path: Path) -> None:
    forget()
    first, second = (run(compose(FEW_STEPS, f"optimizer={optimizer}"), tmp_path) for optimizer in ("sgd", "adam"))
    assert (len(compiled._programs), len(compiled._validations)) == (2, 1)
    forget()
    assert run(compose(FEW_STEPS, "optimizer=adam"), tmp_path).history == second.history != first.history


@pytest.mark.parametrize(("model", "optimizer"), [pytest.param(*pair, marks=() if pair in QUICK else pytest.mark.long) for pair in PAIRS])
def test_a_hundred_steps_agree_with_plain_fit(model: str, optimizer: str, compose: Compose, tmp_path: Path) -> None:
    words = (f"model={model}", f"optimizer={optimizer}", FEW_STEPS)
    fast, plain = (run(compose(*words, f"training.engine={engine}"), tmp_path) for engine in ("compiled", "keras"))
    assert compiled._programs and None not in compiled._programs.values()
    for name, values in plain.history.items():
        np.testing.assert_allclose(fast.history[name], values, rtol=2e-5 if "loss" in name else 2e-3, err_msg=name)


def test_another_structure_is_another_program(compose: Compose, tmp_path: Path) -> None:
    others = ["optimizer=sgd", "model.units=50", "model.activation=sigmoid", "training.batch_size=16", "optimizer.rho=0.8"]
    found = set()
    for words in ([], *([other] for other in others)):
        prepared = trial.prepare(compose(*words), tmp_path)
        sizes = prepared.schedule.batch_size, prepared.schedule.validation_batch
        found.add(structure_of(prepared.model, prepared.data, *sizes))
    assert len(found) == 1 + len(others)


@pytest.mark.parametrize(
    ("key", "counter", "words"),
    [  # the known answers that come with the authors' Random123
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
        ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    ],
)
def test_threefry_gives_the_published_words(key: tuple, counter: tuple, words: tuple) -> None:
    first, second = (tf.constant([word], tf.uint32) for word in counter)
    assert tuple(int(found[0]) for found in dropout.threefry(tf.constant(key, tf.uint32), first, second)) == words


def test_a_learning_rate_schedule_is_part_of_the_structure(compose: Compose, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    schedule = "optimizer.learning_rate={{_target_: keras.optimizers.schedules.InverseTimeDecay, decay_steps: 9, decay_rate: 1, "
    schedule += "initial_learning_rate: {}}}"
    monkeypatch.setattr(compiled, "_programs", OrderedDict())
    words = ("model=one_layer", "optimizer=sgd", "training.epochs=2")
    first, second = (run(compose(*words, schedule.format(rate)), tmp_path) for rate in (0.01, 0.02))
    assert len(compiled._programs) == 2 and first.history != second.history


def test_a_callback_may_change_the_learning_rate(compose: Compose, tmp_path: Path) -> None:
    reduce = "{_target_: keras.callbacks.ReduceLROnPlateau, monitor: loss, min_delta: 9, patience: 1, factor: 0.5}"
    history = run(compose("optimizer=adam", "training.epochs=3", f"training.callbacks=[{reduce}]"), tmp_path).history
    assert history["learning_rate"] == pytest.approx([0.001, 0.001, 0.0005], rel=1e-3)


def test_a_callback_that_acts_on_batches_is_refused_by_name(compose: Compose, tmp_path: Path) -> None:
    checkpoint = f"{{_target_: keras.callbacks.ModelCheckpoint, filepath: '{tmp_path}/kept.h5'}}"
    assert run(compose("optimizer=adam", f"training.callbacks=[{checkpoint}]"), tmp_path) and (tmp_path / "kept.h5").exists()
    words = ("training.callbacks=[{_target_: keras.callbacks.TerminateOnNaN}]",)
    with pytest.raises(ConfigError, match=r"TerminateOnNaN acts on every batch.*training\.engine=keras"):
        trial.prepare(compose(*words), tmp_path)
    assert run(compose(*words, "training.engine=keras"), tmp_path)


def fit(model: keras.Model, compose: Compose) -> Fitted:
    model.compile(optimizer="sgd", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    data = datasets.load(compose()["data"])
    monitor = Monitor(lambda *_: None, lambda: None)
    how = {"schedule": Schedule(1, 32, 1000, None, "best"), "monitor": monitor, "callbacks": []}
    return compiled.fit(model, data, seed=1, objective=Objective("val_accuracy", "max"), **how)


class Uncompilable(keras.layers.Layer):
    """Calls Python, which no XLA program can."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return tf.ensure_shape(tf.numpy_function(lambda x: x, [inputs], tf.float32), inputs.shape)


class Subclassed(keras.Model):
    """Can not be cloned."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(10, activation="softmax")])

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return self.inner(inputs)


def test_what_can_not_be_compiled_is_trained_by_plain_fit(compose: Compose, caplog: pytest.LogCaptureFixture) -> None:
    runtime.configure(1)
    for _ in range(2):
        softmax = keras.layers.Dense(10, activation="softmax")
        model = keras.Sequential([keras.Input((8, 8)), keras.layers.Flatten(), Uncompilable(), softmax])
        assert fit(model, compose).history["val_accuracy"][0] > 0
    assert "plain fit" in caplog.records[0].message


def test_what_can_not_be_cloned_has_a_program_of_its_own(
    compose: Compose, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime.configure(1)
    monkeypatch.setattr(compiled, "_programs", OrderedDict())
    model = Subclassed()
    model(np.zeros((1, 8, 8), np.float32))
    assert fit(model, compose).history["val_accuracy"][0] > 0 and not caplog.records and not compiled._programs


def test_a_metric_of_ones_own_is_a_trials_own(compose: Compose, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @keras.saving.register_keras_serializable("tests")
    class Near(keras.metrics.SparseTopKCategoricalAccuracy):
        """Its configuration does not say how many."""

        def __init__(self, k: int = 1, name: str = "near", **options: object) -> None:
            super().__init__(k=k, name=name, **options)

        def get_config(self) -> dict:
            return {"name": self.name}

    found = []
    for k in (1, 5):
        monkeypatch.setattr("src.training.losses_and_metrics.build_metrics", lambda *_, k=k: ["accuracy", Near(k)])
        found.append(run(compose("model=one_layer", "optimizer=sgd"), tmp_path).history["val_near"])
    assert found[0] < found[1]


def test_not_too_many_programs_are_kept(compose: Compose, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "MOST_PROGRAMS", 1)
    for words in (("optimizer=adam",), ("model=one_layer", "optimizer=sgd")):
        run(compose(*words), tmp_path)
    assert len(compiled._programs) == 1
