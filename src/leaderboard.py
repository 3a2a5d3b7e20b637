"""Configurations ranked honestly: repeated seeds are one entry, and entries that can not be told apart share a rank."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import mean, stdev

from scipy.special import stdtr, stdtrit

from src.objective import Objective
from src.space import Point

SIGNIFICANCE = 0.05
MOST_SEEDS = 50  # beyond which two configurations count as equal at any reasonable cost


@dataclass(frozen=True)
class Ended:
    """One trial: what it was, how it ended, and its score at its kept epoch, None where it has none."""

    number: int
    point: Point
    identity: str  # equal for equal trials of different sweeps
    run_id: str | None
    state: str
    cause: str
    score: float | None
    kept_epoch: int | None
    last: float | None
    seconds: float


@dataclass(frozen=True)
class Entry:
    """One configuration and the trials that repeat it with other seeds."""

    point: Point  # without the seed
    trials: tuple[Ended, ...]  # those with a score
    unscored: tuple[Ended, ...]

    @property
    def scores(self) -> list[float]:
        """One per seed."""
        return [trial.score for trial in self.trials if trial.score is not None]

    @cached_property
    def mean(self) -> float:
        """The mean over seeds; NaN without a score."""
        return mean(self.scores) if self.scores else math.nan

    @cached_property
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


@dataclass(frozen=True)
class Standing:
    """All configurations of some sweeps, best first.

    Attributes:
        noise: what a difference must exceed where an entry has one seed only.
    """

    objective: Objective
    entries: list[Entry]
    noise: float

    @classmethod
    def of(cls, trials: Iterable[Ended], objective: Objective, validation_examples: int) -> "Standing":
        """Groups trials by everything but the seed; the same trial in two sweeps counts once."""
        known: dict[str, Ended] = {}
        for trial in trials:
            if trial.identity not in known or known[trial.identity].score is None:
                known[trial.identity] = trial
        groups: dict[tuple[tuple[str, str], ...], list[Ended]] = {}
        for trial in known.values():
            groups.setdefault(tuple(sorted((key, text) for key, text in trial.point.items() if key != "seed")), []).append(trial)
        found = sorted(map(_entry, groups.values()), key=lambda entry: objective.key(entry.mean))
        best = found[0].mean if found and objective.name.endswith("accuracy") else math.nan
        return cls(objective, found, two_standard_errors(best, validation_examples) if 0 < best < 1 else 0.0)

    @cached_property
    def ranks(self) -> list[int | None]:
        """From 1; an entry shares the rank of the best one from which it can not be told apart. None without a score."""
        found: list[int | None] = []
        leader = 0
        for position, entry in enumerate(self.entries):
            if entry.trials and apart(self.entries[leader], entry, self.noise):
                leader = position
            found.append(leader + 1 if entry.trials else None)
        return found

    @property
    def best(self) -> Ended | None:
        """Of the configuration with the best mean the trial with the best score."""
        scored = self.entries[0].trials if self.entries else ()
        return min(scored, key=lambda trial: self.objective.key(trial.score), default=None)

    @property
    def trials(self) -> list[Ended]:
        """Every trial, those of the best configuration first."""
        return [trial for entry in self.entries for trial in (*entry.trials, *entry.unscored)]

    @property
    def causes(self) -> Counter[str]:
        """State and cause of what has no score → how many trials."""
        return Counter(f"{trial.state} {trial.cause}".strip() for entry in self.entries for trial in entry.unscored)


def _entry(trials: list[Ended]) -> Entry:
    scored, unscored = (tuple(one for one in trials if (one.score is not None) is wanted) for wanted in (True, False))
    return Entry({key: text for key, text in trials[0].point.items() if key != "seed"}, scored, unscored)


def two_standard_errors(accuracy: float, examples: int) -> float:
    """What two accuracies measured on so many examples may differ by without meaning anything.

    >>> two_standard_errors(0.8866, 12000)
    0.006
    """
    return round(2 * math.sqrt(accuracy * (1 - accuracy) / examples), 3) if examples else 0.0


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
    for more in range(MOST_SEEDS - have + 1):
        if _welch(abs(a.mean - b.mean), a.spread, len(a.scores) + more, b.spread, len(b.scores) + more) < SIGNIFICANCE:
            return more
    return None


def varying(points: Sequence[Point]) -> list[str]:
    """The keys in which points differ, in the order in which they come."""
    keys = dict.fromkeys(key for point in points for key in point)
    return [key for key in keys if len({point.get(key) for point in points}) > 1]


def _welch(difference: float, spread_a: float, seeds_a: int, spread_b: float, seeds_b: int) -> float:
    """The two-sided p-value of a difference of means."""
    a, b = spread_a**2 / seeds_a, spread_b**2 / seeds_b
    if a + b == 0:
        return 0.0 if difference else 1.0
    freedom = (a + b) ** 2 / (a**2 / (seeds_a - 1) + b**2 / (seeds_b - 1))
    return 2 * float(stdtr(freedom, -difference / math.sqrt(a + b)))
