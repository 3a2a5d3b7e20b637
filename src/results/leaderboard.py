"""Ranks all configurations of some sweeps by their mean over seeds or folds, which are repeats of one entry."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any

from src.config.overrides import as_text
from src.objective import Objective
from src.results.entries import Entry, TrialResult, entry_of, overridden_keys, with_known_data
from src.results.ranking import Group, by_epochs, grouped, rank_text
from src.space import overrides
from src.space.origin import Origin, labels
from src.space.values import varying
from src.states import TrialState

__all__ = ["Entry", "Group", "Standing", "TrialResult"]


@dataclass(frozen=True)
class Standing:
    """All configurations of some sweeps, best first.

    Attributes:
        examples: number of validation examples; 0 if it is not known.
        sweeps: number of sweeps.
        second: the second of two objectives; entries are sorted and ranked by the first.
    """

    objective: Objective
    entries: list[Entry]
    examples: int = 0
    sweeps: int = 1
    second: Objective | None = None

    @classmethod
    def of(
        cls, trials: Iterable[TrialResult], objective: Objective, validation_examples: int, second: Objective | None = None
    ) -> "Standing":
        """Groups trials into entries. A trial that is in two sweeps counts once.

        Results on different data, folds or rungs are not ranked against each other. The entries of each data set are together,
        in the order in which the data sets first appear among the scored trials. Within a data set, the entries of the longest rung
        come first, and entries whose trials were all pruned come last.
        """
        everything = list(trials)
        distinct: dict[str, TrialResult] = {}
        for trial in with_known_data(everything):
            if trial.key not in distinct or distinct[trial.key].score is None or distinct[trial.key].state == TrialState.PRUNED:
                distinct[trial.key] = trial
        groups: dict[tuple[str, Origin], list[TrialResult]] = {}
        for trial in distinct.values():
            groups.setdefault(trial.row, []).append(trial)
        data = list(dict.fromkeys(trial.origin.data for trial in distinct.values() if trial.score is not None))
        entries = [entry_of(group) for group in groups.values()]
        apart = by_epochs(entries)

        def order(entry: Entry) -> tuple[Any, ...]:
            place = data.index(entry.origin.data) if entry.origin.data in data else len(data)
            epochs = entry.epochs if apart else 0
            return place, not entry.trials, not entry.whole, -len(entry.folds), entry.folds, -epochs, objective.key(entry.mean)

        return cls(objective, sorted(entries, key=order), validation_examples, len({trial.sweep for trial in everything}), second)

    @cached_property
    def groups(self) -> list[Group]:
        """The entries with a score, in groups that are ranked together; the groups are in the order of the entries."""
        return grouped(self.entries, self.objective, self.examples)

    @cached_property
    def ranks(self) -> list[str | None]:
        """The rank of each entry in its group, such as `1` or `1-4`; None without a score, and for pruned entries beside whole ones."""
        ranks = {id(entry): rank_text(rank) for group in self.groups for entry, rank in zip(group.entries, group.ranks, strict=True)}
        return [ranks.get(id(entry)) for entry in self.entries]

    @cached_property
    def front(self) -> list[bool]:
        """True for each entry, unless another one of its group has a better mean in one objective and no worse mean in the other."""
        second = self.second
        if not second:
            return [False] * len(self.entries)
        found = set[int]()
        for group in self.groups:
            costs: dict[int, tuple[float, float]] = {}  # id of an entry → both means, as numbers that are better if lower
            for one in group.entries:
                if one.second is not None and math.isfinite(one.mean) and math.isfinite(one.second):
                    costs[id(one)] = self.objective.key(one.mean), second.key(one.second)
            least, front = math.inf, set[tuple[float, float]]()
            for pair in sorted(set(costs.values())):  # each earlier pair is lower in the first, or equal in it and lower in the second
                if pair[1] < least:
                    front.add(pair)
                    least = pair[1]
            found |= {place for place, pair in costs.items() if pair in front}
        return [id(one) in found for one in self.entries]

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
        """Returns the overrides that repeat a trial or an entry: its point, and the other values that distinguish it in this standing."""
        nodes = tuple(f"{key}." for key in one.point if "." in key)
        more = [key for key in self.keys if key in one.values and key not in one.point and not key.startswith(nodes)]
        return [*overrides(one.point), *(f"{key}={as_text(one.values[key])}" for key in more if not key.endswith("_target_"))]

    def origin(self, one: TrialResult | Entry) -> str:
        """Describes how a result's origin differs from the others; empty if all are equal."""
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
        """Returns the trial of an entry with the best score; None if it has no score."""
        return min(entry.trials, key=lambda trial: self.objective.key(trial.score), default=None)

    def best_among(self, numbers: Iterable[int]) -> TrialResult | None:
        """Returns the trial with the best score among those of one sweep with these numbers and a run; None without any."""
        wanted = set(numbers)
        runs = [trial for trial in self.trials if trial.number in wanted and trial.score is not None and trial.run_id]
        return min(runs, key=lambda trial: self.objective.key(trial.score), default=None)

    @property
    def trials(self) -> list[TrialResult]:
        """All trials, those of the best configuration first."""
        return [trial for entry in self.entries for trial in entry.all]

    @property
    def causes(self) -> Counter[str]:
        """State and cause → number of trials without a score. The cause of an INFEASIBLE trial is cut before the size of the excess."""
        counts = Counter[str]()
        for one in (trial for entry in self.entries for trial in entry.unscored):
            cause = one.cause.partition(": ")[0] if one.state == TrialState.INFEASIBLE else one.cause
            counts[f"{one.state} {cause}".strip()] += 1
        return counts
