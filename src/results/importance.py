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


@dataclass(frozen=True)
class _Row:
    values: Values
    score: float


def importances(standing: Standing) -> list[Importance]:
    """Returns the keys whose share of the variance is significantly above 0, most important first; none if configurations are too few.

    Only configurations with the data, code and packages of the best one count. If an oracle chose the epochs, only those of the rung with
    the most trials count.
    """
    rows = _rows(standing)
    keys = _varying(standing, rows)
    by_users: dict[tuple[int, ...], list[str]] = {}  # positions of the rows that have a key → all keys that exactly these rows have
    for key in keys:
        users = tuple(place for place, row in enumerate(rows) if key in row.values)
        by_users.setdefault(users, []).append(key)
    ranking: list[Importance] = []
    for users, own in by_users.items():
        some = [rows[place] for place in users]
        common = [key for key in _varying(standing, some) if all(key in row.values for row in some)]
        if len(some) < LEAST_ROWS or not common:
            continue
        shares = _shares(some, common)
        for key in own:
            if key not in common:
                continue
            share, half = _interval(shares[:, common.index(key)], len(keys))
            if share - half > 0:
                ranking.append(Importance(key, min(share, 1.0), share - half, min(share + half, 1.0), len(some), len(some) < len(rows)))
    return sorted(ranking, key=lambda item: item.share, reverse=True)


def _rows(standing: Standing) -> list[_Row]:
    """Returns the values and the mean score of each configuration with the origin and the rung that count.

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
    return [_Row(without_repeats(some[0].values), float(np.mean([trial.score for trial in some]))) for some in repeated.values()]


def _varying(standing: Standing, rows: Sequence[_Row]) -> list[str]:
    return varying([row.values for row in rows], standing.keys)


def _interval(shares: np.ndarray, keys: int) -> tuple[float, float]:
    """Returns the mean of one key's shares, shape (resamples,), and half its interval, which holds for so many `keys` together."""
    error = float(np.std(shares, ddof=1)) * math.sqrt(1 / len(shares) + LEFT_OUT / (1 - LEFT_OUT))
    return float(np.mean(shares)), float(stdtrit(len(shares) - 1, 1 - ERROR / keys)) * error


def _shares(rows: Sequence[_Row], keys: list[str]) -> np.ndarray:
    """Returns the share of each key in each resample, shape (resamples, keys)."""
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.inspection import permutation_importance
    from sklearn.model_selection import ShuffleSplit

    x, y = _encoded(rows, keys), np.array([row.score for row in rows])
    if len(y) > MOST_ROWS:
        chosen = np.random.default_rng(0).choice(len(y), MOST_ROWS, replace=False)
        x, y = x[chosen], y[chosen]
    if np.ptp(y) == 0:
        return np.zeros((RESAMPLES, len(keys)))
    found = []
    for seed, (fitted, rest) in enumerate(ShuffleSplit(RESAMPLES, test_size=LEFT_OUT, random_state=0).split(x)):
        forest = RandomForestRegressor(TREES, random_state=seed).fit(x[fitted], y[fitted])
        measured = permutation_importance(forest, x[rest], y[rest], scoring="neg_mean_squared_error", n_repeats=2, random_state=seed)
        found.append(measured.importances_mean / 2 / y.var())
    return np.array(found)


def _encoded(rows: Sequence[_Row], keys: list[str]) -> np.ndarray:
    """Returns a column per key, shape (rows, keys): numbers as they are, words as their places in alphabetical order."""
    columns = []
    for key in keys:
        texts = [value_text(row.values[key]) for row in rows]
        try:
            columns.append([float(text) for text in texts])
        except ValueError:
            places = {text: float(place) for place, text in enumerate(sorted(set(texts)))}
            columns.append([places[text] for text in texts])
    return np.array(columns).T
