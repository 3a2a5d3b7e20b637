"""Two objectives as one score, with other weights for each proposal, so that a search walks along the whole front.

Source: Knowles 2006, ParEGO, IEEE Transactions on Evolutionary Computation 10: the augmented Chebyshev function of normalised objectives.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from src.oracles.gaussian import warped
from src.oracles.surrogate import Told
from src.oracles.vectors import Array

STEPS = 10  # the weights are multiples of a tenth
AUGMENTED = (
    0.05  # share of the weighted sum, without which points would count that another one beats in one objective and equals in the other
)


def scalarised(told: Sequence[Told], second: Mapping[int, float], generator: np.random.Generator) -> list[Told]:
    """Returns the same points with the scores that one draw of the weights gives them.

    Args:
        told: with the first objective as score, higher is better; their keys begin with the number of the trial.
        second: trial → second objective, lower is better; a trial without it counts as infeasible.
    """
    weight = int(generator.integers(STEPS + 1)) / STEPS
    first = np.array([one.score for one in told])
    other = np.array([-second.get(one.key[0], np.inf) for one in told])
    known = np.isfinite(first) & np.isfinite(other)
    scores = np.full(len(told), -np.inf)
    if known.any():
        costs = np.stack([weight * _costs(first[known]), (1 - weight) * _costs(other[known])])
        scores[known] = -costs.max(0) - AUGMENTED * costs.sum(0)
    return [Told((*one.key, weight), one.row, float(score)) for one, score in zip(told, scores, strict=True)]


def _costs(scores: Array) -> Array:
    """Scores (n,) as costs from 0 to 1; those of the worse half by their ranks, so that a diverged one does not press the rest together."""
    targets = warped(scores)
    return (targets.max() - targets) / (np.ptp(targets) or 1.0)  # type: ignore[no-any-return]
