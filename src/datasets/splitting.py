"""Divides examples into training and validation."""

from collections.abc import Callable
from typing import Any

import numpy as np

from src.datasets.dataset import Dataset, Examples
from src.datasets.trees import length
from src.errors import DataError, did_you_mean
from src.tasks import Task, Tree

WAYS = ("random", "stratified", "time", "group")


def split(
    x: Tree,
    y: Tree,
    task: Task,
    test: Callable[[], Examples],
    *,
    validation_split: float,
    split_seed: int,
    split_by: str = "random",
    groups: np.ndarray | None = None,
    folds: int | None = None,
    fold: int | None = None,
) -> Dataset:
    """Splits examples with scikit-learn. Does not change or check x and y: `load` checks the contract.

    Args:
        validation_split: share of the examples that validates; not used with folds.
        split_seed: `random_state` of scikit-learn.
        split_by: random, stratified (each class has the same share in both parts), time (the last examples validate), or group (examples
            of one group are in one part).
        groups: the group of each example, shape (n,).
        folds: number of folds; each example validates once. With `split_by="time"`, the training examples come before those that validate.
        fold: the fold that validates, from 0.

    Raises:
        DataError: split_by is unknown, or the split leaves no training or no validation example.
    """
    if split_by not in WAYS:
        raise DataError(f"data.split_by={split_by}: no such way{did_you_mean(split_by, WAYS)} Ways: {', '.join(WAYS)}")
    if split_by == "group" and groups is None:
        raise DataError("data.split_by=group: the data set has no groups; expected one for each example.")
    if groups is not None and split_by != "group":
        raise DataError(f"data.split_by={split_by}: the data set has groups, which this split would divide; expected data.split_by=group.")
    if (folds is None) != (fold is None) or (folds is not None and fold is not None and fold >= folds):
        raise DataError(f"data.folds={folds} data.fold={fold}: expected both, the fold from 0 to folds - 1, or neither.")
    n = length(x)
    try:
        if folds is None:
            parts, fold_of = [_parts(n, y, split_by, groups, validation_split, split_seed)], None
        else:
            parts = _folds(n, y, split_by, groups, folds, split_seed)
            fold_of = np.full(n, -1)
            for number, (_, validation) in enumerate(parts):
                fold_of[validation] = number
    except (ValueError, TypeError) as error:
        settings = f"data.folds={folds}" if folds else f"data.validation_split={validation_split}"
        raise DataError(f"data.split_by={split_by} {settings} of {n} examples: {error}") from error
    train, validation = parts[fold or 0]
    return Dataset(x, y, train, validation, task, test, folds=fold_of)


def _parts(n: int, y: Tree, how: str, groups: Any, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.model_selection import GroupShuffleSplit, train_test_split  # takes 1.5 s, which reading a study does not need

    if how == "group":
        [(train, validation)] = GroupShuffleSplit(1, test_size=share, random_state=seed).split(np.arange(n), groups=groups)
        return train, validation
    settings: dict[str, Any] = {"shuffle": False} if how == "time" else {"random_state": seed}
    train, validation = train_test_split(np.arange(n), test_size=share, stratify=y if how == "stratified" else None, **settings)
    return train, validation


def _folds(n: int, y: Tree, how: str, groups: Any, folds: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Returns positions for training and validation of each fold."""
    from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold, TimeSeriesSplit

    splitters = {
        "random": KFold(folds, shuffle=True, random_state=seed),
        "stratified": StratifiedKFold(folds, shuffle=True, random_state=seed),
        "group": GroupKFold(folds, shuffle=True, random_state=seed),
        "time": TimeSeriesSplit(folds),
    }
    return list(splitters[how].split(np.arange(n), y if how == "stratified" else None, groups if how == "group" else None))
