"""Bayesian optimization with a Gaussian process and its upper confidence bound (Srinivas et al. 2010, arXiv:0912.3995)."""

import warnings
from typing import Any

import keras_tuner as kt
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from src.objective import Objective
from src.oracles.base import KerasTunerOracle, Values
from src.space import Space

CANDIDATES = 2000  # points that are compared for a proposal
NEAR = 0.05  # standard deviation of the candidates close to the best trial, as a share of an axis
BELOW_ONE = np.nextafter(1, 0)  # for 1, KerasTuner returns the number after the largest
MOST_MODELLED = 200  # trials: the cost of a Gaussian process grows with their cube


class Bayesian(KerasTunerOracle, kt.oracles.BayesianOptimizationOracle):  # type: ignore[misc]
    """KerasTuner's model and acquisition. It proposes no point twice, and searches candidates instead of running 50 descents.

    Args:
        initial_points: number of random points before the model is used; None for three per axis.
    """

    def __init__(self, space: Space, objective: Objective, *, max_trials: int, initial_points: int | None, seed: int) -> None:
        initial_points = initial_points or 3 * max(1, len(space.axes))
        super().__init__(space, objective, seed=seed, max_trials=max_trials, num_initial_points=initial_points)
        self.known_in_advance = min(initial_points, self.budget)

    def draw_for(self, number: int) -> None:
        """Seeds all draws for a trial, those of the model and the candidates included."""
        super().draw_for(number)
        self._random_state = np.random.RandomState(self._seed_state % 2**32)

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Proposes the candidate with the best confidence bound; a random point before there are enough scores, or without candidates."""
        candidates = self._candidates() if len(self._scored()) >= self.num_initial_points else []
        if not candidates:
            answer: dict[str, Any] = self._random_populate_space()
            return answer
        x, y = self._vectorize_trials()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # few trials cannot determine a length scale
            self.gpr.fit(x, y)
        mean, deviation = self.gpr.predict(np.array([self._vector(values) for values in candidates]), return_std=True)
        best = int(np.argmin(mean - self.beta * deviation))
        return {"status": "RUNNING", "values": candidates[best]}

    def _candidates(self) -> list[Values]:
        """Returns untried points.

        In a finite space, a sample of the remaining points; otherwise random points, half of them close to the best trial.
        """
        if self.space.size is not None:
            left = self.remaining_points()
            chosen = self._random_state.permutation(len(left))[:CANDIDATES]
            return [self.values(left[position]) for position in chosen]
        best = min(self._scored(), key=lambda trial: self._cost(trial.score))
        axes, half = len(self.space.axes), CANDIDATES // 2
        near = self._random_state.normal(self._vector(best.hyperparameters.values), NEAR, (half, axes))
        vectors = np.concatenate([self._random_state.uniform(size=(half, axes)), np.clip(near, 0, BELOW_ONE)])
        candidates = [self._vector_to_values(vector) for vector in vectors]
        return [values for values in candidates if not self._duplicate(values)]

    def _scored(self) -> list[kt.engine.trial.Trial]:
        return [trial for trial in self.trials.values() if trial.score is not None]

    def _vectorize_trials(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the vectors (n, axes) and costs (n,) of the trials to learn from, at most MOST_MODELLED.

        An infeasible trial gets the worst cost, a running one the mean cost (Ginsbourger et al. 2010).
        """
        costs = [self._cost(trial.score) for trial in self._scored()]
        stand_in = {"FAILED": max(costs), "RUNNING": float(np.mean(costs))}
        rows = [(trial, stand_in[trial.status] if trial.score is None else self._cost(trial.score)) for trial in self.trials.values()]
        if len(rows) > MOST_MODELLED:  # the best half, and the latest of the others
            rows.sort(key=lambda row: row[1])
            others = sorted(rows[MOST_MODELLED // 2 :], key=lambda row: int(row[0].trial_id))
            rows = rows[: MOST_MODELLED // 2] + others[-(MOST_MODELLED // 2) :]
        return np.array([self._vector(trial.hyperparameters.values) for trial, _ in rows]), np.array([cost for _, cost in rows])

    def _cost(self, score: float) -> float:
        return -score if self.objective.direction == "max" else score

    def _vector(self, values: Values) -> list[float]:
        """Maps each axis to [0, 1]; an axis that a trial does not have gets its default."""
        pairs = zip(self.space.axes, self.hyperparameters.space, strict=True)
        return [parameter.value_to_prob(values[axis.key] if self._has(axis, values) else parameter.default) for axis, parameter in pairs]
