"""Combines two objectives into one score, with new weights for each proposal, so that a search covers the whole front.

Source: Knowles 2006, ParEGO, IEEE Transactions on Evolutionary Computation 10: the augmented Chebyshev function of normalised objectives.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from src.oracles.gaussian import warped
from src.oracles.surrogate import TriedPoint
from src.oracles.vectors import Array

STEPS = 10  # the weights are multiples of a tenth
AUGMENTED = 0.05  # share of the weighted sum; without it, a point that is worse in one objective and equal in the other would lose nothing


def scalarised(tried: Sequence[TriedPoint], second: Mapping[int, float], generator: np.random.Generator) -> list[TriedPoint]:
    """Returns the same points, scored with randomly drawn weights of the objectives.

    Args:
        tried: scored by the first objective, higher is better; their keys begin with the number of the trial.
        second: trial → second objective, lower is better; a trial without it counts as infeasible.
    """
    weight = int(generator.integers(STEPS + 1)) / STEPS
    first = np.array([one.score for one in tried])
    other = np.array([-second.get(one.key[0], np.inf) for one in tried])
    known = np.isfinite(first) & np.isfinite(other)
    scores = np.full(len(tried), -np.inf)
    if known.any():
        costs = np.stack([weight * _costs(first[known]), (1 - weight) * _costs(other[known])])
        scores[known] = -costs.max(0) - AUGMENTED * costs.sum(0)
    return [TriedPoint((*one.key, weight), one.row, float(score)) for one, score in zip(tried, scores, strict=True)]


def _costs(scores: Array) -> Array:
    """Returns scores (n,) as costs from 0 to 1; those of the worse half by rank, so that a diverged score leaves the others apart."""
    targets = warped(scores)
    return (targets.max() - targets) / (np.ptp(targets) or 1.0)  # type: ignore[no-any-return]
