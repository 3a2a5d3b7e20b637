"""What a loader returns is checked once, and refused by name with the received values."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from src import datasets
from src.datasets import Dataset, contract, split
from src.errors import DataError, TrialbookError

X, Y = np.random.default_rng(0).random((12, 3), np.float32), np.arange(12) % 3
NAMES = ("a", "b", "c")
RIGHT = split(X, Y, NAMES, lambda: (X, Y), validation_split=0.25, split_seed=0)


def with_(**changes: Any) -> Dataset:
    return dataclasses.replace(RIGHT, **changes)


def test_float_targets_are_kept_by_the_split_and_refused_by_name() -> None:
    prices = np.linspace(0.5, 3, 12)
    data = split(X, prices, NAMES, lambda: (X, prices), validation_split=0.25, split_seed=0)
    assert data.y is prices
    with pytest.raises(DataError, match=r"mine: *\n  y has dtype float64, such as 0\.5; expected class numbers.*not supported yet"):
        contract.check(data, "mine")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y": Y.astype(np.float32)}, r"y\.astype\('int64'\)"),
        ({"y": np.eye(3, dtype=int)[Y]}, r"shape \(12, 3\).*One-hot rows"),
        ({"y": Y[:, None]}, r"y has shape \(12, 1\)"),
        ({"y": Y == 0}, "y has dtype bool"),
        ({"y": Y + 1}, "labels from 1 to 3; expected class numbers, .* from 0 to 2"),
        ({"y": Y - 1}, "labels from -1 to 1"),
        ({"y": Y[:5]}, "x has 12 examples, y has 5"),
        ({"y": list(Y)}, "y is of type list"),
        ({"x": X.astype(str)}, "x has dtype <U32"),
        ({"x": np.where(np.eye(12, 3), np.nan, X)}, "3 values that are NaN"),
        ({"x": np.where(np.eye(12, 3), -np.inf, X)}, "3 values that are NaN or infinite"),
        ({"x": X[:, 0]}, r"x has shape \(12,\)"),
        ({"x": X[:, :0]}, r"x has shape \(12, 0\)"),
        ({"class_names": ("a",), "y": Y * 0}, r"1 distinct names of 1 \(a\); expected at least two"),
        ({"class_names": ("a", "b", "a")}, "2 distinct names of 3"),
        ({"class_names": ("a", "b", "probability")}, "probability is a column"),
        ({"train_index": np.arange(0)}, "train_index is empty"),
        ({"validation_index": np.array([3, 12])}, "positions from 3 to 12; expected 0 to 11"),
        ({"validation_index": np.array([-1])}, "positions from -1 to -1"),
        ({"train_index": np.array([0, 1, 1])}, "train_index repeats 1 positions"),
        ({"train_index": np.ones(12, bool)}, "train_index has dtype bool"),
        ({"train_index": np.arange(5), "validation_index": np.arange(4, 12)}, "share 1 examples, such as 4"),
        ({"test": None}, "test is None"),
    ],
)
def test_what_breaks_the_contract_is_refused_by_name(changes: dict, message: str) -> None:
    contract.check(RIGHT, "mine")
    with pytest.raises(DataError, match=f"(?s)mine:.*{message}"):
        contract.check(with_(**changes), "mine")


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(DataError) as told:
        contract.check(with_(x=X * np.nan, y=Y * 0.5, class_names=("a", "a", "b")), "mine")
    assert len(str(told.value).splitlines()) == 4


def test_load_checks_what_any_loader_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    for found, message in (("nothing", "returned str; expected a Dataset"), (with_(y=Y * 0.5), "y has dtype float64")):
        monkeypatch.setattr(datasets, "build", lambda *_, found=found: found)
        with pytest.raises(DataError, match=message):
            datasets.load({"_target_": "src.datasets.mine.load", "case": message})


def test_whole_numbers_of_any_size_become_those_of_the_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    small = with_(y=Y.astype(np.uint8), train_index=RIGHT.train_index.astype(np.int32))
    monkeypatch.setattr(datasets, "build", lambda *_: small)
    assert datasets.load({"_target_": "src.datasets.mine.load"}).digest == RIGHT.digest


@pytest.mark.parametrize(
    ("test", "message"),
    [
        ((X[:, :2], Y), r"the test split:.*shape \(2,\); expected \(3,\)"),
        ((X, Y + 1), "labels from 1 to 3"),
        ((X, Y[:3]), "x has 12 examples, y has 3"),
        ((X, Y * 0.5), "y has dtype float64"),
    ],
)
def test_the_test_split_is_checked_when_it_is_opened(test: tuple, message: str) -> None:
    node = {"_target_": "src.datasets.mine.load"}
    assert datasets.open_test(RIGHT, node)[0] is X
    with pytest.raises(DataError, match=f"(?s){message}"):
        datasets.open_test(with_(test=lambda: test), node)


def test_only_a_probability_per_class_has_a_most_probable_class() -> None:
    right = np.full((4, 2), 0.5)
    assert contract.checked(right, 4, 2) is right
    contract.checked(right * np.nan, 4, 2)
    for wrong in (right[:, :1], right[:, 0], right[None], right[:3]):
        with pytest.raises(TrialbookError, match=r"expected shape \(4, 2\), a probability per class"):
            contract.checked(wrong, 4, 2)
    with pytest.raises(TrialbookError, match=r"values from -3 to 0\.5.*softmax"):
        contract.checked(np.where(np.eye(4, 2), -3, right), 4, 2)
