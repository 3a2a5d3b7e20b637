"""scikit-learn's handwritten digits: 1,797 pictures of 8x8, shipped with the library."""

from functools import partial
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from src.datasets import Dataset, Examples, split
from src.tasks.classes import Classes


def load(*, split_seed: int, **options: Any) -> Dataset:
    """Loads the digits, scaled to [0, 1]; a fifth is the test split, the rest is split into training and validation.

    Args:
        options: further arguments of `split`.
    """
    x, y = _examples(split_seed, test=False)
    task, test = Classes(tuple("0123456789")), partial(_examples, split_seed, test=True)
    return split(x, y, task, test, split_seed=split_seed, **options)


def _examples(split_seed: int, *, test: bool) -> Examples:
    digits = load_digits()
    x = (digits.images / 16).astype(np.float32)
    rest, held_out = train_test_split(np.arange(len(x)), test_size=0.2, random_state=split_seed)
    chosen = held_out if test else rest
    return x[chosen], digits.target[chosen]
