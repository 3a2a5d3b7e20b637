"""A table of houses with texts and numbers, and what they cost."""

from functools import partial
from typing import Any

import numpy as np

from src.datasets import Dataset, Examples, split
from src.tasks.numbers import Numbers

CITIES = ("Bern", "Genf", "Basel")


def load(**options: Any) -> Dataset:
    """A dict of columns; the price in units of 100,000."""
    x, y = _draw(400, 0)
    return split(x, y, Numbers(("price",)), partial(_draw, 100, 1), **options)


def _draw(n: int, seed: int) -> Examples:
    random = np.random.default_rng(seed)
    city, rooms, age = random.integers(3, size=n), random.integers(1, 7, size=n), random.uniform(0, 80, size=n)
    price = 2.0 + 1.5 * city + 0.8 * rooms - 0.02 * age + random.normal(0, 0.1, n)
    return {"city": np.array(CITIES)[city], "rooms": rooms, "age": age}, price
