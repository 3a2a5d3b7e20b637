"""Bayesian optimization: a Gaussian process of the scores, and the point of which it expects the largest improvement."""

from typing import Any

import keras_tuner as kt
import numpy as np
from scipy.stats import qmc

from src.objective import Objective
from src.oracles import Proposal
from src.oracles.base import KerasTunerOracle
from src.oracles.gaussian import Model, fitted, warped
from src.oracles.vectors import BELOW_ONE, Array, Vectors
from src.space import Space

CANDIDATES = 1000  # points that are compared for a proposal
ROUNDS = 2  # in which half as many are drawn close to the best of them
CENTRES = 5  # best trials, or candidates, in whose neighbourhood others are drawn
NEAREST, FARTHEST = 0.002, 0.3  # standard deviations of such a draw, as shares of an axis
MOST_MODELLED = 200  # trials: the cost of a Gaussian process grows with their cube
MOST_FITTED = 100  # of these tell the length scales


class Bayesian(KerasTunerOracle):
    """Proposes a quasi-random start, then the candidate with the largest expected improvement; no point twice.

    Args:
        initial_points: number of points before the model is used; None for one per key and two more, at most a quarter of all.
    """

    def __init__(self, space: Space, objective: Objective, *, max_trials: int, initial_points: int | None, seed: int) -> None:
        super().__init__(space, objective, seed=seed, max_trials=max_trials)
        self._vectors = Vectors(space)
        self._rows: dict[str, list[float]] = {}  # by the id of a trial
        self._fitted: tuple[tuple[str, ...], Any] = (), None  # the trials that told the last kernel, and the kernel
        self._start = initial_points or max(1, min(self._vectors.dimensions + 2, self.budget // 4))
        self.known_in_advance = min(max(self._start, len(self._first)), self.budget)

    def draw_for(self, number: int) -> None:
        """Seeds all draws for a trial, those of the candidates included."""
        super().draw_for(number)
        self._number, self._generator = number, np.random.default_rng(self._seed_state)

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Proposes a point of the start, or the best candidate; a random point if all these are known."""
        ended = [trial for trial in self.trials.values() if trial.status != "RUNNING"]
        learns = len(self.trials) >= self._start and len(ended) > 1 and any(trial.score is not None for trial in ended)
        if self.space.size is not None and len(self._known) >= self.space.size:
            return {"status": "STOPPED", "values": None}
        rows = self._ranked() if learns and len(self._vectors.groups) else self._quasi_random()
        found = (values for values in map(self._vectors.values, rows) if not self._duplicate(values))
        values = next(found, None) or self._random_values()
        return {"status": "STOPPED" if values is None else "RUNNING", "values": values}

    def _quasi_random(self) -> Array:
        """The point of a Sobol sequence that belongs to the number of the trial, (1, axes)."""
        sequence = qmc.Sobol(self._vectors.dimensions, rng=np.random.default_rng(self._sweep_seed))
        if self._number:
            sequence.fast_forward(self._number)
        return self._vectors.rows(sequence.random(1))

    def _ranked(self) -> Array:
        """Candidates (n, axes), the one of which most is expected first."""
        trials = sorted(self.trials.values(), key=lambda trial: int(trial.trial_id))
        ended = [trial for trial in trials if trial.status != "RUNNING"]
        running = [trial for trial in trials if trial.status == "RUNNING"][-MOST_MODELLED:]
        rows, scores = self._modelled(ended, MOST_MODELLED)
        features = self._vectors.features
        waiting = features(self._rows_of(running)) if running else np.empty((0, len(self._vectors.groups)))
        model = Model(self._kernel(ended), features(rows), warped(scores), waiting)
        if (listed := self._listed()) is not None:
            return listed[np.argsort(-model.log_improvement(features(listed)), kind="stable")]
        near = self._near(rows[np.argsort(-scores, kind="stable")[:CENTRES]])
        candidates = self._vectors.rows(np.concatenate([self._generator.random(near.shape), near]))
        expected = model.log_improvement(features(candidates))
        for _ in range(ROUNDS):
            closer = self._vectors.rows(self._near(candidates[np.argsort(-expected, kind="stable")[:CENTRES]]))
            candidates = np.concatenate([candidates, closer])
            expected = np.concatenate([expected, model.log_improvement(features(closer))])
        return candidates[np.argsort(-expected, kind="stable")]

    def _kernel(self, ended: list[kt.engine.trial.Trial]) -> Any:
        """The kernel that ended trials tell, anew when a tenth more have ended."""
        first = ended[: len(ended) - len(ended) % max(1, len(ended) // 10)]
        told = tuple(trial.trial_id for trial in first)
        if told != self._fitted[0]:
            rows, scores = self._modelled(first, MOST_FITTED)
            self._fitted = told, fitted(self._vectors.features(rows), warped(scores), self._vectors.groups)
        return self._fitted[1]

    def _near(self, centres: Array) -> Array:
        """Draws points of the cube, (CANDIDATES // 2, dimensions), that differ from one of some rows in some keys, by a little or more."""
        shape = CANDIDATES // 2, self._vectors.dimensions
        points = self._vectors.cube(centres)[self._generator.integers(len(centres), size=shape[0])]
        widths = np.exp(self._generator.uniform(np.log(NEAREST), np.log(FARTHEST), (shape[0], 1)))
        moved = np.where(self._vectors.wordy, self._generator.random(shape), points + widths * self._generator.normal(size=shape))
        changes = self._generator.random(shape) < self._generator.uniform(1 / shape[1], 1, (shape[0], 1))
        return np.clip(np.where(changes, moved, points), 0, BELOW_ONE)

    def _listed(self) -> Array | None:
        """The rows of all points that are left in a finite space; None if they are many."""
        if self.space.size is None or self.space.size - len(self._known) > CANDIDATES:
            return None
        return np.array([self._vectors.row(self.values(point)) for point in self.remaining_points()])

    def _modelled(self, ended: list[kt.engine.trial.Trial], most: int) -> tuple[Array, Array]:
        """Returns rows (n, axes) and scores (n,), higher is better, of the trials to learn from.

        Of more than `most` it takes the best half and, of the others, as many evenly by their numbers.
        """
        sign = 1 if self.objective.direction == "max" else -1
        scores = np.array([-np.inf if trial.score is None else sign * trial.score for trial in ended])
        chosen = np.arange(len(ended))
        if len(ended) > most:
            order, half = np.argsort(-scores, kind="stable"), most // 2
            others = np.sort(order[half:])
            chosen = np.concatenate([order[:half], others[np.linspace(0, len(others) - 1, half).astype(int)]])
        return self._rows_of([ended[place] for place in chosen]), scores[chosen]

    def _rows_of(self, trials: list[kt.engine.trial.Trial]) -> Array:
        return np.array([self._rows[trial.trial_id] for trial in trials])

    def _add(self, number: int, proposal: Proposal) -> None:
        super()._add(number, proposal)
        self._rows[str(number)] = self._vectors.row(self.values(proposal.point))
