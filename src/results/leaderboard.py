"""Ranks configurations by their mean over seeds.

Repeated seeds are one entry. Entries whose difference means nothing share a rank.
"""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from scipy.special import stdtr

from src.config.overrides import as_text
from src.objective import Objective
from src.results.entries import SIGNIFICANCE, Entry, TrialResult, entry_of, overridden_keys, with_known_data
from src.space import overrides
from src.space.origin import Origin, labels
from src.space.values import varying

__all__ = ["Entry", "Standing", "TrialResult", "apart", "seeds_to_separate", "two_standard_errors"]
MOST_SEEDS = 50  # more are no reasonable cost; two configurations then count as equal


@dataclass(frozen=True)
class Standing:
    """All configurations of some sweeps, best first.

    Attributes:
        noise: a difference must exceed it to mean something, if an entry has only one seed.
        sweeps: number of sweeps.
    """

    objective: Objective
    entries: list[Entry]
    noise: float
    sweeps: int = 1

    @classmethod
    def of(cls, trials: Iterable[TrialResult], objective: Objective, validation_examples: int) -> "Standing":
        """Groups trials by everything but the seed. A trial that is in two sweeps counts once.

        Results on different data are not ranked against each other. The entries of each data set are together, in the order
        in which the data sets first appear among the scored trials.
        """
        everything = list(trials)
        distinct: dict[str, TrialResult] = {}
        for trial in with_known_data(everything):
            if trial.key not in distinct or distinct[trial.key].score is None:
                distinct[trial.key] = trial
        groups: dict[tuple[str, Origin], list[TrialResult]] = {}
        for trial in distinct.values():
            groups.setdefault(trial.row, []).append(trial)
        data = dict.fromkeys(trial.origin.data for trial in distinct.values() if trial.score is not None)
        place = {digest: number for number, digest in enumerate(data)}
        entries = [entry_of(group) for group in groups.values()]
        entries.sort(key=lambda entry: (place.get(entry.origin.data, len(place)), objective.key(entry.mean)))
        noise = 0.0
        if entries and objective.name.endswith("accuracy") and 0 < entries[0].mean < 1:
            noise = two_standard_errors(entries[0].mean, validation_examples)
        return cls(objective, entries, noise, len({trial.sweep for trial in everything}))

    @cached_property
    def ranks(self) -> list[int | None]:
        """The rank of each entry, from 1 on each data set; None without a score.

        An entry shares the rank of the best entry from which it does not differ.
        """
        ranks: list[int | None] = []
        for _, group in groupby(self.entries, lambda entry: entry.origin.data):
            entries, leader = list(group), 0
            for position, entry in enumerate(entries):
                if entry.trials and apart(entries[leader], entry, self.noise):
                    leader = position
                ranks.append(leader + 1 if entry.trials else None)
        return ranks

    @property
    def by_data(self) -> list[list[Entry]]:
        """The entries with a score, one list per data set, best first."""
        scored = [entry for entry in self.entries if entry.trials]
        return [list(entries) for _, entries in groupby(scored, lambda entry: entry.origin.data)]

    @cached_property
    def keys(self) -> list[str]:
        """The keys that distinguish the configurations."""
        return varying([entry.values for entry in self.entries], overridden_keys(self.entries))

    @cached_property
    def keys_of_trials(self) -> list[str]:
        """The keys that distinguish the trials; the seed may be one of them."""
        return varying([trial.values for trial in self.trials], overridden_keys(self.trials))

    def words(self, one: TrialResult | Entry) -> list[str]:
        """The overrides that repeat a trial or an entry: its point, and the other values that distinguish it in this standing."""
        overridden = set(overridden_keys([one]))
        nodes = tuple(f"{key}." for key in overridden if "." in key)
        more = [key for key in self.keys if key in one.values and key not in overridden and not key.startswith(nodes)]
        return [*overrides(one.point), *(f"{key}={as_text(one.values[key])}" for key in more if not key.endswith("_target_"))]

    def origin(self, one: TrialResult | Entry) -> str:
        """How the origin of a result differs from the others, for people; empty if it does not."""
        return self._labels[one.origin]

    @property
    def of_several_origins(self) -> bool:
        """True if results differ in their origins."""
        return any(self._labels.values())

    @cached_property
    def _labels(self) -> dict[Origin, str]:
        return labels({entry.origin: None for entry in self.entries}, several=self.sweeps > 1)

    @property
    def best(self) -> TrialResult | None:
        """The trial with the best score of the first entry; None if it has no score."""
        return self.best_of(self.entries[0]) if self.entries else None

    def best_of(self, entry: Entry) -> TrialResult | None:
        """The trial of an entry with the best score; None if it has no score."""
        return min(entry.trials, key=lambda trial: self.objective.key(trial.score), default=None)

    @property
    def trials(self) -> list[TrialResult]:
        """Every trial, those of the best configuration first."""
        return [trial for entry in self.entries for trial in (*entry.trials, *entry.unscored)]

    @property
    def causes(self) -> Counter[str]:
        """State and cause → the number of trials that ended so, without a score."""
        return Counter(f"{trial.state} {trial.cause}".strip() for entry in self.entries for trial in entry.unscored)


def two_standard_errors(accuracy: float, examples: int) -> float:
    """Two standard errors of an accuracy: a smaller difference between two accuracies means nothing.

    >>> two_standard_errors(0.8866, 12000)
    0.006
    """
    return round(2 * math.sqrt(accuracy * (1 - accuracy) / examples), 3) if examples else 0.0


def apart(a: Entry, b: Entry, noise: float) -> bool:
    """True if two means differ: by Welch's t-test (Biometrika 1947) if both have several seeds, else by more than `noise`."""
    difference = abs(a.mean - b.mean)
    if a.spread is None or b.spread is None:
        return not difference <= noise  # a mean that is not a number differs from every other one
    return _welch(difference, a.spread, len(a.scores), b.spread, len(b.scores)) < SIGNIFICANCE


def seeds_to_separate(a: Entry, b: Entry) -> int | None:
    """The number of additional seeds of each entry that would separate the two, if mean and spread stay as they are.

    Returns:
        0 if they are apart already; None if 50 seeds each would not suffice or a spread is not known.
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
