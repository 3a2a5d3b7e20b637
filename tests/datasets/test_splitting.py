"""Every way of dividing examples into training and validation, once and in folds."""

import re
from typing import Any

import numpy as np
import pytest

from src.datasets import Dataset, split
from src.errors import DataError
from src.tasks.classes import Classes

N = 60
X, Y, GROUPS = np.random.default_rng(0).random((N, 2), np.float32), np.arange(N) % 6 // 5, np.arange(N) // 5  # a sixth is of class 1
WAYS = ("random", "stratified", "time", "group")


def divided(split_by: str = "random", **options: Any) -> Dataset:
    settings = {"validation_split": 0.25, "split_seed": 0, **({"groups": GROUPS} if split_by == "group" else {}), **options}
    return split(X, Y, Classes(("a", "b")), lambda: (X, Y), split_by=split_by, **settings)


@pytest.mark.parametrize("way", WAYS)
def test_each_example_is_in_one_part_and_the_seed_decides_which(way: str) -> None:
    data = divided(way)
    assert sorted([*data.train_index, *data.validation_index]) == list(range(N))
    assert len(data.validation_index) == 15 and data.folds is None
    assert data.digest == divided(way).digest
    assert (data.digest == divided(way, split_seed=1).digest) == (way == "time")


def test_stratified_parts_have_equal_shares_of_each_class() -> None:
    data = divided("stratified", validation_split=0.2)
    assert np.bincount(Y[data.validation_index]).tolist() == [10, 2] and np.bincount(Y[data.train_index]).tolist() == [40, 8]


def test_the_last_examples_validate_where_time_divides() -> None:
    data = divided("time")
    assert data.train_index.tolist() == list(range(45)) and data.validation_index.tolist() == list(range(45, 60))


def test_no_group_is_in_both_parts() -> None:
    for data in (divided("group"), *(divided("group", folds=4, fold=fold) for fold in range(4))):
        assert not set(GROUPS[data.train_index]) & set(GROUPS[data.validation_index])


@pytest.mark.parametrize("way", ["random", "stratified", "group"])
def test_with_folds_each_example_validates_once(way: str) -> None:
    folds = [divided(way, folds=4, fold=fold) for fold in range(4)]
    assert sorted(np.concatenate([data.validation_index for data in folds])) == list(range(N))
    for fold, data in enumerate(folds):
        assert sorted([*data.train_index, *data.validation_index]) == list(range(N))
        assert np.array_equal(np.flatnonzero(data.folds == fold), np.sort(data.validation_index))
        if way == "stratified":
            assert set(np.bincount(Y[data.validation_index])) <= {2, 3, 12, 13}


def test_folds_of_time_train_on_the_past_alone() -> None:
    folds = [divided("time", folds=4, fold=fold) for fold in range(4)]
    validated = np.concatenate([data.validation_index for data in folds])
    assert validated.tolist() == list(range(N - len(validated), N)), "each of the later examples once"
    for fold, data in enumerate(folds):
        assert data.train_index.tolist() == list(range(data.validation_index[0]))
        assert np.array_equal(np.flatnonzero(data.folds == fold), data.validation_index)
    assert set(folds[0].folds[: validated[0]]) == {-1}


@pytest.mark.parametrize("way", WAYS)
def test_folds_are_the_same_data_divided_otherwise(way: str) -> None:
    folds = [divided(way, folds=4, fold=fold) for fold in range(4)]
    assert len({data.digest for data in folds}) == 1, "so that they are compared as repeats"
    assert len({data.split_digest for data in folds}) == 4, "so that no compiled program is shared"
    assert folds[0].digest != divided(way, folds=3, fold=0).digest != divided(way).digest


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split_by": "groups"}, "data.split_by=groups: no such way; did you mean 'group'? Ways: random, stratified, time, group"),
        ({"split_by": "random", "groups": GROUPS}, "data.split_by=random: the data set has groups, which this split would divide"),
        ({"split_by": "group", "groups": None}, "data.split_by=group: the data set has no groups; expected one for each example"),
        ({"folds": 4}, "data.folds=4 data.fold=None: expected both"),
        ({"fold": 0}, "data.folds=None data.fold=0: expected both"),
        ({"folds": 4, "fold": 4}, "data.folds=4 data.fold=4: expected both, the fold from 0 to folds - 1"),
        ({"folds": 61, "fold": 0}, "data.split_by=random data.folds=61 of 60 examples"),
        ({"split_by": "stratified", "folds": 51, "fold": 0}, "data.split_by=stratified data.folds=51 of 60 examples"),
        ({"split_by": "group", "groups": GROUPS * 0}, "data.split_by=group data.validation_split=0.25 of 60 examples"),
        ({"validation_split": 0.999}, "data.split_by=random data.validation_split=0.999 of 60 examples"),
    ],
)
def test_what_cannot_be_divided_is_refused_with_the_settings(options: dict, message: str) -> None:
    with pytest.raises(DataError, match=re.escape(message)):
        divided(**options)


def test_labels_that_are_no_classes_cannot_be_stratified() -> None:
    with pytest.raises(DataError, match=r"data\.split_by=stratified data\.validation_split=0\.25 of 60 examples"):
        split(X, X, Classes(("a", "b")), lambda: (X, X), validation_split=0.25, split_seed=0, split_by="stratified")
