"""Two inputs of different shapes, and two answers."""

from functools import partial
from typing import Any

import numpy as np

from src.datasets import Dataset, Examples, split
from src.tasks.classes import Classes
from src.tasks.numbers import Numbers
from src.tasks.several import Several

TASK = Several({"state": Classes(("idle", "busy")), "wear": Numbers(("wear",))}, judge="state")


def load(**options: Any) -> Dataset:
    """Signals (16,) and settings (3,) of a machine."""
    x, y = _draw(400, 0)
    return split(x, y, TASK, partial(_draw, 100, 1), **options)


def _draw(n: int, seed: int) -> Examples:
    random = np.random.default_rng(seed)
    signal, settings = random.normal(size=(n, 16)).astype("float32"), random.normal(size=(n, 3)).astype("float32")
    return {"signal": signal, "settings": settings}, {"state": (signal.sum(1) > 0).astype(int), "wear": settings @ [1.0, -1.0, 0.5]}
