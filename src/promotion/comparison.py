"""Compares two models by their scores on the same test examples."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest, bootstrap

RESAMPLES, EXCHANGES = 2000, 9999
NUMBERS_AT_ONCE = 2_000_000  # so that memory does not grow with the test split


@dataclass(frozen=True)
class Comparison:
    """Two models on the same test examples.

    Attributes:
        gain: mean score of the challenger minus that of the champion.
        interval: its 95 % bootstrap interval (Efron 1979, Annals of Statistics 7, 1-26).
        p_value: of `test`. Its hypothesis: on each example, each of the two is as likely the better one.
        test: McNemar's exact test (Psychometrika 1947) if an example is either right or wrong, otherwise a test by random exchanges of
            the two scores of an example (Fisher 1935, The Design of Experiments).
    """

    gain: float
    interval: tuple[float, float]
    p_value: float
    test: str


def compare(challenger: np.ndarray, champion: np.ndarray) -> Comparison:
    """Compares two models by the scores of the same examples, shape (test examples,)."""
    if _are_shares(challenger) and _are_shares(champion):
        return _of_shares(int((challenger > champion).sum()), int((challenger < champion).sum()), len(champion))
    difference = np.subtract(challenger, champion, dtype=float)
    interval = _bootstrapped(difference)
    return Comparison(float(difference.mean()), interval, _p_of_exchanges(difference), "random exchanges")


def interval_of(scores: np.ndarray) -> tuple[float, float]:
    """95 % interval of the mean of scores (examples,) on new examples: by Wilson (1927) for right and wrong, else by the bootstrap."""
    if _are_shares(scores):
        found = binomtest(round(float(scores.sum())), len(scores)).proportion_ci(method="wilson")
        return float(found.low), float(found.high)
    return _bootstrapped(scores.astype(float))


def _of_shares(won: int, lost: int, n: int) -> Comparison:
    """Compares right and wrong answers to n examples, of which the challenger won and lost some.

    A bootstrap draws n of n examples with equal probabilities, so the counts of the examples are multinomial (Efron 1979).
    Here an example matters only as won, lost or tied, and sums of multinomial counts are multinomial (Johnson, Kotz & Balakrishnan
    1997, Discrete Multivariate Distributions, chapter 35). So three counts are drawn instead of n positions; the distribution is the same.
    """
    counts = np.random.default_rng(0).multinomial(n, (won / n, lost / n, (n - won - lost) / n), RESAMPLES)
    low, high = np.quantile((counts[:, 0] - counts[:, 1]) / n, (0.025, 0.975))
    p_value = float(binomtest(won, won + lost).pvalue) if won + lost else 1.0
    return Comparison((won - lost) / n, (float(low), float(high)), p_value, "McNemar's exact test")


def _are_shares(scores: np.ndarray) -> bool:
    """True if an example is either right or wrong."""
    return bool(((scores == 0) | (scores == 1)).all()) and not np.signbit(scores).any()  # -0 is an error of 0


def _bootstrapped(values: np.ndarray) -> tuple[float, float]:
    """95 % percentile interval of a mean; NaN if a value is."""
    if not np.isfinite(values).all():
        return np.nan, np.nan
    if len(values) < 2 or not np.ptp(values):
        return float(values.mean()), float(values.mean())
    batch = max(1, NUMBERS_AT_ONCE // len(values))
    found = bootstrap((values,), np.mean, n_resamples=RESAMPLES, batch=batch, method="percentile", rng=np.random.default_rng(0))
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


def _p_of_exchanges(difference: np.ndarray) -> float:
    """Returns the share of random exchanges, the given order among them, whose mean is as far from 0."""
    if not difference.any() or not np.isfinite(difference).all():
        return 1.0
    random, most = np.random.default_rng(0), max(1, NUMBERS_AT_ONCE // len(difference))
    total, as_far = abs(difference.sum()) * (1 - 1e-12), 1
    for start in range(0, EXCHANGES, most):
        exchanged = random.integers(0, 2, (min(most, EXCHANGES - start), len(difference)), np.int8)
        as_far += int((np.abs(difference.sum() - 2 * (exchanged @ difference)) >= total).sum())
    return as_far / (EXCHANGES + 1)
