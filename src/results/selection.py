"""The score to expect of a new run of the configuration that was selected because its mean is the best.

The best of several owes a part of its mean to luck. What is left is estimated by partial pooling: the true means lie around a common
one, by a Cauchy distribution whose centre and width the means themselves tell (Gelman et al. 2013, Bayesian Data Analysis, chapters 5 and
17). Its long tails leave a configuration alone that is far ahead. tests/truth/ shows the bias that is left, and how often the interval
holds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtri, ndtr, ndtri, stdtrit

from src.significance import ERROR

STEPS = 20  # of centre and of width
SHARES = 1 / chdtri(1, (np.arange(12) + 0.5) / 12)  # a Cauchy variable is a normal one whose variance is one of these


@dataclass(frozen=True)
class Expected:
    """The mean of new runs, and the ends of its 95 % interval."""

    mean: float
    low: float
    high: float


def expected(means: Sequence[float], errors: Sequence[float], freedom: int) -> Expected:
    """Expects the true mean of the first of some configurations, which was selected as the best of them.

    Args:
        means: two or more, of configurations that are not told apart; the first is the highest or the lowest.
        errors: the standard errors of these means.
        freedom: degrees of freedom of the spread that the errors are made of.
    """
    m, v = np.array(means, float), np.array(errors, float) ** 2
    typical = float(np.sqrt(np.median(v)))
    widths = np.linspace(0, 1, STEPS) ** 1.5 * 2 * max(float(np.ptp(m)), typical)
    gaps = m - np.linspace(m.min() - typical, m.max() + typical, STEPS)[:, None]  # (centres, means)
    total = v + (widths**2)[:, None, None] * SHARES[:, None]  # (widths, shares, means)
    density = np.exp(-0.5 * gaps[:, None, None, :] ** 2 / total) / np.sqrt(total)
    likelihood = np.log(density.mean(2) + np.finfo(float).tiny).sum(-1)  # (centres, widths)
    weight = np.exp(likelihood - likelihood.max()) * np.gradient(widths)
    of_first = density[..., 0]
    weight = (weight[..., None] * of_first / np.maximum(of_first.sum(2, keepdims=True), np.finfo(float).tiny)).ravel()
    pull = v[0] / total[..., 0]
    centres = (m[0] - pull * gaps[:, 0, None, None]).ravel()
    widths_left = np.broadcast_to(np.sqrt((1 - pull) * v[0]) + 1e-6 * typical, (STEPS, *pull.shape)).ravel()
    return _summary(weight / weight.sum(), centres, widths_left, freedom)


def _summary(weight: np.ndarray, centres: np.ndarray, widths: np.ndarray, freedom: int) -> Expected:
    """Returns the mean and the interval of a mixture of normal distributions, each shape (parts,); wider where the spread is known badly."""
    mean = float(weight @ centres)
    deviation = float(np.sqrt(weight @ (widths**2 + (centres - mean) ** 2)))
    at = mean + deviation * np.linspace(-6, 6, 241)
    below = np.array([weight @ ndtr((point - centres) / widths) for point in at])
    low, high = np.interp((ERROR / 2, 1 - ERROR / 2), below, at)
    wider = stdtrit(freedom, 1 - ERROR / 2) / ndtri(1 - ERROR / 2)
    return Expected(mean, float(mean + (low - mean) * wider), float(mean + (high - mean) * wider))
