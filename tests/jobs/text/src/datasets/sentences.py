"""Sentences about the weather, food and trains."""

from functools import partial
from typing import Any

import numpy as np

from src.datasets import Dataset, Examples, split
from src.tasks.classes import Classes

WORDS = {
    "weather": ("rain", "sun", "wind", "cloud", "storm"),
    "food": ("bread", "soup", "apple", "cheese", "tea"),
    "trains": ("track", "station", "engine", "ticket", "platform"),
}


def load(**options: Any) -> Dataset:
    """Twenty sentences for each class; the test split has others."""
    x, y = _sentences(0)
    return split(x, y, Classes(tuple(WORDS)), partial(_sentences, 1), **options)


def _sentences(seed: int) -> Examples:
    random = np.random.default_rng(seed)
    pairs = [
        (f"the {a} and the {b} of {random.integers(99)}", number)
        for number, words in enumerate(WORDS.values())
        for a in words
        for b in words[:4]
    ]
    return np.array([text for text, _ in pairs]), np.array([number for _, number in pairs])
