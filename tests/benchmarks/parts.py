"""The model without one of its parts, to show what each contributes."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from unittest.mock import patch

import numpy as np

from src.oracles import gaussian, surrogate
from src.oracles.guided import Guided

Model = surrogate.Model


def _plain(scores: np.ndarray) -> np.ndarray:
    """Targets as scores are; the worst for infeasible ones."""
    known = np.where(np.isfinite(scores), scores, scores[np.isfinite(scores)].min())
    return (known - known.mean()) / (known.std() or 1.0)


def _one_scale(x: np.ndarray, y: np.ndarray, groups: np.ndarray) -> object:
    kernel = gaussian.fitted_kernel(x, y, np.zeros_like(groups))
    kernel.k1.k2.groups = np.zeros_like(groups)
    return kernel


def _unaware(kernel: object, x: np.ndarray, y: np.ndarray, running: np.ndarray) -> object:
    return Model(kernel, x, y, running[:0])


def _random_start(self: Guided, place: int) -> np.ndarray:
    return self._vectors.rows(self._generator.random((1, self._vectors.dimensions)))


PARTS: dict[str, Callable[[], AbstractContextManager]] = {
    "none": nullcontext,
    "warped targets": lambda: patch.object(surrogate, "warped", _plain),
    "a scale per key": lambda: patch.object(surrogate, "fitted", _one_scale),
    "running trials": lambda: patch.object(surrogate, "Model", _unaware),
    "quasi-random start": lambda: patch.object(Guided, "_quasi_random", _random_start),
    "candidates close to the best": lambda: patch.object(surrogate, "ROUNDS", 0),
}
