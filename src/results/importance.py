"""Estimates the importance of each key by the permutation importance (Breiman 2001) of a random forest.

It is measured on configurations to which the forest was not fitted. A configuration is one row with its mean score, because repeats are
noise. Half of the growth of the squared error, as a share of the variance, is the key's total Sobol index (Gregorutti et al. 2017,
arXiv:1310.5726). The interval is that of Nadeau and Bengio (2003, Machine Learning 52) for overlapping resamples, over all keys together.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from src.results.entries import TrialResult, without_repeats
from src.results.leaderboard import Standing
from src.significance import ERROR
from src.space.values import Values, value_text, varying

LEAST_ROWS = 20  # each resample leaves out a third of them
MOST_ROWS = 2000  # rows that are used; of more rows, a random sample is enough
LEFT_OUT = 1 / 3
RESAMPLES, TREES = 20, 20


@dataclass(frozen=True)
class Importance:
    """A key's share of the score's variance.

    Attributes:
        share: the mean share over resamples.
        low, high: its 90 % interval, over all keys together.
        configurations: number of configurations that have the key; `partial` is True if not all have it.
    """

    key: str
    share: float
    low: float
    high: float
    configurations: int
    partial: bool


def importances(standing: Standing) -> list[Importance]:
    """Returns the keys whose share of the variance is significantly above 0, most important first; none if configurations are too few.

    Only configurations with the data, code and packages of the best one count. If an oracle chose the epochs, only those of the rung with
    the most trials count.
    """
    values, scores = _configurations(standing)
    keys = varying(values, standing.keys)
    by_users: dict[tuple[int, ...], list[str]] = {}  # places of the configurations that have a key → all keys that exactly these have
    for key in keys:
        users = tuple(place for place, one in enumerate(values) if key in one)
        by_users.setdefault(users, []).append(key)
    ranking: list[Importance] = []
    for users, own in by_users.items():
        some = [values[place] for place in users]
        common = [key for key in varying(some, standing.keys) if all(key in one for one in some)]
        if len(some) < LEAST_ROWS or not common:
            continue
        shares = _shares(_encoded(some, common), scores[list(users)])
        for key, of_key in zip(common, shares.T, strict=True):
            share, half = _interval(of_key, len(keys))
            if key in own and share - half > 0:
                ranking.append(Importance(key, min(share, 1.0), share - half, min(share + half, 1.0), len(some), len(some) < len(values)))
    return sorted(ranking, key=lambda item: item.share, reverse=True)


def _configurations(standing: Standing) -> tuple[list[Values], np.ndarray]:
    """Returns the values and the mean scores, shape (configurations,), of those with the origin and the rung that count.

    The score of a pruned trial is that of fewer epochs.
    """
    best = standing.best
    trials = [trial for trial in standing.trials if trial.score is not None and math.isfinite(trial.score)]
    trials = [trial for trial in trials if best and trial.origin == best.origin]
    rungs = Counter(trial.rung for trial in trials)
    rung = rungs.most_common(1)[0][0] if rungs else None
    repeated: dict[str, list[TrialResult]] = {}
    for trial in trials:
        if trial.rung == rung:
            repeated.setdefault(trial.row[0], []).append(trial)
    values: list[Values] = [without_repeats(some[0].values) for some in repeated.values()]
    return values, np.array([np.mean([trial.score for trial in some]) for some in repeated.values()])


def _interval(shares: np.ndarray, keys: int) -> tuple[float, float]:
    """Returns the mean of one key's shares, shape (resamples,), and half its interval, which holds for so many `keys` together."""
    error = float(np.std(shares, ddof=1)) * math.sqrt(1 / len(shares) + LEFT_OUT / (1 - LEFT_OUT))
    return float(np.mean(shares)), float(stdtrit(len(shares) - 1, 1 - ERROR / keys)) * error


def _shares(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Returns the share of each key in each resample, shape (resamples, keys), for x (rows, keys) and scores y (rows,)."""
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.inspection import permutation_importance
    from sklearn.model_selection import ShuffleSplit

    if len(y) > MOST_ROWS:
        chosen = np.random.default_rng(0).choice(len(y), MOST_ROWS, replace=False)
        x, y = x[chosen], y[chosen]
    if np.ptp(y) == 0:
        return np.zeros((RESAMPLES, x.shape[1]))
    found = []
    for seed, (fitted, rest) in enumerate(ShuffleSplit(RESAMPLES, test_size=LEFT_OUT, random_state=0).split(x)):
        forest = RandomForestRegressor(TREES, random_state=seed).fit(x[fitted], y[fitted])
        measured = permutation_importance(forest, x[rest], y[rest], scoring="neg_mean_squared_error", n_repeats=2, random_state=seed)
        found.append(measured.importances_mean / 2 / y.var())
    return np.array(found)


def _encoded(rows: Sequence[Values], keys: list[str]) -> np.ndarray:
    """Returns a column per key, shape (rows, keys): numbers as they are, words as their places in alphabetical order."""
    columns = []
    for key in keys:
        texts = [value_text(values[key]) for values in rows]
        try:
            columns.append(np.array(texts, float))
        except ValueError:
            columns.append(np.unique(texts, return_inverse=True)[1].astype(float))
    return np.array(columns).T
