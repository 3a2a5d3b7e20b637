"""A long series, of which windows are cut while it trains; the last windows validate."""

from dataclasses import replace
from typing import Any

import numpy as np

from src.datasets import Dataset, split
from src.tasks.numbers import Numbers

SERIES = (np.sin(np.arange(2000) / 7) + 0.1 * np.random.default_rng(0).normal(size=2000)).astype("float32")[:, None]


def load(*, window: int, **options: Any) -> Dataset:
    """x are positions in the series, y the next value; the test split follows in time."""

    def examples(start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        return np.arange(start, stop - window), SERIES[start + window : stop]

    def read(positions: np.ndarray) -> np.ndarray:
        return SERIES[positions[:, None] + np.arange(window)]

    return replace(split(*examples(0, 1600), Numbers(("next",)), lambda: examples(1600, 2000), **options), read=read)
