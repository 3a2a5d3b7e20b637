"""Compares two models by their scores on the same test examples. An example counts once, even with many positions or labels."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest, norm, ttest_1samp

EXCHANGES = 9999
EXCHANGED = 10_000  # examples with the largest differences, exchanged one by one; the sum of the others is taken as normal
NUMBERS_AT_ONCE = 2_000_000  # random numbers in memory, so that memory does not grow with the test split
BOUND = 3.179  # 1 / (4 P(Z >= sqrt(2))): Bentkus & Dzindzalieta 2015, Bernoulli 21, 1205-1231


@dataclass(frozen=True)
class Comparison:
    """Two models on the same test examples.

    Attributes:
        gain: mean score of the challenger minus that of its opponent.
        interval: its 95 % interval on new examples of the same kind, by Student's t.
        p_value: one-sided p-value of `test`. Hypothesis: on each example, both models are equally likely to be better.
        test: the exact sign test (McNemar 1947, Psychometrika 12, 153-157) if an example is either right or wrong, otherwise a test by
            random exchanges of the two scores of an example (Fisher 1935, The Design of Experiments).
    """

    gain: float
    interval: tuple[float, float]
    p_value: float
    test: str


def compare(challenger: np.ndarray, opponent: np.ndarray) -> Comparison:
    """Compares two models by the scores of the same examples, shape (test examples,)."""
    difference = np.subtract(challenger, opponent, dtype=float)
    gain, interval = float(difference.mean()), _interval(difference)
    if _are_shares(challenger) and _are_shares(opponent):
        won, lost = int((difference > 0).sum()), int((difference < 0).sum())
        p_value = float(binomtest(won, won + lost, alternative="greater").pvalue) if won + lost else 1.0
        return Comparison(gain, interval, p_value, "McNemar's exact test")
    return Comparison(gain, interval, _p_of_exchanges(difference), "random exchanges")


def interval_of(scores: np.ndarray) -> tuple[float, float]:
    """Returns the 95 % interval on new examples of the mean of scores (examples,): by Wilson (1927) for right or wrong, else by Student."""
    if _are_shares(scores):
        found = binomtest(round(float(scores.sum())), len(scores)).proportion_ci(method="wilson")
        return float(found.low), float(found.high)
    return _interval(scores.astype(float))


def _are_shares(scores: np.ndarray) -> bool:
    """Returns True if an example is either right or wrong."""
    return bool(((scores == 0) | (scores == 1)).all()) and not np.signbit(scores).any()  # -0 is an error of 0


def _interval(values: np.ndarray) -> tuple[float, float]:
    """Returns the 95 % interval of a mean by Student's t; (NaN, NaN) if a value is not finite."""
    if not np.isfinite(values).all():
        return np.nan, np.nan
    if len(values) < 2 or not np.ptp(values):
        return float(values.mean()), float(values.mean())
    found = ttest_1samp(values, 0).confidence_interval(0.95)
    return float(found.low), float(found.high)


def _p_of_exchanges(difference: np.ndarray) -> float:
    """Returns the share of random exchanges, including the identity, whose sum of differences is at least the observed sum.

    If hardly any exchange can reach that sum, returns an upper bound instead, which holds for any differences:
    P(sum >= x sqrt(sum of squares)) <= BOUND P(Z >= x).
    """
    if not difference.any() or not np.isfinite(difference).all():
        return 1.0
    sizes = np.sort(np.abs(difference))[::-1]
    total = difference.sum()
    bound = BOUND * norm.sf(total / np.linalg.norm(sizes))
    if bound < 1 / (EXCHANGES + 1):
        return float(bound)
    large, spread = sizes[:EXCHANGED], float(np.linalg.norm(sizes[EXCHANGED:]))
    random, most = np.random.default_rng(0), max(1, NUMBERS_AT_ONCE // len(large))
    reached = 1
    for start in range(0, EXCHANGES, most):
        rows = min(most, EXCHANGES - start)
        sums = large.sum() - 2 * (random.integers(0, 2, (rows, len(large)), np.int8) @ large) + spread * random.standard_normal(rows)
        reached += int((sums >= total - 1e-12 * large.sum()).sum())
    return reached / (EXCHANGES + 1)
