"""Asynchronous successive halving (Li et al. 2020, arxiv.org/abs/1810.05934): the best of a rung go on as soon as they are known."""

import math
from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from src.objective import Objective
from src.oracles import KnownTrial, Proposal
from src.oracles.base import Values
from src.oracles.guided import Guided
from src.oracles.random import Random
from src.oracles.rungs import EPOCHS, in_words, total_epochs
from src.space import Point, Space
from src.space.point import changed


@dataclass
class Rung:
    """Trials with the same number of epochs.

    Attributes:
        scored: (key, number) of the trials that ended with a score, best first.
        promoted: the numbers of the trials that went on.
    """

    epochs: int
    scored: list[tuple[float, int]] = field(default_factory=list)
    promoted: set[int] = field(default_factory=set)


class Asha(Guided, Random):
    """The paper's Algorithm 2, which never waits: a trial among the best 1/factor of its rung goes on, or a new configuration begins.

    Rungs have `min_epochs`, `factor` times as many, and so on; the last one has `max_epochs`. When nothing else is left to do, the best of
    a rung that is too small for `factor` goes on, so that at least one trial reaches the last rung. A configuration whose training has no
    epochs is in the last rung from the start.

    Args:
        max_trials: number of configurations, including infeasible ones.
        max_epochs: epochs of the last rung.
        min_epochs: epochs of the first rung.
        factor: one in `factor` trials of a rung goes on.
        sampler: the source of new configurations, as in Guided.
    """

    takes_others, compares_whole = False, True

    def __init__(
        self, space: Space, objective: Objective, *, max_trials: int, max_epochs: int, min_epochs: int, factor: int, sampler: str, seed: int
    ) -> None:
        super().__init__(space, objective, sampler=sampler, seed=seed, max_trials=max_trials)
        self.max_trials, self._start = None, self.start_of(self.budget)  # KerasTuner would also count trials that go on
        self._configurations, self._begun, self._key, self._factor = self.budget, 0, objective.key, factor
        epochs = _epochs(min_epochs, max_epochs, factor)
        self._rungs = [Rung(count) for count in epochs]
        self._proposals: dict[int, Proposal] = {}
        expected = list(zip(_expected_trials(self._configurations, factor, len(epochs)), epochs, strict=True))
        self.epochs = total_epochs(expected)
        known = min(factor, self._configurations) if len(epochs) > 1 else self._configurations
        self.known_in_advance = min(known, self._start) if self._guided else known
        self.budget = sum(max(1, self._configurations - rung * (factor - 1)) for rung in range(len(epochs)))
        self.swept = [*space.swept, EPOCHS]
        self.schedule_lines = [*self.schedule_lines, f"about {in_words(expected)}"]

    def ask(self, number: int) -> Proposal | None:
        """Proposes the trial that goes on from the highest rung, or a new one; returns None as Oracle.ask does."""
        promoted = self._promotion()
        if not promoted and self._begun < self._configurations:
            proposal = super().ask(number)
            if proposal:
                return proposal
        if not promoted and not self.ongoing_trials:
            promoted = self._promotion(least=1)
        if promoted:
            self._add(number, promoted)
        return promoted

    def tell(self, number: int, score: float | None) -> None:
        """Ends a trial; an infeasible trial never goes on."""
        super().tell(number, score)
        self._enter(number, score)

    def restore(self, state: dict[str, Any], trials: Sequence[KnownTrial]) -> None:
        """Adds the trials of another process."""
        super().restore(state, trials)
        for known in trials:
            if str(known.number) not in self.ongoing_trials:
                self._enter(known.number, known.score)

    def next_known(self) -> Proposal | None:
        """Returns the next known point, in the first rung; None after the last one."""
        known = super().next_known()
        return self._from_scratch(known.point) if known else None

    def proposal(self, values: Values) -> Proposal:
        """Converts KerasTuner's values into a trial of the first rung."""
        return self._from_scratch(super().proposal(values).point)

    def _from_scratch(self, point: Point) -> Proposal:
        """Returns a trial of the first rung, or of the last one if its training has no epochs."""
        with_epochs = self.space.point(point | {EPOCHS: str(self._rungs[0].epochs)}) or point
        rung = self._rungs[0] if EPOCHS in with_epochs else self._rungs[-1]
        return Proposal(with_epochs, epochs=rung.epochs)

    def _promotion(self, least: int = 0) -> Proposal | None:
        """Returns the best trial that may go on, from the highest rung that has one; at least `least` of each rung may go on."""
        for rung, following in reversed(list(pairwise(self._rungs))):
            for _, number in rung.scored[: max(least, len(rung.scored) // self._factor)]:
                if number not in rung.promoted:
                    point = self._proposals[number].point
                    longer = changed(point, point | {EPOCHS: str(following.epochs)})
                    return Proposal(longer, number, rung.epochs, following.epochs)
        return None

    def _add(self, number: int, proposal: Proposal) -> None:
        """Adds a trial. The base class gets its point without epochs, because points that differ only in epochs are equal there."""
        texts = {key: text for key, text in proposal.point.items() if key != EPOCHS}
        super()._add(number, replace(proposal, point=changed(proposal.point, texts)))
        self._proposals[number] = proposal
        if proposal.parent is None:
            self._begun += 1
        else:
            self._rung(proposal.initial_epoch).promoted.add(proposal.parent)

    def _enter(self, number: int, score: float | None) -> None:
        """Adds an ended trial to its rung if it may go on from there."""
        proposal = self._proposals[number]
        if score is not None and EPOCHS in proposal.point:
            insort(self._rung(proposal.epochs or 0).scored, (self._key(score), number))

    def _rung(self, epochs: int) -> Rung:
        """Returns the rung with these epochs; adds it if it was the last one before `max_epochs` was raised."""
        for rung in self._rungs:
            if rung.epochs == epochs:
                return rung
        added = Rung(epochs)
        self._rungs.append(added)
        self._rungs.sort(key=lambda rung: rung.epochs)
        return added


def _expected_trials(trials: int, factor: int, rungs: int) -> list[int]:
    """Returns how many trials each rung will probably have, if scores are in random order.

    Of n trials, n / factor go on, and those that were among the best only for a while: about √n / 2, as random orders of 5 to 1000 trials
    show; the paper states the order of √n. At most n - factor + 1 go on, because the first one waits for `factor` trials.

    >>> _expected_trials(30, 3, 4)
    [30, 12, 5, 2]
    """
    counts = [trials]
    while len(counts) < rungs:
        trials = max(1, min(trials - factor + 1, int(trials / factor + math.sqrt(trials) / 2)))
        counts.append(trials)
    return counts


def _epochs(first: int, last: int, factor: int) -> list[int]:
    """Returns the epochs of each rung.

    >>> _epochs(1, 27, 3), _epochs(1, 20, 3), _epochs(5, 3, 3)
    ([1, 3, 9, 27], [1, 3, 9, 20], [3])
    """
    epochs = []
    while first < last:
        epochs.append(first)
        first *= factor
    return [*epochs, last]
