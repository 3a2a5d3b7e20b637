"""Sweeps whose truth is known: results of trials that are drawn, for the code that concludes from real ones."""

from collections.abc import Callable, Sequence

import numpy as np

from src.objective import Objective
from src.results.leaderboard import Standing, TrialResult

OBJECTIVE = Objective("val_accuracy", "max")
EXAMPLES = 288
Noise = Callable[[np.random.Generator, int, int, int], np.ndarray]  # generator, place of the configuration, configurations, seeds


def _scaled(scale: Callable[[int, int], float]) -> Noise:
    return lambda random, place, rows, seeds: random.normal(size=seeds) * scale(place, rows)


NOISES: dict[str, Noise] = {
    "normal": _scaled(lambda place, rows: 1.0),
    "skewed": lambda random, place, rows, seeds: -random.exponential(size=seeds),
    "t3": lambda random, place, rows, seeds: random.standard_t(3, seeds),
    "counts": lambda random, place, rows, seeds: random.binomial(EXAMPLES, 0.985, seeds) / EXAMPLES,
    "one spread x 5": _scaled(lambda place, rows: 5.0 if place == 0 else 1.0),
    "spreads 1 to 4": _scaled(lambda place, rows: 1 + 3 * place / max(1, rows - 1)),
    "half x 3": _scaled(lambda place, rows: 3.0 if 2 * place < rows else 1.0),
}


def trial(number: int, place: int, seed: int, score: float | None, **values: float | str) -> TrialResult:
    point = {"model.units": str(place), "seed": str(seed), **{key.replace("__", "."): str(value) for key, value in values.items()}}
    state = "FINISHED" if score is not None else "FAILED"
    return TrialResult(number, point, f"{place} {seed}", None, state, "", score, 1, score, 1.0)


def standing(scores: Sequence[Sequence[float | None]], examples: int = 0) -> Standing:
    """Configuration → score of each of its seeds, None where it failed."""
    pairs = [(place, seed, score) for place, row in enumerate(scores) for seed, score in enumerate(row)]
    return Standing.of([trial(n, *pair) for n, pair in enumerate(pairs)], OBJECTIVE, examples)


def equal(random: np.random.Generator, noise: str, rows: int, seeds: Sequence[int]) -> Standing:
    """Configurations with equal true means.

    Args:
        seeds: the number of each configuration.
    """
    mean = 0.0 if noise == "counts" else 10.0
    drawn = [NOISES[noise](random, place, rows, seeds[place]) + mean for place in range(rows)]
    return standing([[float(score) for score in row] for row in drawn], EXAMPLES if noise == "counts" else 0)


def ends_badly(random: np.random.Generator, rows: int, seeds: int) -> Standing:
    """Equal configurations, of which every second one fails where it would score lowest."""
    drawn = random.normal(size=(rows, seeds)) + 10
    return standing([[None if place % 2 and score < 9.3 else float(score) for score in row] for place, row in enumerate(drawn)])


def tells(found: Standing) -> bool:
    """True if any two rows are told apart: where all are equal, a false statement."""
    return any(rank != (1, len(group.entries)) for group in found.groups for rank in group.ranks)
