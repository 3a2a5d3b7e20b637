"""A Gaussian process of scikit-learn as the model of a search: its kernel, fit and targets, and the expected improvement."""

import warnings
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import ndtr, ndtri
from scipy.stats import rankdata
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

from src.oracles.vectors import Array

STEPS = 25  # of the search for length scales; more do not change a proposal
JITTER = 1e-8  # added to the diagonal for numerical stability
PRIOR = np.log([1.0, 0.25, 1e-4])  # most probable variance, length scale (of one axis; it grows with their number) and noise
SPREAD = np.array([1.0, 1.0, 2.5])  # prior standard deviations of their logarithms
LEAST_KEPT = 3  # least number of scores that are used unchanged
NEAR = 2  # times the distance of the upper half from the best: closer scores are used unchanged
DIVERGED = 1e4  # times the distance of the upper half from the best: farther scores have diverged


class PerKey(Matern):  # type: ignore[misc]
    """Matern 5/2 with one length scale for all features of a key.

    Args:
        groups: index of each feature's length scale, shape (features,).
    """

    def __init__(self, groups: Any, length_scale: Any = 1.0, length_scale_bounds: Any = (0.02, 50.0), nu: float = 2.5) -> None:
        super().__init__(length_scale, length_scale_bounds, nu)
        self.groups = groups

    def __call__(self, X: Array, Y: Array | None = None, eval_gradient: bool = False) -> Any:
        """Returns the kernel (n, m); with `eval_gradient` also its gradient (n, n, scales)."""
        groups = np.asarray(self.groups)
        scales = np.atleast_1d(self.length_scale)
        whole = Matern(scales[groups], self.length_scale_bounds, self.nu)
        if not eval_gradient:
            return whole(X, Y)
        kernel, gradient = whole(X, Y, eval_gradient=True)
        gradient = gradient.reshape(*kernel.shape, len(groups))
        return kernel, gradient @ (groups[:, None] == np.arange(len(scales)))


def warped(scores: Array) -> Array:
    """Returns the targets (n,) of scores: good scores unchanged, the others by their ranks, so that a diverged score is merely last.

    Good scores are the upper half, and all that are at most `NEAR` times as far from the best as this half. Otherwise, a search that is
    close to the best would take noise for large differences. If the upper half has diverged scores, too, its own upper half takes its
    place, and so on. Source: Song et al. 2024, arXiv:2408.11527, 3.3.

    Args:
        scores: shape (n,), higher is better, -inf for an infeasible trial.
    """
    ordered = np.sort(scores[np.isfinite(scores)])[::-1]
    kept = (len(ordered) + 1) // 2
    while kept > LEAST_KEPT and ordered[0] - ordered[kept - 1] > DIVERGED * (ordered[0] - ordered[(kept + 1) // 2 - 1]):
        kept = (kept + 1) // 2
    with np.errstate(over="ignore", invalid="ignore"):  # of scores that have overflowed, only the ranks are left
        end = ordered[ordered >= ordered[0] - NEAR * (ordered[0] - ordered[kept - 1])][-1] if kept else np.inf
        good = scores >= end
        spread = np.sqrt(np.mean((scores[good] - end) ** 2)) if kept else 1.0
    targets = ndtri(np.clip((rankdata(scores) - 0.5) / (2 * max(1, (~good).sum())), 0, 0.5))
    targets[good] = (scores[good] - end) / (spread or 1.0)
    return (targets - targets.mean()) / (targets.std() or 1.0)  # type: ignore[no-any-return]


def fitted_kernel(x: Array, y: Array, groups: Any) -> Any:
    """Returns the kernel with the most probable variance, length scales and noise, given some trials and a prior.

    The prior is needed because a few scores do not determine them.

    Args:
        x: features (n, f) of ended trials.
        y: targets (n,), of mean 0 and standard deviation 1.
        groups: as in PerKey.
    """
    count = int(groups.max()) + 1
    prior = PRIOR + np.array([0, np.log(count) / 2, 0])
    per_parameter = [1, count, 1]  # variance, length scales, noise
    centre, spread = np.repeat(prior, per_parameter), np.repeat(SPREAD, per_parameter)
    variance, scale, noise = np.exp(prior)
    kernel = ConstantKernel(variance, (0.05, 20)) * PerKey(groups, np.full(count, scale)) + WhiteKernel(noise, (1e-6, 1))

    def descend(objective: Any, start: Array, bounds: Array) -> tuple[Array, float]:
        def cost(theta: Array) -> tuple[float, Array]:
            value, gradient = objective(theta, eval_gradient=True)
            off = (theta - centre) / spread
            return value + off @ off / 2, gradient + off / spread

        found = minimize(cost, start, method="L-BFGS-B", jac=True, bounds=bounds, options={"maxiter": STEPS})
        return found.x, found.fun

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the length scale of an axis without effect reaches its bound
        return GaussianProcessRegressor(kernel, alpha=JITTER, optimizer=descend).fit(x, y).kernel_


class Model:
    """Predicts the scores of points from the scores of others.

    Args:
        kernel: from `fitted_kernel`.
        x: features (n, f) of ended trials.
        y: targets (n,), of mean 0 and standard deviation 1.
        running: features (m, f) of running trials, which get the scores that the model itself predicts. Source: Ginsbourger et al. 2010,
            the kriging believer.
    """

    def __init__(self, kernel: Any, x: Array, y: Array, running: Array) -> None:
        self._noise = kernel.k2.noise_level
        self._process = GaussianProcessRegressor(kernel, alpha=JITTER, optimizer=None).fit(x, y)
        if len(running):
            x, y = np.concatenate([x, running]), np.concatenate([y, self._process.predict(running)])
            self._process.fit(x, y)
        self._best = float(self._process.predict(x).max())  # the best prediction, because the best measured score may be luck

    def log_improvement(self, x: Array) -> Array:
        """Returns the logarithm (n,) of the expected improvement over the best, reduced where noise hides it.

        Sources: Ament et al. 2023, arXiv:2310.20708; Huang et al. 2006, Journal of Global Optimization 34, equation 12.
        """
        mean, deviation = self._process.predict(x, return_std=True)
        deviation = np.sqrt(np.maximum(deviation**2 - self._noise, 1e-12))  # of the function, not of a measurement
        z = (mean - self._best) / deviation
        density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
        far = -(z**2) / 2 - np.log(np.sqrt(2 * np.pi)) - 2 * np.log(np.maximum(-z, 1))
        near = np.log(np.maximum(density + z * ndtr(z), 1e-300))
        visible = 1 - np.sqrt(self._noise / (deviation**2 + self._noise))  # close to 0 where another measurement would be mere noise
        return np.log(deviation) + np.where(z < -6, far, near) + np.log(visible)  # type: ignore[no-any-return]
