"""Ranks points of a space by the improvement that a Gaussian process expects, given the scores of others."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from src.oracles.gaussian import Model, fitted_kernel, warped
from src.oracles.vectors import BELOW_ONE, Array, Vectors

CANDIDATES = 1000  # points that are compared for a proposal
ROUNDS = 2  # of drawing half as many points close to the best candidates
CENTRES = 5  # best trials, or candidates, near which points are drawn
NEAREST, FARTHEST = 0.002, 0.3  # standard deviations of such a draw, as shares of an axis
MOST_MODELLED = 200  # trials in the Gaussian process, whose cost grows with the cube of their number
MOST_FITTED = 100  # trials from which the length scales are fitted


class TriedPoint(NamedTuple):
    """A point that was tried.

    Attributes:
        key: identifies the trial and its score.
        row: the row of `Vectors`, (axes,).
        score: higher is better; -inf for an infeasible trial.
    """

    key: tuple[Any, ...]
    row: Sequence[float]
    score: float


class Surrogate:
    """Ranks points by the logarithm of their expected improvement.

    Args:
        vectors: the space.
    """

    def __init__(self, vectors: Vectors) -> None:
        self._vectors = vectors
        self._fitted: tuple[tuple[Any, ...], Any] = (), None  # the keys from which the last kernel was fitted, and the kernel

    def ranked(self, tried: Sequence[TriedPoint], running: Sequence[Any], listed: Array | None, generator: np.random.Generator) -> Array:
        """Returns rows (n, axes), the one with the largest expected improvement first.

        Args:
            tried: in the order of their numbers.
            running: rows of points whose scores are not known yet.
            listed: the rows (n, axes) to choose from; None to draw candidates.
        """
        rows, scores = _modelled(tried, MOST_MODELLED)
        features = self._vectors.features
        unscored = features(np.array(running[-MOST_MODELLED:])) if running else np.empty((0, len(self._vectors.groups)))
        model = Model(self.kernel(tried), features(rows), warped(scores), unscored)
        if listed is not None:
            return listed[np.argsort(-model.log_improvement(features(listed)), kind="stable")]
        near = self._near(rows[np.argsort(-scores, kind="stable")[:CENTRES]], generator)
        candidates = self._vectors.rows(np.concatenate([generator.random(near.shape), near]))
        expected = model.log_improvement(features(candidates))
        for _ in range(ROUNDS):
            closer = self._vectors.rows(self._near(candidates[np.argsort(-expected, kind="stable")[:CENTRES]], generator))
            candidates = np.concatenate([candidates, closer])
            expected = np.concatenate([expected, model.log_improvement(features(closer))])
        return candidates[np.argsort(-expected, kind="stable")]

    def kernel(self, tried: Sequence[TriedPoint]) -> Any:
        """Returns a kernel fitted to the points; fits it again only when their number has grown by a tenth."""
        first = tried[: len(tried) - len(tried) % max(1, len(tried) // 10)]
        keys = tuple(one.key for one in first)
        if keys != self._fitted[0]:
            rows, scores = _modelled(first, MOST_FITTED)
            self._fitted = keys, fitted_kernel(self._vectors.features(rows), warped(scores), self._vectors.groups)
        return self._fitted[1]

    def _near(self, centres: Array, generator: np.random.Generator) -> Array:
        """Draws points of the cube, (CANDIDATES // 2, dimensions): each differs from one of the centres (n, axes) in some keys."""
        shape = CANDIDATES // 2, self._vectors.dimensions
        points = self._vectors.cube(centres)[generator.integers(len(centres), size=shape[0])]
        widths = np.exp(generator.uniform(np.log(NEAREST), np.log(FARTHEST), (shape[0], 1)))
        moved = np.where(self._vectors.wordy, generator.random(shape), points + widths * generator.normal(size=shape))
        changes = generator.random(shape) < generator.uniform(1 / shape[1], 1, (shape[0], 1))
        return np.clip(np.where(changes, moved, points), 0, BELOW_ONE)


def _modelled(tried: Sequence[TriedPoint], most: int) -> tuple[Array, Array]:
    """Returns rows (n, axes) and scores (n,) of the points to learn from.

    If there are more than `most`, these are the `most / 2` best points, and as many of the others, evenly spaced by number.
    """
    scores = np.array([one.score for one in tried])
    chosen = np.arange(len(tried))
    if len(tried) > most:
        order, half = np.argsort(-scores, kind="stable"), most // 2
        others = np.sort(order[half:])
        chosen = np.concatenate([order[:half], others[np.linspace(0, len(others) - 1, half).astype(int)]])
    return np.array([one.row for one in tried])[chosen], scores[chosen]
