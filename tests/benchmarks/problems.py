"""Functions with a known best on which a search is measured: each a space of ours, the same for Optuna, and a score, higher is better."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from src.space import Axis, Choice, Interval

Values = Mapping[str, Any]  # name of an axis → its value; an axis that does not exist is left out
BRANIN_BEST, HARTMANN_BEST = -0.397887, 3.32237
A = np.array([[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]])
P = np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)


@dataclass(frozen=True)
class Problem:
    """A function and its space.

    Attributes:
        axes: their keys are model.<name>; a condition names the word that another axis has.
        score: of values, without noise; None for infeasible.
        best: the largest score.
        told: what a search is told instead of the score, if that differs: with noise.
    """

    name: str
    axes: tuple[Axis, ...]
    score: Callable[[Values], float | None]
    best: float
    noise: float = 0.0


def key(name: str) -> str:
    """The config path of an axis."""
    return f"model.{name}"


def _interval(name: str, low: float, high: float, **kind: Any) -> Axis:
    conditions = tuple((key(parent), words) for parent, words in kind.pop("conditions", ()))
    return Axis(key(name), Interval(low, high, **kind), conditions, prefix="+")


def _words(name: str, *words: str) -> Axis:
    return Axis(key(name), Choice(words, words), prefix="+")


def branin(values: Values) -> float:
    """Branin, negated."""
    a, b = values["a"], values["b"]
    return -float((b - 5.1 / (4 * math.pi**2) * a**2 + 5 / math.pi * a - 6) ** 2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(a) + 10)


def hartmann(values: Values) -> float:
    """Hartmann in six dimensions, negated."""
    x = np.array([values[f"x{one}"] for one in range(6)])
    return float(np.array([1, 1.2, 3, 3.2]) @ np.exp(-np.sum(A * (x - 1e-4 * P) ** 2, axis=1)))


def ackley(values: Values) -> float:
    """Ackley in five dimensions, negated."""
    x = np.array([values[f"x{one}"] for one in range(5)])
    return float(20 * np.exp(-0.2 * np.sqrt(np.mean(x**2))) + np.exp(np.mean(np.cos(2 * np.pi * x))) - 20 - np.e)


def mixed(values: Values) -> float:
    """As accuracies look: an optimizer with its own learning rate, a momentum that one of them has, units and a dropout rate."""
    centre, lift = {"sgd": (-1.0, 0.01), "adam": (-3.0, 0.0), "rmsprop": (-3.3, -0.01)}[values["optimizer"]]
    loss = (
        0.03 * (math.log10(values["rate"]) - centre) ** 2
        + 0.01 * math.log2(values["units"] / 200) ** 2
        + 0.1 * (values["dropout"] - 0.2) ** 2
    )
    if "momentum" in values:
        loss += 0.05 * (values["momentum"] - 0.85) ** 2
    return 0.9 + lift - loss


def diverging(values: Values) -> float:
    """The best learning rate is close to those at which the loss grows without limit."""
    rate, decay = math.log10(values["rate"]), math.log10(values["decay"])
    loss = 0.2 + 0.05 * (rate + 1.5) ** 2 + 0.02 * (decay + 4) ** 2 + 0.3 * (values["momentum"] - 0.7) ** 2
    return -loss if rate < -1.2 else -loss - 10 ** (6 * (rate + 1.2) + 2 * values["momentum"])


RATE = {"low": 1e-5, "high": 10.0, "log": True}
MIXED = (
    _words("optimizer", "sgd", "adam", "rmsprop"),
    _interval("rate", **RATE),
    _interval("momentum", 0.0, 0.99, conditions=[("optimizer", ("sgd",))]),
    _interval("units", 16, 512, integer=True, log=True),
    _interval("dropout", 0.0, 0.8),
)
PROBLEMS = [
    Problem("Branin", (_interval("a", -5.0, 10.0), _interval("b", 0.0, 15.0)), branin, BRANIN_BEST),
    Problem("Hartmann6", tuple(_interval(f"x{one}", 0.0, 1.0) for one in range(6)), hartmann, HARTMANN_BEST),
    Problem("Ackley5", tuple(_interval(f"x{one}", -20.0, 32.768) for one in range(5)), ackley, 0.0),
    Problem("mixed, conditional", MIXED, mixed, 0.91),
    Problem(
        "diverging loss",
        (_interval("rate", **RATE), _interval("decay", 1e-7, 1e-1, log=True), _interval("momentum", 0.0, 0.99)),
        diverging,
        -0.2,
    ),
    Problem("Branin, noise 5", (_interval("a", -5.0, 10.0), _interval("b", 0.0, 15.0)), branin, BRANIN_BEST, 5.0),
    Problem("mixed, noise 0.02", MIXED, mixed, 0.91, 0.02),
]
