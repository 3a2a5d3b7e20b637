"""A race: configurations run with more and more seeds, and those that are worse beyond chance drop out.

After 3, 5, 8, 13, … seeds each, those that are left are compared by Tukey's range test among all that began. An error of 5 % is shared
among these looks in proportion to their seeds (Jennison & Turnbull 2000, Group Sequential Methods, on spending an error over looks), so
that of races among equal configurations at most one in twenty names a worse one. tests/truth/ shows it.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from src.config.paths import REPEATS
from src.errors import ConfigError
from src.objective import Objective
from src.oracles import KnownTrial, Proposal
from src.significance import ERROR, range_quantile
from src.space import Point, Space, overrides
from src.states import TrialState

FAILED = "a trial of it failed"
LOOKS = (3, 5, 8, 13, 20, 30, 50)  # seeds of each configuration


@dataclass
class Runner:
    """A configuration in a race.

    Attributes:
        points: one for each seed, in the order in which they run.
        scores: by the place of the seed; None for a trial that failed.
        out: why it dropped out; empty while it runs.
    """

    points: list[Point]
    scores: dict[int, float | None]
    out: str = ""

    @property
    def name(self) -> str:
        """The configuration, for people."""
        return " ".join(overrides({key: text for key, text in self.points[0].items() if key.lstrip("+") not in REPEATS})) or "the defaults"

    def scored(self, count: int) -> list[float]:
        """The scores of its first seeds."""
        return [score for place in range(count) if (score := self.scores.get(place)) is not None]


class Race:
    """Proposes seeds of the configurations that are left, until one is left or none can be told from another.

    Args:
        least: the least difference that matters; null for none: only one that is left ends the race early.
        resolution: the least difference that two scores can have; a spread is believed to be at least this.
        max_trials: runs of all configurations together; null for no limit.
    """

    def __init__(
        self, space: Space, objective: Objective, *, least: float | None = None, resolution: float = 0.0, max_trials: int | None = None
    ) -> None:
        self._objective, self._least, self._resolution = objective, least or 0.0, resolution
        self._runners = _runners(space)
        self._most = min(len(one.points) for one in self._runners)
        self.looks = [*(look for look in LOOKS if look < self._most), self._most]
        self._look, self._entrants = 0, len(self._runners)
        self._place: dict[int, tuple[Runner, int]] = {}  # number of a trial → its configuration, and the place of its seed
        self._proposed: set[tuple[int, int]] = set()
        self._gaps: list[float] = []  # of those that are left, from the best, at most, at the last look
        self._identity = space.identity
        self.budget = min(max_trials or 10**9, self._entrants * self._most)
        self.known_in_advance = min(self.budget, self._entrants * self.looks[0])
        self.swept, self.epochs = space.swept, None
        self.schedule_lines = [f"looks after {', '.join(map(str, self.looks))} seeds each; who is worse beyond chance drops out"]

    def ask(self, number: int) -> Proposal | None:
        """Proposes the next seed before the next look; None while trials run on which it depends."""
        if self.decided or len(self._place) >= self.budget:
            return None
        for place in range(self.looks[self._look]):
            for runner in self._left:
                if (id(runner), place) not in self._proposed:
                    self._add(number, runner, place)
                    return Proposal(runner.points[place])
        return None

    def tell(self, number: int, score: float | None) -> None:
        """Ends a trial; a configuration of which one failed drops out."""
        runner, place = self._place[number]
        runner.scores[place] = score
        if score is None and not runner.out:
            runner.out = FAILED
        if not self.decided and all(len(one.scores) >= self.looks[self._look] for one in self._left):
            self._compare()

    def state(self) -> dict[str, Any]:
        """Empty: everything can be rebuilt from the trials."""
        return {}

    def restore(self, state: dict[str, Any], trials: Sequence[KnownTrial]) -> None:
        """Adds the trials of another process."""
        by_identity = {self._identity(point): (runner, place) for runner in self._runners for place, point in enumerate(runner.points)}
        for known in trials:
            self._add(known.number, *by_identity[self._identity(known.proposal.point)])
        for known in trials:
            if known.state != TrialState.RUNNING:
                self.tell(known.number, known.score)

    @property
    def decided(self) -> bool:
        """True if one configuration is left, those that are left are equal for practical purposes, or all seeds ran."""
        return len(self._left) < 2 or self._equal or self._look >= len(self.looks)

    def conclusion(self) -> str:
        """Says who won, by how much and how sure that is, or why nobody did."""
        left = sorted(self._left, key=self._key)
        count = min((len(one.scores) for one in left), default=0)
        cost = f"{len(self._place)} of at most {self._entrants * self._most} runs"
        if not left:
            return f"Nobody is confirmed: every configuration failed with some seed; {cost}."
        if len(left) == 1 and all(one.out == FAILED for one in self._runners if one.out):
            return f"Nobody is confirmed: {left[0].name} alone had no trial that failed; {cost}."
        if len(left) == 1:
            best = fmean(left[0].scored(count))
            others = sorted((one for one in self._runners if one is not left[0] and len(one.scored(self.looks[0])) > 1), key=self._key)
            by = f", {abs(best - fmean(self._scores(others[0]))):.4f} better than the next, {others[0].name}" if others else ""
            sure = "at most 5 % of such races name a wrong one"
            return f"Confirmed: {left[0].name}, {self._objective.name} {best:.4f} over {count} fresh seeds{by}; {sure}; {cost}."
        names = "; ".join(one.name for one in left)
        if self._equal:
            return f"Equal within {self._least:g} after {count} fresh seeds each: {names}; {cost}."
        why = "their seeds ended" if self._look >= len(self.looks) else "the race was not ended"
        return f"Nobody is confirmed: {len(left)} cannot be told apart after {count} fresh seeds each, and {why}: {names}; {cost}."

    @property
    def _left(self) -> list[Runner]:
        return [one for one in self._runners if not one.out]

    def _scores(self, runner: Runner) -> list[float]:
        return runner.scored(len(runner.points))

    def _key(self, runner: Runner) -> float:
        scores = self._scores(runner)
        return self._objective.key(fmean(scores)) if scores else math.inf

    def _add(self, number: int, runner: Runner, place: int) -> None:
        self._place[number] = runner, place
        self._proposed.add((id(runner), place))

    def _compare(self) -> None:
        """Drops those that are worse than the best by more than chance, and sees if those that are left are equal."""
        count = self.looks[self._look]
        left = sorted(self._left, key=self._key)
        scores = {id(one): one.scored(count) for one in left}
        margin = self._margin([scores[id(one)] for one in left], count)
        best = fmean(scores[id(left[0])]) if left else 0.0
        for number, one in enumerate(left[1:], 1):
            if abs(best - fmean(scores[id(one)])) > margin(0, number):
                one.out = f"worse beyond chance after {count} seeds"
        self._look += 1
        self._gaps = [abs(best - fmean(scores[id(one)])) + margin(0, number) for number, one in enumerate(left) if number and not one.out]

    @property
    def _equal(self) -> bool:
        return bool(self._least and self._gaps and max(self._gaps) <= self._least)

    def _margin(self, scores: list[list[float]], count: int) -> Any:
        """Returns the least difference of two of them that is more than chance, given their places.

        It must hold with the spread of all and with the spreads of the two, in case a spread is another one than the others.
        """
        variances = [max(_variance(one), self._resolution**2) for one in scores]
        freedom = len(scores) * (count - 1)
        error = ERROR * count / sum(self.looks)
        quantile = range_quantile(max(2, self._entrants), freedom, error)
        pooled = fmean(variances)
        return lambda a, b: quantile * math.sqrt(max(2 * pooled, variances[a] + variances[b]) / count)


def _variance(scores: list[float]) -> float:
    mean = fmean(scores)
    return sum((score - mean) ** 2 for score in scores) / (len(scores) - 1)


def _runners(space: Space) -> list[Runner]:
    """The configurations of a space with a seed for each of their points.

    Raises:
        ConfigError: a configuration has fewer than three seeds, or they have different numbers of them.
    """
    found: dict[str, list[Point]] = {}
    for point in space.points():
        values = {key: value for key, value in space.leaves(point).items() if key not in REPEATS}
        found.setdefault(json.dumps(values, sort_keys=True, default=str), []).append(point)
    least = min(map(len, found.values()))
    if least < LOOKS[0]:
        raise ConfigError([f"oracle=race: a configuration has {least} seeds; expected at least {LOOKS[0]}, such as seed=range(43,63)."])
    return [Runner(points, {}) for points in found.values()]
