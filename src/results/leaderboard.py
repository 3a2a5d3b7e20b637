"""Configurations ranked honestly: repeated seeds are one entry, and entries that can not be told apart share a rank."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from scipy.special import stdtr

from src.config.overrides import as_text
from src.objective import Objective
from src.results.entries import SIGNIFICANCE, Entry, TrialResult, entry_of, named, placed
from src.space import overrides
from src.space.origin import Origin, labels
from src.space.values import varying

__all__ = ["Entry", "Standing", "TrialResult", "apart", "seeds_to_separate", "two_standard_errors"]
MOST_SEEDS = 50  # beyond which two configurations count as equal at any reasonable cost


@dataclass(frozen=True)
class Standing:
    """All configurations of some sweeps, best first.

    Attributes:
        noise: what a difference must exceed where an entry has one seed only.
        sweeps: how many there are.
    """

    objective: Objective
    entries: list[Entry]
    noise: float
    sweeps: int = 1

    @classmethod
    def of(cls, trials: Iterable[TrialResult], objective: Objective, validation_examples: int) -> "Standing":
        """Groups trials by everything but the seed; the same trial in two sweeps counts once.

        Results on different data are not ranked against each other; those on the data that come first are the first entries.
        """
        everything = list(trials)
        known: dict[str, TrialResult] = {}
        for trial in placed(everything):
            if trial.key not in known or known[trial.key].score is None:
                known[trial.key] = trial
        groups: dict[tuple[str, Origin], list[TrialResult]] = {}
        for trial in known.values():
            groups.setdefault(trial.row, []).append(trial)
        data = list(dict.fromkeys(trial.origin.data for trial in known.values() if trial.score is not None))
        place = {digest: number for number, digest in enumerate(data)}
        found = sorted(
            map(entry_of, groups.values()), key=lambda entry: (place.get(entry.origin.data, len(place)), objective.key(entry.mean))
        )
        best = found[0].mean if found and objective.name.endswith("accuracy") else math.nan
        noise = two_standard_errors(best, validation_examples) if 0 < best < 1 else 0.0
        return cls(objective, found, noise, len({trial.sweep for trial in everything}))

    @cached_property
    def ranks(self) -> list[int | None]:
        """From 1 on each data; an entry shares the rank of the best one from which it can not be told apart. None without a score."""
        found: list[int | None] = []
        for _, entries in groupby(self.entries, lambda entry: entry.origin.data):
            own, leader = list(entries), 0
            for position, entry in enumerate(own):
                if entry.trials and apart(own[leader], entry, self.noise):
                    leader = position
                found.append(leader + 1 if entry.trials else None)
        return found

    @property
    def by_data(self) -> list[list[Entry]]:
        """The entries with a score, those on the same data together, best first."""
        scored = [entry for entry in self.entries if entry.trials]
        return [list(entries) for _, entries in groupby(scored, lambda entry: entry.origin.data)]

    @cached_property
    def keys(self) -> list[str]:
        """The keys that tell the configurations apart."""
        return varying([entry.values for entry in self.entries], named(self.entries))

    @cached_property
    def keys_of_trials(self) -> list[str]:
        """The same of trials, so that the seed may be one of them."""
        return varying([trial.values for trial in self.trials], named(self.trials))

    def words(self, one: TrialResult | Entry) -> list[str]:
        """The overrides that repeat a trial or an entry: its own, and what else tells it from the others of this standing."""
        own = set(named([one]))
        nodes = tuple(f"{key}." for key in own if "." in key)
        more = [key for key in self.keys if key in one.values and key not in own and not key.startswith(nodes)]
        return [*overrides(one.point), *(f"{key}={as_text(one.values[key])}" for key in more if not key.endswith("_target_"))]

    def origin(self, one: TrialResult | Entry) -> str:
        """In what a result differs from the others beside its configuration, for people; empty where nothing differs."""
        return self._labels[one.origin]

    @property
    def of_several_origins(self) -> bool:
        """Whether any result differs from the others beside its configuration."""
        return any(self._labels.values())

    @cached_property
    def _labels(self) -> dict[Origin, str]:
        return labels({entry.origin: None for entry in self.entries}, several=self.sweeps > 1)

    @property
    def best(self) -> TrialResult | None:
        """Of the configuration with the best mean, on the first data, the trial with the best score."""
        return self.best_of(self.entries[0]) if self.entries else None

    def best_of(self, entry: Entry) -> TrialResult | None:
        """The trial with the best score."""
        return min(entry.trials, key=lambda trial: self.objective.key(trial.score), default=None)

    @property
    def trials(self) -> list[TrialResult]:
        """Every trial, those of the best configuration first."""
        return [trial for entry in self.entries for trial in (*entry.trials, *entry.unscored)]

    @property
    def causes(self) -> Counter[str]:
        """State and cause of what has no score → how many trials."""
        return Counter(f"{trial.state} {trial.cause}".strip() for entry in self.entries for trial in entry.unscored)


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


def _welch(difference: float, spread_a: float, seeds_a: int, spread_b: float, seeds_b: int) -> float:
    """The two-sided p-value of a difference of means."""
    a, b = spread_a**2 / seeds_a, spread_b**2 / seeds_b
    if a + b == 0:
        return 0.0 if difference else 1.0
    freedom = (a + b) ** 2 / (a**2 / (seeds_a - 1) + b**2 / (seeds_b - 1))
    return 2 * float(stdtr(freedom, -difference / math.sqrt(a + b)))
