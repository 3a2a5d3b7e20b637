"""A look at a race: which configurations are worse than the best by more than chance.

The test is closed testing (Marcus, Peritz and Gabriel 1976, Biometrika 63). For each size, a group has the best configuration, the tested
one, and the next best others. The tested one is worse if, in the groups of every size, the best exceeds the mean of the others by more than
the best of equals would: Student's t with the pooled variance, Bonferroni's correction for the size. So the last two that are left are
compared as a pair. Welch's test of the two, uncorrected, must hold, too, because a few seeds may not show that variances differ. If
Bartlett's test shows that, Welch's test alone decides, corrected for the number of pairs.
"""

import math
from collections.abc import Sequence
from statistics import fmean

import numpy as np
from scipy.special import stdtr, stdtrit

from src.significance import ERROR, bartlett, range_quantile


class Look:
    """Scores at a look.

    Args:
        left: scores of each configuration that is left, the same number of each, the best mean first.
        seen: all scores of all configurations, for the pooled variance.
        resolution: the least standard deviation of a configuration's scores.
        error: probability of any wrong statement at this look.
    """

    def __init__(self, left: Sequence[list[float]], seen: Sequence[list[float]], resolution: float, error: float) -> None:
        self._means, self._count, self._error = [fmean(one) for one in left], len(left[0]) if left else 0, error
        self._variances = [_variance(one, resolution) for one in left]
        repeated = [one for one in seen if len(one) > 1]
        weights, variances = np.array([len(one) - 1 for one in repeated]), np.array([_variance(one, resolution) for one in repeated])
        self._freedom = int(weights.sum())
        self._pooled = float(weights @ variances) / max(1, self._freedom)
        self._alike = len(repeated) < 2 or bartlett(weights, variances, self._pooled) >= ERROR

    def worse(self) -> list[bool]:
        """Returns, for each configuration after the first, True if it is worse than the first beyond chance."""
        pairs = len(self._means) * (len(self._means) - 1) / 2
        found = []
        for place in range(1, len(self._means)):
            p_value = self._welch(place)
            if self._alike:
                found.append(p_value < self._error and self._is_worse(place))
            else:
                found.append(p_value < self._error / pairs)
        return found

    def furthest(self) -> float:
        """Returns the upper confidence limit of the difference between the best and the worst that are left."""
        if len(self._means) < 2:
            return 0.0
        quantile = range_quantile(len(self._means), self._freedom, self._error)
        widest = max(2 * self._pooled, self._variances[0] + self._variances[-1])
        return abs(self._means[0] - self._means[-1]) + quantile * math.sqrt(widest / self._count)

    def _is_worse(self, place: int) -> bool:
        """Returns True if, in the group of every size, the first exceeds the mean of the others by more than the best of equals would."""
        others = [mean for other, mean in enumerate(self._means) if other not in (0, place)]
        for size in range(2, len(self._means) + 1):
            rest = fmean([self._means[place], *others[: size - 2]])
            needed = -stdtrit(self._freedom, self._error / size) * math.sqrt(self._pooled * size / ((size - 1) * self._count))
            if abs(self._means[0] - rest) <= needed:
                return False
        return True

    def _welch(self, place: int) -> float:
        """Returns the two-sided p-value of the first and another one. Source: Welch 1947, Biometrika 34."""
        a, b = self._variances[0] / self._count, self._variances[place] / self._count
        if a + b == 0:
            return 1.0 if self._means[0] == self._means[place] else 0.0
        freedom = (self._count - 1) * (a + b) ** 2 / (a**2 + b**2)
        return float(2 * stdtr(freedom, -abs(self._means[0] - self._means[place]) / math.sqrt(a + b)))


def _variance(scores: Sequence[float], least: float) -> float:
    mean = fmean(scores)
    return max(sum((score - mean) ** 2 for score in scores) / max(1, len(scores) - 1), least**2, np.finfo(float).tiny ** 0.5)
