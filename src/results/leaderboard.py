"""All configurations of some sweeps, ranked by their mean over seeds. Repeated seeds or folds are one entry."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

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
        examples: the number of validation examples; 0 if it is not known.
        sweeps: number of sweeps.
        second: the other one of two objectives; entries are sorted and ranked by the first.
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
        """Groups trials by everything but the seed. A trial that is in two sweeps counts once.

        Results on different data, folds or rungs are not ranked against each other. The entries of each data set are together,
        in the order in which the data sets first appear among the scored trials; in them those of the longest rung come first,
        and those of which all trials were pruned last.
        """
        everything = list(trials)
        distinct: dict[str, TrialResult] = {}
        for trial in with_known_data(everything):
            if trial.key not in distinct or distinct[trial.key].score is None or distinct[trial.key].state == TrialState.PRUNED:
                distinct[trial.key] = trial
        groups: dict[tuple[str, Origin], list[TrialResult]] = {}
        for trial in distinct.values():
            groups.setdefault(trial.row, []).append(trial)
        data = dict.fromkeys(trial.origin.data for trial in distinct.values() if trial.score is not None)
        place = {digest: number for number, digest in enumerate(data)}
        entries = [entry_of(group) for group in groups.values()]
        apart = by_epochs(entries)
        entries.sort(
            key=lambda entry: (
                place.get(entry.origin.data, len(place)),
                not entry.trials,
                not entry.whole,
                (-len(entry.folds), entry.folds),
                -entry.epochs if apart else 0,
                objective.key(entry.mean),
            )
        )
        return cls(objective, entries, validation_examples, len({trial.sweep for trial in everything}), second)

    @cached_property
    def groups(self) -> list[Group]:
        """The entries with a score, those that are ranked together in one group; the groups in the order of the entries."""
        return grouped(self.entries, self.objective, self.examples)

    @cached_property
    def ranks(self) -> list[str | None]:
        """The rank of each entry in its group, such as `1` or `1-4`; None without a score, and for pruned ones beside whole ones."""
        ranks = {id(entry): rank_text(rank) for group in self.groups for entry, rank in zip(group.entries, group.ranks, strict=True)}
        return [ranks.get(id(entry)) for entry in self.entries]

    @cached_property
    def front(self) -> list[bool]:
        """True for each entry that no other one of its group equals or beats in both objectives, by their means."""
        second = self.second
        if not second:
            return [False] * len(self.entries)
        found = set[int]()
        for group in self.groups:
            known = [one for one in group.entries if one.second is not None and math.isfinite(one.mean) and math.isfinite(one.second)]
            keys = {id(one): (self.objective.key(one.mean), second.key(one.second)) for one in known}
            least, best = math.inf, set[tuple[float, float]]()
            for key in sorted(
                set(keys.values())
            ):  # those before it are better in the first objective, or equal there and better in the other
                if key[1] < least:
                    best.add(key)
                    least = key[1]
            found |= {place for place, key in keys.items() if key in best}
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
        overridden = set(overridden_keys([one]))
        nodes = tuple(f"{key}." for key in overridden if "." in key)
        more = [key for key in self.keys if key in one.values and key not in overridden and not key.startswith(nodes)]
        return [*overrides(one.point), *(f"{key}={as_text(one.values[key])}" for key in more if not key.endswith("_target_"))]

    def origin(self, one: TrialResult | Entry) -> str:
        """Describes the difference of a result's origin from the others; empty if there is none."""
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
        """Returns the trial with the best score and a run among those with these numbers of one sweep; None without any."""
        named = set(numbers)
        runs = [trial for trial in self.trials if trial.number in named and trial.score is not None and trial.run_id]
        return min(runs, key=lambda trial: self.objective.key(trial.score), default=None)

    @property
    def trials(self) -> list[TrialResult]:
        """Every trial, those of the best configuration first."""
        return [trial for entry in self.entries for trial in entry.all]

    @property
    def causes(self) -> Counter[str]:
        """State and cause → the number of trials that ended so, without a score; what exceeded a limit, without its size."""
        unscored = [trial for entry in self.entries for trial in entry.unscored]
        causes = [one.cause.partition(": ")[0] if one.state == TrialState.INFEASIBLE else one.cause for one in unscored]
        return Counter(f"{one.state} {cause}".strip() for one, cause in zip(unscored, causes, strict=True))
