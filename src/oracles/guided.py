"""Chooses new points by a model of the scores, for every oracle that otherwise draws them. Rungs as in BOHB (Falkner et al. 2018)."""

import math
from itertools import pairwise
from statistics import median
from typing import Any

import numpy as np
from scipy.stats import qmc

from src.errors import ConfigError, did_you_mean
from src.objective import Objective
from src.oracles import Proposal
from src.oracles.base import KerasTunerOracle, Values
from src.oracles.scalarised import scalarised
from src.oracles.surrogate import CANDIDATES, Surrogate, TriedPoint
from src.oracles.vectors import Array, Vectors
from src.space import Space

SAMPLERS = ("random", "bayesian")


class Guided(KerasTunerOracle):
    """Mix-in that proposes a quasi-random start, then the points with the largest improvement that a Gaussian process expects.

    Args:
        sampler: bayesian; or random, to draw points as the other base class does.
        settings: arguments of the other base class.

    Raises:
        ConfigError: there is no such sampler.
    """

    def __init__(self, space: Space, objective: Objective, *, sampler: str, seed: int, **settings: Any) -> None:
        if sampler not in SAMPLERS:
            raise ConfigError([f"oracle.sampler={sampler}: unknown{did_you_mean(sampler, SAMPLERS)} Samplers: {', '.join(SAMPLERS)}"])
        super().__init__(space, objective, seed=seed, **settings)
        self._guided = sampler == "bayesian"
        self._vectors = Vectors(space)
        self._surrogate = Surrogate(self._vectors)
        self._rows: dict[int, list[float]] = {}  # number of a trial → its row
        self._rungs_of: dict[int, tuple[int, int]] = {}  # trial → first trial of its configuration, epochs of its rung

    def start_of(self, configurations: int) -> int:
        """Returns the number of points before the model is used: one per key and two more, at most a quarter of all."""
        return max(1, min(self._vectors.dimensions + 2, configurations // 4))

    def draw_for(self, number: int) -> None:
        """Seeds all draws for a trial, including those of the candidates."""
        super().draw_for(number)
        self._generator = np.random.default_rng(self._seed_state)

    def _random_values(self) -> Values | None:
        """Returns a point of the start, or the best candidate; a random point if all of these were tried."""
        for row in self._best_rows() if self._guided else []:
            candidate = self._vectors.values(row)
            if candidate and not self._is_tried(candidate):
                return candidate
        values: Values | None = super()._random_values()
        return values

    def _is_tried(self, values: Values) -> bool:
        """Returns True if the space excludes the values, or a trial has them."""
        return self._duplicate(values)

    def _best_rows(self) -> Array:
        """Returns rows (n, axes), the best first."""
        tried = self._tried_points()
        if self.second:
            tried = scalarised(tried, self.second, self._generator)
        begun = len({first for first, _ in self._rungs_of.values()})
        learns = begun >= self._start and len(tried) > 1 and any(math.isfinite(one.score) for one in tried)
        listed = self._listed() if learns else None
        if not learns or not len(self._vectors.groups) or (listed is not None and not len(listed)):
            return self._quasi_random(begun)
        known = {one.key[0] for one in tried}
        running = sorted(int(trial) for trial in self.ongoing_trials)
        unscored = [self._rows[number] for number in running if self._rungs_of[number][0] not in known]
        return self._surrogate.ranked(tried, unscored, listed, self._generator)

    def _tried_points(self) -> list[TriedPoint]:
        """Returns each configuration whose first trial ended, in the order of their numbers.

        With rungs, the score is that of the configuration's last rung, plus the median gain of others from there to the highest rung. The
        few configurations that reached the highest rung are all good, so a model of only these would expect good scores everywhere.
        """
        sign = 1 if self.objective.direction == "max" else -1
        scores: dict[int, dict[int, float]] = {}  # number of the first trial → epochs of the rung → score
        for number, (first, rung) in sorted(self._rungs_of.items()):
            trial = self.trials[str(number)]
            if trial.status != "RUNNING":
                scores.setdefault(first, {})[rung] = -math.inf if trial.score is None else sign * trial.score
        rungs = sorted({rung for known in scores.values() for rung in known}, reverse=True)
        gains = dict.fromkeys(rungs[:1], 0.0)  # rung → gain from there to the highest rung
        for higher, lower in pairwise(rungs):
            differences = [known[higher] - known[lower] for known in scores.values() if {higher, lower} <= known.keys()]
            gains[lower] = gains[higher] + median([gain for gain in differences if math.isfinite(gain)] or [0.0])
        tried = []
        for first, known in sorted(scores.items()):
            rung = max(known)
            tried.append(TriedPoint((first, rung, gains[rung]), self._rows[first], known[rung] + gains[rung]))
        return tried

    def _quasi_random(self, place: int) -> Array:
        """Returns the point of a Sobol sequence at a place, (1, axes)."""
        sequence = qmc.Sobol(self._vectors.dimensions, rng=np.random.default_rng(self._sweep_seed))
        if place:
            sequence.fast_forward(place)
        return self._vectors.rows(sequence.random(1))

    def _listed(self) -> Array | None:
        """Returns the rows of all points that are left in a finite space; None if there are more than CANDIDATES."""
        if self.space.size is None or self.space.size - len(self._rungs_of) > CANDIDATES:
            return None
        return np.array([self._vectors.row(self.values(point)) for point in self.remaining_points()])

    def _add(self, number: int, proposal: Proposal) -> None:
        super()._add(number, proposal)
        self._rows[number] = self._vectors.row(self.values(proposal.point))
        first = number if proposal.parent is None else self._rungs_of[proposal.parent][0]
        self._rungs_of[number] = first, proposal.epochs or 0
