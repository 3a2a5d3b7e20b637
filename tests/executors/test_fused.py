"""Stacked trials: each is its own trial, with the digits that it has alone.

Nearly all tests train the same two structures, and one process runs them, so that few programs are compiled.
"""

import io
import logging
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from src import trial
from src.datasets import Dataset
from src.errors import Stop
from src.executors import Listener
from src.executors.fused import Fused
from src.job import CHECKPOINT, Job, Outcome
from src.training import Schedule, compiled, stack
from src.training.stack import Stack
from src.training.structure import structure_of
from tests.conftest import options

Compose = Callable[..., dict]
FEW_STEPS = "training.epochs=3"  # of 36 batches each, the last one smaller
DROPS = ("optimizer=adam", "model.dropout=0.3")
KEEPS = ("optimizer=adam",)
OWN = [
    ("seed=1", "model.dropout=0.3", "optimizer.learning_rate=0.01"),
    ("seed=2", "model.dropout=0.1", "optimizer.learning_rate=0.002"),
    ("seed=3", "model.dropout=0.5", "optimizer.learning_rate=0.03"),
]


pytestmark = [pytest.mark.usefixtures("no_pictures"), pytest.mark.xdist_group("fused")]
STACKS: dict[tuple, Stack] = {}  # (structure, lanes) → the stack that a test before has compiled


@pytest.fixture(autouse=True)
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The lanes of the stacks that a test asks for."""
    lanes: list[int] = []

    def kept(groups: list[tuple[keras.Model, int]], data: Dataset, schedule: Schedule) -> Stack:
        lanes.append(sum(count for _, count in groups))
        key = tuple((structure_of(model, data, schedule.batch_size, schedule.validation_batch), count) for model, count in groups)
        if key not in STACKS:
            STACKS[key] = Stack(groups, data, schedule)
        return STACKS[key]

    monkeypatch.setattr(stack, "Stack", kept)
    return lanes


def alone(config: dict, folder: Path, **more: object) -> Outcome:
    return trial.run(Job(0, 1, config, folder, **more), lambda *_: None, lambda: None)


def together(
    configs: list[dict], folder: Path, *, workers: int = 4, check_stop: Callable = lambda: None, cancel: int = -1, **more: object
) -> list[Outcome]:
    """Outcomes of trials as a driver would run them: a new one for each that ends; one may be cancelled in its first epoch."""
    ended: dict[int, Outcome] = {}
    executor = Fused(trial.run, workers=workers)
    executor.listener = Listener(
        lambda number, *_: number == cancel and executor.cancel(number), ended.__setitem__, lambda *_: None, check_stop
    )
    begun = 0
    while len(ended) < len(configs):
        while begun < len(configs) and begun - len(ended) < executor.slots:
            executor.submit(Job(begun, 1, configs[begun], folder, **more))
            begun += 1
        executor.wait(1.0)
    return [ended[number] for number in range(len(configs))]


def assert_equal(found: Outcome, expected: Outcome) -> None:
    assert (found.state, found.metrics["kept/epoch"]) == (expected.state, expected.metrics["kept/epoch"])
    assert set(found.files) == set(expected.files) and set(found.history) == set(expected.history)
    for name, values in expected.history.items():
        np.testing.assert_allclose(found.history[name], values, rtol=2e-5 if "loss" in name else 2e-3, err_msg=name)


def test_the_only_loop_of_a_program_is_the_one_over_the_batches(compose: Compose, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: dict = {}  # program → what it was called with
    own = tf.function

    def noted(**how: bool) -> Callable:
        def of(code: Callable) -> Callable:
            program = own(code, **how)
            if not how.get("jit_compile"):
                return program

            def call(*given: tf.Tensor) -> dict:
                calls.setdefault(program, given)
                return program(*given)

            call.get_concrete_function = program.get_concrete_function
            return call

        return of

    monkeypatch.setattr(tf, "function", noted)
    compiled._programs.clear()
    compiled._validations.clear()
    STACKS.clear()
    configs = [compose("training.epochs=1", *DROPS, f"seed={seed}") for seed in (1, 2)]
    together(configs, tmp_path)
    alone(configs[0], tmp_path)
    texts = [program.experimental_get_compiler_ir(*given)(stage="hlo") for program, given in calls.items()]
    assert [(text.count(" while("), text.count(" scatter(")) for text in texts] == [(1, 0)] * 4, "training and validation, either way"


OPTIMIZERS = [name for name in options("optimizer") if name not in ("sgd", "sgd_momentum")]  # as sgd_nesterov


@pytest.mark.parametrize("optimizer", [pytest.param(name, marks=() if name == "adam" else pytest.mark.long) for name in OPTIMIZERS])
def test_a_hundred_losses_are_those_of_a_trial_alone(optimizer: str, compose: Compose, tmp_path: Path, made: list[int]) -> None:
    configs = [compose(FEW_STEPS, f"optimizer={optimizer}", *own) for own in OWN]
    for found, config in zip(together(configs, tmp_path), configs, strict=True):
        assert_equal(found, alone(config, tmp_path))
    assert made == [4]


def test_one_whose_checkpoint_is_of_its_last_epoch_trains_no_other(compose: Compose, tmp_path: Path, made: list[int]) -> None:
    config = compose("training.epochs=1", *DROPS)
    checkpoint = alone(config, tmp_path, continued=True).files[CHECKPOINT]
    found = together([config, config], tmp_path, checkpoint=checkpoint)
    assert [len(one.history["loss"]) for one in found] == [1, 1] and not made


def test_metrics_of_a_stack_may_have_different_types() -> None:
    metrics = {"loss": tf.constant([0.1, 0.2]), "own": tf.constant([0.3, 0.4], tf.float64)}
    assert stack._by_lane(metrics, [1]) == {1: {"loss": float(np.float32(0.2)), "own": 0.4}}


def test_trials_with_different_optimizers_are_one_program(compose: Compose, tmp_path: Path, made: list[int]) -> None:
    """Each has the digits of a stack of its optimizer alone, and a lane is filled by a trial of its optimizer."""
    names = ("sgd_momentum", "adam", "sgd_momentum", "adam", "adam")
    configs = [compose(FEW_STEPS, f"optimizer={name}", f"seed={seed}") for seed, name in enumerate(names)]
    found = together(configs, tmp_path)
    assert made == [4]
    apart = together([configs[1], configs[3]], tmp_path, workers=2)
    assert [found[1].history, found[3].history] == [one.history for one in apart]
    for number in (0, 4):
        assert_equal(found[number], alone(configs[number], tmp_path))


def test_each_stops_early_by_itself_and_makes_room_for_the_next(compose: Compose, tmp_path: Path, made: list[int]) -> None:
    words = ("training.patience=1", "training.epochs=12", *DROPS)
    configs = [
        compose(*words, f"seed={seed}", f"optimizer.learning_rate={rate}") for seed, rate in ((1, 0.03), (2, 0.001), (3, 0.02), (4, 0.01))
    ]
    found = together(configs, tmp_path, workers=2)
    assert made == [2] and len({len(one.history["loss"]) for one in found}) > 1
    for one, config in zip(found, configs, strict=True):
        assert_equal(one, alone(config, tmp_path))


def test_one_that_is_cancelled_makes_room_and_changes_no_other(compose: Compose, tmp_path: Path, made: list[int]) -> None:
    configs = [compose(FEW_STEPS, *DROPS, f"seed={seed}") for seed in (1, 2, 3)]
    first, *others = together(configs, tmp_path, workers=2, cancel=0)
    assert made == [2] and first.state == "PRUNED" and len(first.history["loss"]) == first.metrics["kept/epoch"] == 1
    for one, config in zip(others, configs[1:], strict=True):
        assert_equal(one, alone(config, tmp_path))


def test_the_same_batch_twice_gives_the_same_digits(compose: Compose, tmp_path: Path) -> None:
    configs = [compose(FEW_STEPS, "optimizer=adam", *own) for own in OWN]
    first, second = (together(configs, tmp_path) for _ in range(2))
    assert [one.history for one in first] == [one.history for one in second]
    assert [one.files["model.weights.h5"] for one in first] != []


def test_what_does_not_stack_runs_one_by_one_and_is_named(
    compose: Compose, tmp_path: Path, made: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    clipped = [compose(FEW_STEPS, "optimizer=adam", "+optimizer.clipnorm=1.0", f"seed={seed}") for seed in (1, 2)]
    others = [compose(FEW_STEPS, *words) for words in (DROPS, KEEPS)]
    plain = [compose(FEW_STEPS, "training.engine=keras", f"seed={seed}") for seed in (1, 2)]
    with caplog.at_level(logging.WARNING, "src"):
        found = together([*clipped, *others, *plain, compose("model=logistic_regression", "model.engine.folds=0")], tmp_path)
    assert made == [] and [one.state for one in found] == ["FINISHED"] * 7
    assert "optimizer.clipnorm does not update a variable element by element" in caplog.text


def test_the_plan_says_which_trials_are_one_program(compose: Compose) -> None:
    words = [
        ("seed=1",),
        ("seed=2", "optimizer.learning_rate=0.01"),
        ("optimizer=adam",),
        ("model.dropout=0.5",),
        ("model=logistic_regression",),
    ]
    assert Fused(trial.run, workers=4).plan(compose(*some) for some in words) == [
        "one program: trials 1, 2, 3",
        "trial 5 runs alone: it has another engine",
        "trial 4 runs alone: no other trial has its structure",
    ]


def test_structures_take_turns(compose: Compose, tmp_path: Path, made: list[int]) -> None:
    configs = [compose(FEW_STEPS, *words, f"seed={seed}") for seed in (1, 2) for words in (DROPS, KEEPS)]
    for found, config in zip(together(configs, tmp_path), configs, strict=True):
        assert_equal(found, alone(config, tmp_path))
    assert made == [2, 2]


def test_a_trial_that_diverges_fails_alone(compose: Compose, tmp_path: Path) -> None:
    configs = [compose(FEW_STEPS, *DROPS, f"optimizer.learning_rate={rate}") for rate in (0.01, 1e30, 0.02)]
    found = together(configs, tmp_path)
    assert [one.state for one in found] == ["FINISHED", "FAILED", "FINISHED"] and "expected finite values" in found[1].cause
    assert_equal(found[2], alone(configs[2], tmp_path))


def test_callbacks_and_schedules_are_a_trials_own(compose: Compose, tmp_path: Path, made: list[int]) -> None:
    plateau = "training.callbacks=[{_target_: keras.callbacks.ReduceLROnPlateau, patience: 0, factor: 0.1, min_delta: 1.0}]"
    decay = "{_target_: keras.optimizers.schedules.ExponentialDecay, initial_learning_rate: 0.1, decay_steps: 9, decay_rate: 0.5}"
    for word in (plateau, f"optimizer.learning_rate={decay}"):
        configs = [compose(FEW_STEPS, *DROPS, word, f"seed={seed}") for seed in (1, 2)]
        for found, config in zip(together(configs, tmp_path), configs, strict=True):
            assert_equal(found, alone(config, tmp_path))
    assert made == [2, 2]


def test_hyperbands_trials_go_on_where_they_were(compose: Compose, tmp_path: Path) -> None:
    configs = [compose("training.epochs=6", *DROPS, f"seed={seed}") for seed in (1, 2)]
    checkpoint = alone(compose("training.epochs=3", *DROPS, "seed=1"), tmp_path, continued=True).files[CHECKPOINT]
    found = together(configs, tmp_path, checkpoint=checkpoint, continued=True)
    assert_equal(found[0], alone(configs[0], tmp_path, continued=True))
    assert np.load(io.BytesIO(found[0].files[CHECKPOINT])).files


def test_all_are_killed_when_asked(compose: Compose, tmp_path: Path) -> None:
    asked: list[int] = []

    def check_stop() -> None:
        asked.append(1)
        if len(asked) > 5:
            raise Stop("interrupted")

    found = together(
        [compose("training.epochs=1000", "training.patience=null", *DROPS, f"seed={seed}") for seed in (1, 2)],
        tmp_path,
        check_stop=check_stop,
    )
    assert [(one.state, one.cause) for one in found] == [("KILLED", "interrupted")] * 2
