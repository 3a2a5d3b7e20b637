"""Estimates the score of a new run of the configuration that was selected for its best mean.

The best mean of several is partly luck. The true mean is estimated by partial pooling: the true means are assumed to have a Cauchy
distribution, whose centre and width are estimated from the means (Gelman et al. 2013, Bayesian Data Analysis, chapters 5 and 17). Because
of its long tails, a configuration that is far ahead is hardly corrected. tests/truth/ shows the bias that is left, and how often the
interval holds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtri, ndtr, ndtri, stdtrit

from src.significance import ERROR

STEPS = 20  # grid points of centre, and of width
SHARES = 1 / chdtri(1, (np.arange(12) + 0.5) / 12)  # variances of the normal distributions whose mixture is about a Cauchy distribution


@dataclass(frozen=True)
class Expected:
    """The mean of new runs, and both ends of its 95 % interval."""

    mean: float
    low: float
    high: float


def expected(means: Sequence[float], errors: Sequence[float], freedom: int) -> Expected:
    """Estimates the true mean of the first configuration, which was selected as the best.

    Args:
        means: two or more means that do not differ significantly; the first is the highest or the lowest.
        errors: the standard errors of these means.
        freedom: degrees of freedom of the spread from which the errors were computed.
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
    """Returns the mean and the interval of a mixture of normal distributions, each array of shape (parts,).

    The interval is widened by Student's t, because the spread is only estimated.
    """
    mean = float(weight @ centres)
    deviation = float(np.sqrt(weight @ (widths**2 + (centres - mean) ** 2)))
    at = mean + deviation * np.linspace(-6, 6, 241)
    below = np.array([weight @ ndtr((point - centres) / widths) for point in at])
    low, high = np.interp((ERROR / 2, 1 - ERROR / 2), below, at)
    wider = stdtrit(freedom, 1 - ERROR / 2) / ndtri(1 - ERROR / 2)
    return Expected(mean, float(mean + (low - mean) * wider), float(mean + (high - mean) * wider))
