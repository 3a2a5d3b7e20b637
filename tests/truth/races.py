"""Races among simulated configurations, through the real oracle:  python -m tests.truth.races [races]

Prints for each kind of noise how often equal configurations are told apart, and how often the right one wins at what cost.
"""

import itertools
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from src.objective import Objective
from src.oracles.race import Race, Runner

Noise = Callable[[np.random.Generator, int], np.ndarray]
"""Draws as many numbers with mean 0 and standard deviation about 1."""
NOISES: dict[str, Noise] = {
    "normal": lambda random, count: random.normal(size=count),
    "skewed": lambda random, count: random.exponential(size=count) - 1,
    "t3": lambda random, count: random.standard_t(3, size=count) / np.sqrt(3),
    "counts": lambda random, count: random.binomial(288, 0.95, size=count) / 288 * 78 - 74.1,
}


class Configurations:
    """Stands for a space: configurations with seeds."""

    swept: list[str] = []  # noqa: RUF012  never changed

    def __init__(self, count: int, seeds: int) -> None:
        self._points = [{"model.units": str(number), "seed": str(seed)} for number in range(count) for seed in range(seeds)]

    def points(self) -> list[dict[str, str]]:
        return self._points

    def leaves(self, point: dict[str, str]) -> dict[str, Any]:
        return dict(point)

    def identity(self, point: dict[str, str]) -> str:
        return f"{point}"


def raced(means: np.ndarray, spreads: np.ndarray, noise: Noise, random: np.random.Generator, **settings: Any) -> Race:
    """Runs a race to its end, trial by trial."""
    race = Race(Configurations(len(means), settings.pop("most", 20)), Objective("val_accuracy", "max"), **settings)  # type: ignore[arg-type]
    number = 0
    while proposal := race.ask(number):
        place = int(proposal.point["model.units"])
        race.tell(number, float(means[place] + spreads[place] * noise(random, 1)[0]))
        number += 1
    return race


def is_false(race: Race, means: np.ndarray) -> bool:
    """True if a configuration dropped out, as worse, that is none of the worse ones."""
    best = means.max()
    return any(one.out and means[place_of(one)] >= best for one in race.runners)


def place_of(runner: Runner) -> int:
    """The place of a configuration."""
    return int(runner.points[0]["model.units"])


def row(count: int, lead: float, noise: str, races: int, ratio: float = 1.0) -> tuple[float, float, float]:
    """The shares of races that drop the best, that end with the right winner, and of the runs of twenty seeds that they cost.

    Args:
        lead: of one configuration over all others, in spreads.
        ratio: of the largest spread to the smallest.
    """
    random = np.random.default_rng([count, round(10 * lead), races, round(10 * ratio), *noise.encode()])
    means, spreads = np.zeros(count), np.geomspace(1, ratio, count)
    means[0] = lead
    ended = [raced(means, random.permutation(spreads), NOISES[noise], random) for _ in range(races)]
    wrong = np.mean([is_false(race, means) for race in ended])
    won = np.mean([[place_of(one) for one in race.runners if not one.out] == [0] for race in ended])
    return float(wrong), float(won), float(np.mean([race.runs for race in ended]) / (20 * count))


def rows(races: int) -> Iterator[tuple[str, int, float, float, float, float, float]]:
    """Prints the table; yields noise, configurations, ratio of spreads, lead, and what `row` returns, for each of its lines."""
    print(f"{races} races each\n{'noise':>8} {'k':>3} {'spreads':>8} {'lead':>5} {'drop the best':>14} {'right winner':>13} {'runs':>6}")
    for noise, count, ratio, lead in itertools.product(NOISES, (2, 6, 12), (1.0, 4.0), (0.0, 2.0)):
        wrong, won, cost = row(count, lead, noise, races, ratio)
        print(f"{noise:>8} {count:>3} {ratio:>8g} {lead:>5g} {wrong:>14.3f} {won:>13.3f} {cost:>6.2f}", flush=True)
        yield noise, count, ratio, lead, wrong, won, cost


if __name__ == "__main__":
    list(rows(int(sys.argv[1]) if len(sys.argv) > 1 else 2000))
