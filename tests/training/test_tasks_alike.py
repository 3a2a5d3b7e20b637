"""Every kind of task, weights and several inputs with every engine: the same losses and metrics."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from src import datasets, models
from src.datasets import Dataset
from src.tasks import declared
from src.tasks.binary import Binary
from src.tasks.classes import Classes
from src.tasks.labels import Labels
from src.tasks.numbers import Numbers
from src.tasks.several import Several
from tests.training.test_matrix import assert_alike, assert_resumed_exactly, assert_stacked_alike, no_files, run  # noqa: F401  a fixture

N = 120
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(N, 5)).astype(np.float32)
SUMS = X.sum(axis=1)
TWO = Several({"kind": Classes(("low", "high")), "sum": Numbers(("sum",))}, judge="kind")


def data_of(task: Any, y: Any, x: Any = X, **more: Any) -> Dataset:
    found = Dataset(x, task.encoded(y), np.arange(90), np.arange(90, N), task, tuple, **more)
    datasets.contract.check(Dataset(x, y, np.arange(90), np.arange(90, N), task, tuple, **more), declared(task), "here")
    return found


def dense(data: Dataset) -> keras.Model:
    inputs = keras.Input(data.x.shape[1:])
    return keras.Model(inputs, keras.layers.Dense(data.outputs[-1], data.task.activation)(inputs))


def two_heads(data: Dataset) -> keras.Model:
    inputs = {name: keras.Input(array.shape[1:], name=name) for name, array in data.x.items()}
    hidden = keras.layers.Dense(4, "relu")(keras.layers.Concatenate()(list(inputs.values())))
    outputs = {
        name: keras.layers.Dense(shape[-1], data.task.tasks[name].activation, name=name)(hidden) for name, shape in data.outputs.items()
    }
    return keras.Model(inputs, outputs)


HALVES = {"left": X[:, :2], "right": X[:, 2:]}
CASES: dict[str, tuple[Callable[[], Dataset], Callable[[Dataset], keras.Model]]] = {
    "binary": (lambda: data_of(Binary(("low", "high")), (SUMS > 0).astype(int)), dense),
    "labels": (lambda: data_of(Labels(tuple("abcde")), (X > 0).astype(int)), dense),
    "numbers": (lambda: data_of(Numbers(("a", "b")), X[:, :2] * 3 + 1), dense),
    "positions": (lambda: data_of(Classes(("low", "high")), (X > 0).astype(int), X[:, :, None]), dense),
    "weights": (lambda: data_of(Classes(("low", "high")), (SUMS > 0).astype(int), weight=np.linspace(0, 2, N)), dense),
    "class_weight": (
        lambda: datasets.with_class_weight(data_of(Classes(("low", "high")), (SUMS > 1).astype(int)), "balanced"),
        dense,
    ),
    "several": (lambda: data_of(TWO, {"kind": (SUMS > 0).astype(int), "sum": SUMS}, HALVES), two_heads),
    "several_weighted": (
        lambda: data_of(TWO, {"kind": (SUMS > 0).astype(int), "sum": SUMS}, HALVES, weight=np.linspace(0, 2, N)),
        two_heads,
    ),
}


QUICK = ("several_weighted",)


@pytest.mark.parametrize("case", [pytest.param(case, marks=() if case in QUICK else pytest.mark.long) for case in CASES])
def test_a_task_trains_alike_everywhere(
    case: str, compose: Callable[..., dict], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    make, network = CASES[case]
    data = make()
    task = declared(data.task)
    monkeypatch.setattr(datasets, "load", lambda _: data)
    monkeypatch.setattr(models, "build", lambda *_: network(data))
    kinds = {name: type(one) for name, one in data.task.tasks.items()} if isinstance(task, dict) else {}
    loss = {name: kind.loss for name, kind in kinds.items()} or data.task.loss
    metrics = {name: list(kind.metrics) for name, kind in kinds.items()} or list(data.task.metrics)
    config = compose("training=fixed_epochs", "training.epochs=2", "optimizer=adam", "optimizer.learning_rate=0.01")
    config = {**config, "objective": "val_loss", "data": {**config["data"], "task": task}}
    config["training"] |= {"loss": loss, "metrics": metrics, "batch_size": 16}
    plain, fast = (run({**config, "training": {**config["training"], "engine": engine}}, tmp_path) for engine in ("keras", "compiled"))
    for name in [name for name in plain.history if name.removeprefix("val_") in ("kind_loss", "sum_loss")]:
        del plain.history[name]  # of a batch of unknown size, Keras takes the last, smaller one for as heavy as the others
    assert_alike(fast, plain)
    assert len(set(fast.history["loss"])) == 2, "it learns"
    assert_resumed_exactly(config, fast, tmp_path)
    with caplog.at_level(logging.WARNING, "src"):
        assert_stacked_alike(config, fast, tmp_path)
    assert not caplog.records, "compiled and stacked"
