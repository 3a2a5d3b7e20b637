"""The regret of oracles by the epochs that they trained, on the 300 networks of curves.npz."""

import heapq
from functools import cache
from typing import Any

import numpy as np
from scipy.interpolate import RegularGridInterpolator

from src import oracles
from src.objective import Objective
from src.space import Axis, Choice, Interval, Space
from tests.benchmarks.curves import EPOCHS, MOMENTA, OPTIMIZERS, RATES, UNITS, losses
from tests.benchmarks.problems import key

SPENT = (2 * EPOCHS, 5 * EPOCHS, 10 * EPOCHS, 20 * EPOCHS)
FULL = {"max_trials": SPENT[-1] // EPOCHS}
SHORT = {"max_trials": 300, "max_epochs": EPOCHS, "min_epochs": 1, "factor": 3}
BRACKETS = {"max_epochs": EPOCHS, "factor": 3, "iterations": 3}
SEARCHES: dict[str, tuple[str, dict[str, Any]]] = {
    "random, all epochs": ("random.Random", FULL),
    "Optuna TPE, all epochs": ("optuna_sampler.OptunaSampler", {**FULL, "sampler": "TPESampler"}),
    "bayesian, all epochs": ("bayesian.Bayesian", {**FULL, "initial_points": None}),
    "hyperband, random": ("hyperband.Hyperband", {**BRACKETS, "sampler": "random"}),
    "hyperband, bayesian": ("hyperband.Hyperband", {**BRACKETS, "sampler": "bayesian"}),
    "asha, random": ("asha.Asha", {**SHORT, "sampler": "random"}),
    "asha, bayesian": ("asha.Asha", {**SHORT, "sampler": "bayesian"}),
}


def space(catalog: Any) -> Space:
    """Between the learning rates and units of the table, so that there is no end of configurations."""
    rate, units = Interval(RATES[0], RATES[-1], log=True), Interval(UNITS[0], UNITS[-1], integer=True, log=True)
    momenta = Choice(tuple(map(str, MOMENTA)), MOMENTA)
    axes = [
        Axis(key("optimizer"), Choice(OPTIMIZERS, OPTIMIZERS), prefix="+"),
        Axis(key("momentum"), momenta, ((key("optimizer"), ("sgd", "rmsprop")),), prefix="+"),
        Axis(key("rate"), rate, prefix="+"),
        Axis(key("units"), units, prefix="+"),
    ]
    return Space(tuple(axes), (), (), (), catalog)


@cache
def _interpolator(optimizer: str, momentum: float | None) -> RegularGridInterpolator:
    """From the logarithms of learning rate and units to those of the losses after each epoch; a failure is as a loss of 10."""
    table = np.array([[losses()[optimizer, rate, momentum, units] for units in UNITS] for rate in RATES])
    return RegularGridInterpolator((np.log(RATES), np.log(UNITS)), np.log(np.minimum(table, 10)))


def loss_of(point: dict[str, str], epochs: int) -> float:
    """The lowest validation loss of so many epochs, between the networks of the table linear in the logarithms."""
    momentum = point.get("model.momentum")
    curve = _interpolator(point["model.optimizer"], momentum and float(momentum))
    place = np.clip(
        np.log([float(point["model.rate"]), int(point["model.units"])]), *np.log([[RATES[0], UNITS[0]], [RATES[-1], UNITS[-1]]])
    )
    return float(np.exp(curve(place)[0][epochs - 1]))


def search(name: str, seed: int, in_flight: int, catalog: Any) -> list[float]:
    """The regret after SPENT epochs; an epoch of every network takes as long, and a trial counts when it ends."""
    target, settings = SEARCHES[name]
    oracle = oracles.create(space(catalog), Objective("val_loss", "min"), {"_target_": f"src.oracles.{target}", **settings, "seed": seed})
    best = min(own[-1] for own in losses().values())
    running: list[tuple[int, int, float]] = []  # (when it ends, number, its loss)
    number = spent = now = 0
    ended: list[tuple[int, float]] = []  # (epochs spent by all, the best loss then)
    while spent < SPENT[-1] * 1.1:
        proposal = oracle.ask(number) if len(running) < in_flight else None
        if proposal:
            epochs = (proposal.epochs or EPOCHS) - proposal.initial_epoch
            heapq.heappush(running, (now + epochs, number, loss_of(proposal.point, proposal.epochs or EPOCHS)))
            number, spent = number + 1, spent + epochs
        elif running:
            now, which, loss = heapq.heappop(running)
            oracle.tell(which, loss)
            ended.append((spent, loss))
        else:
            break
    return [min((loss for when, loss in ended if when <= most), default=np.inf) - best for most in SPENT]
