"""Finds the means of a table that differ. If all rows are equal, at most 5 % of tables show any difference; tests/truth/ measures it.

If the spreads of the rows do not differ, Tukey and Kramer's range test on the pooled spread decides (Kramer 1956, Biometrics 12). Spreads
may differ unnoticed, so a difference must also hold with the spreads of the two rows themselves, and in Welch's test of the two.
If the spreads differ by Bartlett's test (1937, Proc. R. Soc. A 160), Welch's tests with Holm's correction decide (1979, Scand. J. Stat. 6).
Bartlett's test also reacts to heavy tails, for which Holm's correction is conservative.

The quantile of the range takes a quarter of a second and is computed once per table. promotion/comparison.py compares two models.
"""

import math
from collections.abc import Sequence
from functools import cached_property, lru_cache

import numpy as np
from scipy.special import chdtrc, ndtri, stdtr

ERROR = 0.05  # probability that a table of equal rows shows any difference
POWER = 0.8
FREEDOM_OF_SINGLE = 5  # largest degrees of freedom for a row with one repeat
MOST_SEEDS = 50  # more cost too much
MOST_SORTED = 2000  # rows; for more, Bonferroni's correction replaces Holm's, because it needs no list of all pairs
DIGITS = 1e-6  # relative; smaller differences are beyond float32


class ComparedMeans:
    """The means of rows, compared with each other. Rows with one repeat are compared by the pooled spread of the others.

    Args:
        means: shape (rows,), finite.
        spreads: standard deviations over repeats, shape (rows,); that of a row with one repeat is not used.
        counts: numbers of repeats, shape (rows,), at least 1.
        floor: smallest spread that is plausible, because scores that are counts may agree by luck.

    Attributes:
        freedom: degrees of freedom of the pooled spread; 0 if no row is repeated, and then no two rows differ.
        pooled: the pooled spread.
    """

    def __init__(self, means: Sequence[float], spreads: Sequence[float], counts: Sequence[int], floor: float = 0.0) -> None:
        self._means, self._counts = np.array(means, float), np.array(counts, float)
        self._least = max(floor, DIGITS * float(np.max(np.abs(self._means), initial=0.0)), np.finfo(float).tiny ** 0.25)
        repeated = self._counts > 1
        self._variances = np.where(repeated, np.maximum(np.nan_to_num(np.array(spreads, float)), self._least) ** 2, np.nan)
        weights, variances = self._counts[repeated] - 1, self._variances[repeated]
        self.freedom = int(weights.sum())
        self.pooled = math.sqrt(float((weights * variances).sum()) / self.freedom) if self.freedom else 0.0
        self.alike = len(weights) < 2 or bartlett(weights, variances, self.pooled**2) >= ERROR

    @property
    def known(self) -> bool:
        """True if a spread is known, so that means can differ."""
        return self.freedom > 0

    def apart(self, row: int) -> np.ndarray:
        """True for each row whose mean differs from that of `row`, shape (rows,)."""
        if not self.known or len(self._means) < 2:
            return np.zeros(len(self._means), bool)
        if not self.alike:
            return np.array(self._welch(row) <= self._holm)
        gap, shares = np.abs(self._means - self._means[row]), 1 / self._counts
        of_pooled, of_two = self.pooled**2 * (shares + shares[row]), self._variances * shares + (self._variances * shares)[row]
        errors = np.sqrt(np.fmax(of_pooled, of_two))  # fmax ignores the NaN of a row with one repeat
        single = (self._counts == 1) | (self._counts[row] == 1)
        far = gap > np.where(single, self._quantile_of_single, range_quantile(len(self._means), self.freedom)) * errors
        return np.array(far & (single | (self._welch(row) < ERROR / math.log2(len(self._means)))))

    @cached_property
    def _quantile_of_single(self) -> float:
        """The quantile for pairs with a row of one repeat. Its freedom is small, because a single score has the heaviest tails."""
        if (self._counts > 1).all():
            return math.inf
        return range_quantile(len(self._means), min(self.freedom, FREEDOM_OF_SINGLE))

    def least(self) -> float:
        """Returns the smallest difference that is significant between two rows with the harmonic mean of the numbers of repeats."""
        each = len(self._counts) / float((1 / self._counts).sum())
        usual = range_quantile(len(self._means), self.freedom) if np.median(self._counts) > 1 else self._quantile_of_single
        return usual * self.pooled * math.sqrt(2 / each)

    def error(self, spread: float | None, count: int) -> float:
        """Returns the standard error of a mean, from its own spread if spreads differ, else from the pooled spread."""
        own = self.pooled if self.alike or spread is None else max(spread, self._least)
        return own / math.sqrt(count)

    @cached_property
    def _holm(self) -> float:
        """The largest p-value of two rows that differ."""
        rows = len(self._means)
        pairs = rows * (rows - 1) // 2
        if rows > MOST_SORTED:
            return ERROR / pairs
        found = np.sort(np.concatenate([self._welch(row)[row + 1 :] for row in range(rows - 1)]))
        kept = found < ERROR / (pairs - np.arange(pairs))
        last = pairs if kept.all() else int(np.argmin(kept))
        return float(found[last - 1]) if last else -1.0

    def _welch(self, row: int) -> np.ndarray:
        """Returns the p-values of `row` against each row; 1 if one of the two has a single repeat. Source: Welch 1947, Biometrika 34."""
        a, b = self._variances / self._counts, self._variances[row] / self._counts[row]
        with np.errstate(divide="ignore", invalid="ignore"):
            freedom = (a + b) ** 2 / (a**2 / (self._counts - 1) + b**2 / (self._counts[row] - 1))
            p_values = 2 * stdtr(freedom, -np.abs(self._means - self._means[row]) / np.sqrt(a + b))
        return np.array(np.nan_to_num(p_values, nan=1.0))


def bartlett(weights: np.ndarray, variances: np.ndarray, pooled: float) -> float:
    """Returns the p-value of Bartlett's test that variances are equal. SciPy's function takes scores, which have no floor.

    Args:
        weights: degrees of freedom of each variance.
    """
    statistic = weights.sum() * math.log(pooled) - (weights * np.log(variances)).sum()
    correction = 1 + ((1 / weights).sum() - 1 / weights.sum()) / (3 * (len(weights) - 1))
    return float(chdtrc(len(weights) - 1, statistic / correction))


@lru_cache
def range_quantile(rows: int, freedom: int, error: float = ERROR) -> float:
    """Returns the 1 - `error` quantile of the range of `rows` equal means, in standard errors of the difference of two means.

    >>> round(range_quantile(2, 10), 3), round(range_quantile(12, 24), 3)
    (2.228, 3.606)
    """
    from scipy.stats import studentized_range  # the import takes a second

    return float(studentized_range.ppf(1 - error, rows, freedom)) / math.sqrt(2)


def seeds_for(least: float, spread: float, rows: int) -> int | None:
    """Returns how many repeats each of `rows` needs, so that one test at the end finds a difference of `least` with 80 % power.

    Returns:
        None if more than 50 would be needed.

    >>> seeds_for(2.0, 1.0, 2), seeds_for(2.0, 1.0, 12), seeds_for(0.1, 1.0, 2)
    (6, 10, None)
    """
    low, high = 2, MOST_SEEDS + 1
    while low < high:
        count = (low + high) // 2
        needed = range_quantile(rows, rows * (count - 1)) + float(ndtri(POWER))
        enough = least >= needed * spread * math.sqrt(2 / (count - 1))  # the tests of the two rows alone cost about one repeat
        low, high = (low, count) if enough else (count + 1, high)
    return low if low <= MOST_SEEDS else None
