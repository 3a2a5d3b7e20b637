"""Configurations ranked honestly: repeated seeds are one entry, and entries that can not be told apart share a rank."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import mean, stdev

from scipy.special import stdtr, stdtrit

from src.objective import Objective
from src.space import Point

SIGNIFICANCE = 0.05
MOST_SEEDS = 50  # beyond which two configurations count as equal at any reasonable cost


@dataclass(frozen=True)
class Scored:
    """One finished trial: its point, the score at its kept epoch, and what else the table shows."""

    number: int
    point: Point
    run_id: str | None
    score: float
    kept_epoch: int
    last: float
    seconds: float


@dataclass(frozen=True)
class Entry:
    """One configuration and the trials that repeat it with other seeds."""

    point: Point  # without the seed
    trials: tuple[Scored, ...]

    @property
    def scores(self) -> list[float]:
        """One per seed."""
        return [trial.score for trial in self.trials]

    @property
    def mean(self) -> float:
        """The mean over seeds."""
        return mean(self.scores)

    @property
    def spread(self) -> float | None:
        """The standard deviation over seeds; of one seed there is none."""
        return stdev(self.scores) if len(self.scores) > 1 else None

    @property
    def interval(self) -> float | None:
        """Half the width of the mean's 95 % interval, by Student's t."""
        if self.spread is None:
            return None
        seeds = len(self.scores)
        return float(stdtrit(seeds - 1, 1 - SIGNIFICANCE / 2)) * self.spread / math.sqrt(seeds)


def entries(trials: Iterable[Scored], objective: Objective) -> list[Entry]:
    """Groups trials by everything but the seed, best mean first."""
    groups: dict[tuple[tuple[str, str], ...], list[Scored]] = {}
    for trial in trials:
        groups.setdefault(tuple(sorted((key, text) for key, text in trial.point.items() if key != "seed")), []).append(trial)
    found = [Entry({key: text for key, text in group[0].point.items() if key != "seed"}, tuple(group)) for group in groups.values()]
    return sorted(found, key=lambda entry: (objective.key(entry.mean), entry.trials[0].number))


def ranks(ordered: Sequence[Entry], noise: float) -> list[int]:
    """Ranks from 1; an entry shares the rank of the best one from which it can not be told apart.

    Args:
        noise: what a difference must exceed where an entry has one seed only.
    """
    found: list[int] = []
    leader = 0
    for position, entry in enumerate(ordered):
        if apart(ordered[leader], entry, noise):
            leader = position
        found.append(leader + 1)
    return found


def apart(a: Entry, b: Entry, noise: float) -> bool:
    """Whether two means differ, by Welch's t-test (Biometrika 1947) where both have several seeds."""
    difference = abs(a.mean - b.mean)
    if a.spread is None or b.spread is None:
        return difference > noise
    return _welch(difference, a.spread, len(a.scores), b.spread, len(b.scores)) < SIGNIFICANCE


def seeds_to_separate(a: Entry, b: Entry) -> int | None:
    """How many more seeds of each would tell two entries apart, if mean and spread stay as they are.

    Returns:
        0 when they are apart already, None when 50 each would not suffice or a spread is not known.
    """
    if a.spread is None or b.spread is None:
        return None
    have = min(len(a.scores), len(b.scores))
    for seeds in range(have, MOST_SEEDS + 1):
        more = seeds - have
        if _welch(abs(a.mean - b.mean), a.spread, len(a.scores) + more, b.spread, len(b.scores) + more) < SIGNIFICANCE:
            return more
    return None


def _welch(difference: float, spread_a: float, seeds_a: int, spread_b: float, seeds_b: int) -> float:
    """The two-sided p-value of a difference of means."""
    a, b = spread_a**2 / seeds_a, spread_b**2 / seeds_b
    if a + b == 0:
        return 0.0 if difference else 1.0
    freedom = (a + b) ** 2 / (a**2 / (seeds_a - 1) + b**2 / (seeds_b - 1))
    return 2 * float(stdtr(freedom, -difference / math.sqrt(a + b)))
