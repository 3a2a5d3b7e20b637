"""The contract of every data set in conf/data/."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from src import datasets
from tests.conftest import options
from tests.jobs.pictures import make

DATA = options("data")


def test_all_data_sets_are_found() -> None:
    assert len(DATA) >= 3


@pytest.mark.parametrize("name", DATA)
def test_contract(name: str, compose: Callable[..., dict], tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    x, y = random.integers(0, 256, (60, 4, 4), dtype=np.uint8), np.arange(60) % 3
    np.savez(tmp_path / "own.npz", x_train=x, y_train=y, x_test=x[:9], y_test=y[:9])
    make.main(tmp_path / "pictures")
    path = {"npz": tmp_path / "own.npz", "pictures": tmp_path / "pictures"}.get(name)
    data = datasets.load(node := compose(f"data={name}", *([f"data.path={path}"] if path else []))["data"])
    inputs = data.inputs(np.arange(len(data.y)))
    assert inputs.dtype == np.float32 and data.y.dtype == np.int64
    assert inputs.shape == (len(data.y), *data.input_shape)
    assert inputs.min() >= 0 and inputs.max() <= 1
    assert set(np.unique(data.y)) <= set(range(len(data.task.names)))
    assert sorted([*data.train_index, *data.validation_index]) == list(range(len(data.x)))
    assert len(data.validation_index) == pytest.approx(0.2 * len(data.x), abs=1)
    x_test, y_test = data.test()
    assert x_test.shape[1:] == data.x.shape[1:] and len(x_test) == len(y_test)
    assert datasets.load(node) is data
    assert len(data.digest) == 64
