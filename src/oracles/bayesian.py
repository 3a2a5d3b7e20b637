"""Bayesian optimization: proposes the point with the largest improvement that a Gaussian process of the scores expects."""

from src.objective import Objective
from src.oracles.guided import Guided
from src.oracles.random import Random
from src.space import Space


class Bayesian(Guided, Random):
    """Proposes a quasi-random start, then the candidate with the largest expected improvement; no point twice.

    Args:
        initial_points: number of points before the model is used; None for one per key and two more, at most a quarter of all.
    """

    def __init__(self, space: Space, objective: Objective, *, max_trials: int, initial_points: int | None, seed: int) -> None:
        super().__init__(space, objective, sampler="bayesian", seed=seed, max_trials=max_trials)
        self._start = initial_points or self.start_of(self.budget)
        self.known_in_advance = min(max(self._start, len(self._first)), self.budget)
