"""New points by a model of the scores, for every oracle that otherwise draws them. With rungs as in BOHB (Falkner et al. 2018)."""

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
from src.oracles.surrogate import CANDIDATES, Surrogate, Told
from src.oracles.vectors import Array, Vectors
from src.space import Space

SAMPLERS = ("random", "bayesian")


class Guided(KerasTunerOracle):
    """Mix-in: after a quasi-random start the points of which a Gaussian process expects most.

    Args:
        sampler: bayesian; or random, to draw points as the other base class does.
        settings: of the other base class.

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
        self._rungs_of: dict[int, tuple[int, int]] = {}  # number of a trial → that of the first with its configuration, epochs of its rung

    def start_of(self, configurations: int) -> int:
        """The number of points before the model is used: one per key and two more, at most a quarter of all."""
        return max(1, min(self._vectors.dimensions + 2, configurations // 4))

    def draw_for(self, number: int) -> None:
        """Seeds all draws for a trial, those of the candidates included."""
        super().draw_for(number)
        self._generator = np.random.default_rng(self._seed_state)

    def _random_values(self) -> Values | None:
        """Proposes a point of the start, or the best candidate; a random point if all these are known."""
        rows = self._proposed() if self._guided else ()
        found = (values for values in map(self._vectors.values, rows) if not self._tried(values))
        values: Values | None = next(found, None) or super()._random_values()
        return values

    def _tried(self, values: Values) -> bool:
        """True if the space excludes the values, or a trial has them."""
        return self._duplicate(values)

    def _proposed(self) -> Array:
        """Rows (n, axes), the one to propose first."""
        told = scalarised(self._told(), self.second, self._generator) if self.second else self._told()
        begun = len({first for first, _ in self._rungs_of.values()})
        learns = begun >= self._start and len(told) > 1 and any(math.isfinite(one.score) for one in told)
        listed = self._listed() if learns else None
        if not learns or not len(self._vectors.groups) or (listed is not None and not len(listed)):
            return self._quasi_random(begun)
        known = {one.key[0] for one in told}
        running = sorted(int(trial) for trial in self.ongoing_trials)
        waiting = [self._rows[number] for number in running if self._rungs_of[number][0] not in known]
        return self._surrogate.ranked(told, waiting, listed, self._generator)

    def _told(self) -> list[Told]:
        """Returns the score of each configuration whose first trial ended, in the order of their numbers.

        Of one with several rungs it is the score of the last, and what training on from there to the highest rung brought others, their
        median: the few that went so far are good ones all, and a model of these alone would believe the same of what it has not seen.
        """
        sign = 1 if self.objective.direction == "max" else -1
        scores: dict[int, dict[int, float]] = {}  # number of the first trial → epochs of the rung → score
        for number, (first, rung) in sorted(self._rungs_of.items()):
            trial = self.trials[str(number)]
            if trial.status != "RUNNING":
                scores.setdefault(first, {})[rung] = -math.inf if trial.score is None else sign * trial.score
        rungs = sorted({rung for known in scores.values() for rung in known}, reverse=True)
        gains = dict.fromkeys(rungs[:1], 0.0)
        for higher, lower in pairwise(rungs):
            both = [known[higher] - known[lower] for known in scores.values() if {higher, lower} <= known.keys()]
            gains[lower] = gains[higher] + median([gain for gain in both if math.isfinite(gain)] or [0.0])
        last = {first: max(known) for first, known in scores.items()}
        return [
            Told((first, rung, gains[rung]), self._rows[first], scores[first][rung] + gains[rung]) for first, rung in sorted(last.items())
        ]

    def _quasi_random(self, place: int) -> Array:
        """A point of a Sobol sequence, (1, axes)."""
        sequence = qmc.Sobol(self._vectors.dimensions, rng=np.random.default_rng(self._sweep_seed))
        if place:
            sequence.fast_forward(place)
        return self._vectors.rows(sequence.random(1))

    def _listed(self) -> Array | None:
        """The rows of all points that are left in a finite space; None if they are many."""
        if self.space.size is None or self.space.size - len(self._rungs_of) > CANDIDATES:
            return None
        return np.array([self._vectors.row(self.values(point)) for point in self.remaining_points()])

    def _add(self, number: int, proposal: Proposal) -> None:
        super()._add(number, proposal)
        self._rows[number] = self._vectors.row(self.values(proposal.point))
        first = number if proposal.parent is None else self._rungs_of[proposal.parent][0]
        self._rungs_of[number] = first, proposal.epochs or 0
