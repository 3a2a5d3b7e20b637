"""How much each key matters: permutation importance (Breiman 2001) of a random forest, on trials that it was not fitted to.

Half of the loss of R² is the key's total Sobol index, its share of the score's variance (Gregorutti et al. 2017, arXiv:1310.5726).
"""

from dataclasses import dataclass
from statistics import mean

import numpy as np

from src.results.leaderboard import Standing, TrialResult
from src.space.values import shown, varying

LEAST_TRIALS = 20  # of which a third is left out of each resample
MOST_TRIALS = 2000  # a sample of more tells the same
RESAMPLES, TREES = 10, 20


@dataclass(frozen=True)
class Importance:
    """A key's share of the score's variance: the mean of resamples, and their 5 % and 95 % quantiles."""

    key: str
    share: float
    low: float
    high: float
    trials: int
    partial: bool  # only some trials have the key


def importances(standing: Standing) -> list[Importance]:
    """The keys that vary, most important first; nothing where there are too few trials to tell.

    Only trials of the best one's data, code and packages: what differs in these is no key.
    """
    best = standing.best
    scored = [trial for trial in standing.trials if trial.score is not None and best and trial.origin == best.origin]
    found: list[Importance] = []
    by_users: dict[tuple[int, ...], list[str]] = {}
    for key in _varying(standing, scored):
        users = tuple(n for n, trial in enumerate(scored) if key in trial.values)
        by_users.setdefault(users, []).append(key)
    for users, keys in by_users.items():
        trials = [scored[n] for n in users]
        there = [key for key in _varying(standing, trials) if all(key in trial.values for trial in trials)]
        if len(trials) >= LEAST_TRIALS and there:
            shares = _shares(trials, there)
            for key in keys:
                if key in there:
                    values = shares[:, there.index(key)]
                    low, high = np.quantile(values, (0.05, 0.95))
                    found.append(Importance(key, mean(values), float(low), float(high), len(trials), len(trials) < len(scored)))
    return sorted(found, key=lambda one: -one.share)


def _varying(standing: Standing, trials: list[TrialResult]) -> list[str]:
    return varying([trial.values for trial in trials], standing.keys_of_trials)


def _shares(trials: list[TrialResult], keys: list[str]) -> np.ndarray:
    """For each resample and key, shape (resamples, keys)."""
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.inspection import permutation_importance

    random = np.random.default_rng(0)
    x, y = _encoded(trials, keys), np.array([trial.score for trial in trials])
    if len(y) > MOST_TRIALS:
        chosen = random.choice(len(y), MOST_TRIALS, replace=False)
        x, y = x[chosen], y[chosen]
    rows = []
    for seed in range(RESAMPLES):
        drawn = random.integers(0, len(y), len(y))
        rest = np.setdiff1d(np.arange(len(y)), drawn)
        forest = RandomForestRegressor(TREES, random_state=seed).fit(x[drawn], y[drawn])
        rows.append(permutation_importance(forest, x[rest], y[rest], n_repeats=3, random_state=seed).importances_mean / 2)
    return np.array(rows)


def _encoded(trials: list[TrialResult], keys: list[str]) -> np.ndarray:
    """A column per key: numbers as they are, words as the place in their alphabetical order."""
    columns = []
    for key in keys:
        texts = [shown(trial.values[key]) for trial in trials]
        try:
            columns.append([float(text) for text in texts])
        except ValueError:
            places = {text: float(place) for place, text in enumerate(sorted(set(texts)))}
            columns.append([places[text] for text in texts])
    return np.array(columns).T
