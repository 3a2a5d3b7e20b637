"""Ranks configurations with equal data and folds and, if an oracle chose the epochs, of the same rung.

A rank is a range: it starts at one more than the number of significantly better rows, and ends at the number of rows that are not
significantly worse. It does not depend on the order of the other rows. A row with a failed or pruned repeat never counts as better,
because its mean leaves that repeat out. A row of pruned trials alone is not ranked, because its score is that of fewer epochs.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from src.objective import Objective
from src.results.entries import Entry
from src.significance import ComparedMeans

ALIKE = ("model", "trial")  # a row with one repeat gets the spread of rows with the same options of these groups
LEAST_EXAMPLES = 10  # with fewer examples, any score may look like a share of them


@dataclass(frozen=True)
class Group:
    """Configurations with a score that are ranked together, best mean first.

    Attributes:
        examples: number of validation examples; 0 if it is not known.
    """

    entries: list[Entry]
    objective: Objective
    examples: int

    @cached_property
    def ranks(self) -> list[tuple[int, int]]:
        """The first and the last rank that each entry may have, counted from 1."""
        finite = sum(math.isfinite(entry.mean) for entry in self.entries)
        found = []
        for place, entry in enumerate(self.entries):
            if not math.isfinite(entry.mean):
                found.append((1 + finite, len(self.entries)))
                continue
            apart = self._apart(place)
            better = apart[:place] & self._complete[:place]
            worse = apart[place + 1 :] & self._complete[place]
            found.append((1 + int(better.sum()), finite - int(worse.sum())))
        return found

    @property
    def tied(self) -> list[Entry]:
        """The entries that no other entry is significantly better than."""
        return [entry for entry, (first, _) in zip(self.entries, self.ranks, strict=True) if first == 1]

    def beaten(self) -> np.ndarray:
        """Returns, for each entry, True if the first entry is significantly better; shape (entries,)."""
        mask: np.ndarray = self._apart(0) & self._complete[0]
        return mask

    @cached_property
    def comparison(self) -> ComparedMeans:
        """The comparison of the entries in `compared`."""
        chosen = [self.entries[place] for place in self.compared]
        floor = 1 / self.examples if self.of_shares else 0.0
        counts = [len(entry.scores) for entry in chosen]
        return ComparedMeans([entry.mean for entry in chosen], [entry.spread or 0.0 for entry in chosen], counts, floor)

    @cached_property
    def compared(self) -> list[int]:
        """The places of the entries whose spread is known, from their own repeats or from others with the same model."""
        known = {_alike(entry) for entry in self.entries if entry.spread is not None}
        return [place for place, entry in enumerate(self.entries) if math.isfinite(entry.mean) and _alike(entry) in known]

    @cached_property
    def of_shares(self) -> bool:
        """True if scores are shares of the validation examples: in [0, 1], and named accuracy or each a whole number of examples."""
        scores = [score for entry in self.entries for score in entry.scores]
        words = self.objective.name.lower().split("_")
        if self.examples < LEAST_EXAMPLES or "loss" in words or not all(0 <= score <= 1 for score in scores):
            return False
        return "accuracy" in words or all(_whole(score * self.examples) for score in scores)

    @cached_property
    def _complete(self) -> np.ndarray:
        return np.array([entry.complete for entry in self.entries])

    def _apart(self, place: int) -> np.ndarray:
        """Returns, for each entry, True if it differs significantly from the one at `place`; shape (entries,)."""
        mask = np.zeros(len(self.entries), bool)
        if place in self._positions:
            mask[self.compared] = self.comparison.apart(self._positions[place])
        return mask

    @cached_property
    def _positions(self) -> dict[int, int]:
        return {place: position for position, place in enumerate(self.compared)}


def _alike(entry: Entry) -> tuple[object, ...]:
    return tuple(entry.values.get(key) for key in ALIKE)


def _whole(number: float) -> bool:
    return abs(number - round(number)) < 1e-6 * max(1.0, number)  # a float32 has seven digits


def rank_text(rank: tuple[int, int]) -> str:
    """Formats a rank.

    >>> rank_text((1, 1)), rank_text((1, 4))
    ('1', '1-4')
    """
    return f"{rank[0]}" if rank[0] == rank[1] else f"{rank[0]}-{rank[1]}"


def by_epochs(entries: Sequence[Entry]) -> bool:
    """Returns True if an oracle chose the epochs; then only configurations of equal epochs are ranked against each other."""
    return any(entry.rung is not None for entry in entries)


def grouped(entries: Sequence[Entry], objective: Objective, examples: int) -> list[Group]:
    """Groups sorted entries. Leaves out entries without a score, and those of pruned trials alone if any other is whole."""
    groups: dict[tuple[str, tuple[int, ...], int], list[Entry]] = {}
    apart, any_whole = by_epochs(entries), any(entry.whole for entry in entries)
    for entry in entries:
        if entry.whole or (entry.trials and not any_whole):
            groups.setdefault((entry.origin.data, entry.folds, entry.epochs if apart else 0), []).append(entry)
    return [Group(group, objective, examples) for group in groups.values()]
