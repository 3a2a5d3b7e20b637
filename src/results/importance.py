"""How much each key matters: permutation importance (Breiman 2001) of a random forest.

It is measured on trials that the forest was not fitted to.
Half of the loss of R² is the key's total Sobol index, its share of the score's variance (Gregorutti et al. 2017, arXiv:1310.5726).
"""

from dataclasses import dataclass
from statistics import mean

import numpy as np

from src.results.leaderboard import Standing, TrialResult
from src.space.values import value_text, varying

LEAST_TRIALS = 20  # each resample leaves out a third of them
MOST_TRIALS = 2000  # of more, only a sample is used; it tells the same
RESAMPLES, TREES = 10, 20


@dataclass(frozen=True)
class Importance:
    """A key's share of the score's variance.

    Attributes:
        share: the mean over resamples.
        low, high: their 5 % and 95 % quantiles.
        trials: number of trials that have the key.
        partial: only some trials have the key.
    """

    key: str
    share: float
    low: float
    high: float
    trials: int
    partial: bool


def importances(standing: Standing) -> list[Importance]:
    """The keys that vary, most important first; empty if there are too few trials.

    Only trials with the data, code and packages of the best one count: a difference in these is no key.
    """
    best = standing.best
    scored = [trial for trial in standing.trials if trial.score is not None and best and trial.origin == best.origin]
    by_users: dict[tuple[int, ...], list[str]] = {}  # positions of the trials that have a key → all keys that the same trials have
    for key in _varying(standing, scored):
        users = tuple(n for n, trial in enumerate(scored) if key in trial.values)
        by_users.setdefault(users, []).append(key)
    ranking: list[Importance] = []
    for users, keys in by_users.items():
        trials = [scored[n] for n in users]
        common = [key for key in _varying(standing, trials) if all(key in trial.values for trial in trials)]
        if len(trials) < LEAST_TRIALS or not common:
            continue
        shares = _shares(trials, common)
        for key in [key for key in keys if key in common]:
            values = shares[:, common.index(key)]
            low, high = np.quantile(values, (0.05, 0.95))
            ranking.append(Importance(key, mean(values), float(low), float(high), len(trials), len(trials) < len(scored)))
    return sorted(ranking, key=lambda item: -item.share)


def _varying(standing: Standing, trials: list[TrialResult]) -> list[str]:
    return varying([trial.values for trial in trials], standing.keys_of_trials)


def _shares(trials: list[TrialResult], keys: list[str]) -> np.ndarray:
    """The share of each key in each resample, shape (resamples, keys)."""
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.inspection import permutation_importance

    random = np.random.default_rng(0)
    x, y = _encoded(trials, keys), np.array([trial.score for trial in trials])
    if len(y) > MOST_TRIALS:
        chosen = random.choice(len(y), MOST_TRIALS, replace=False)
        x, y = x[chosen], y[chosen]
    rows = []
    for seed in range(RESAMPLES):
        drawn = random.integers(0, len(y), len(y))  # with replacement
        rest = np.setdiff1d(np.arange(len(y)), drawn)
        forest = RandomForestRegressor(TREES, random_state=seed).fit(x[drawn], y[drawn])
        rows.append(permutation_importance(forest, x[rest], y[rest], n_repeats=3, random_state=seed).importances_mean / 2)
    return np.array(rows)


def _encoded(trials: list[TrialResult], keys: list[str]) -> np.ndarray:
    """A column per key: numbers as they are, words as their places in alphabetical order. Shape (trials, keys)."""
    columns = []
    for key in keys:
        texts = [value_text(trial.values[key]) for trial in trials]
        try:
            columns.append([float(text) for text in texts])
        except ValueError:
            places = {text: float(place) for place, text in enumerate(sorted(set(texts)))}
            columns.append([places[text] for text in texts])
    return np.array(columns).T
