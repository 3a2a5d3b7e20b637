"""A race: configurations run with more and more seeds, and those that are worse beyond chance drop out.

Those that are left are compared after 3, 5, 8, 13, … seeds each. These looks share an error of 5 % (Jennison and Turnbull 2000, Group
Sequential Methods), so that at most one in twenty races among equal configurations drops one. tests/truth/ shows it.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from src.config.overrides import key_of
from src.config.paths import REPEATS
from src.errors import ConfigError
from src.objective import Objective
from src.oracles import Conclusion, KnownTrial, Proposal
from src.oracles.looks import Look
from src.significance import ERROR
from src.space import Point, Space, overrides
from src.states import TrialState

SEED, FOLD = REPEATS
FAILED = "a trial of it failed"
LOOKS = (3, 5, 8, 13, 20, 30, 50)  # seeds of each configuration


@dataclass
class Runner:
    """A configuration in a race.

    Attributes:
        name: for people: the overrides that not all configurations share.
        points: one for each seed, in the order in which they run.
        proposed: places of the seeds that were proposed.
        scores: place of the seed → score; None for a trial that failed.
        out: why it dropped out; empty while it runs.
    """

    name: str
    points: list[Point]
    proposed: set[int] = field(default_factory=set)
    scores: dict[int, float | None] = field(default_factory=dict)
    out: str = ""

    def scored(self, count: int) -> list[float]:
        """Returns the scores of the first `count` seeds, except those that failed."""
        found = [self.scores.get(place) for place in range(count)]
        return [score for score in found if score is not None]


class Race:
    """Proposes seeds of the configurations that are left, until one is left or no difference matters.

    Args:
        least: the least difference that matters; None if every difference does, so that only a single configuration ends the race early.
        resolution: the least difference that two scores can have, and the least standard deviation that the race assumes.
        max_trials: largest number of trials of all configurations together; None for no limit.

    Raises:
        ConfigError: the space is not a race, or max_trials does not suffice for a first look.

    Attributes:
        runners: the configurations, in their order in the space.
    """

    compares_whole = True

    def __init__(
        self, space: Space, objective: Objective, *, least: float | None = None, resolution: float = 0.0, max_trials: int | None = None
    ) -> None:
        self._objective, self._least, self._resolution = objective, least or 0.0, resolution
        self.runners = _runners(space)
        self._most = min(len(one.points) for one in self.runners)
        self.looks = [*(look for look in LOOKS if look < self._most), self._most]
        self._look, self._entrants = 0, len(self.runners)
        self._place: dict[int, tuple[Runner, int]] = {}  # number of a trial → its configuration, and the place of its seed
        self._apart = math.inf  # upper limit of the differences between those that are left, at the last look
        self._identity = space.identity
        self.budget = min(max_trials or 10**9, self._entrants * self._most)
        self.known_in_advance = self._entrants * self.looks[0]
        if self.budget < self.known_in_advance:
            needed = f"{self._entrants} configurations need {self.known_in_advance} trials for the first comparison"
            raise ConfigError([f"oracle.max_trials={max_trials}: {needed}; expected at least that many, or fewer configurations."])
        self.swept, self.epochs = space.swept, None
        self.schedule_lines = [f"compares after {', '.join(map(str, self.looks))} seeds each; drops what is worse beyond chance"]

    def ask(self, number: int) -> Proposal | None:
        """Proposes the next seed before the next look; returns None while it waits for the trials of that look."""
        if self.decided or self.runs >= self.budget:
            return None
        for place in range(self.looks[self._look]):
            for runner in self._left:
                if place not in runner.proposed:
                    self._add(number, runner, place)
                    return Proposal(runner.points[place])
        return None

    def tell(self, number: int, score: float | None) -> None:
        """Ends a trial; a failed trial drops its configuration."""
        runner, place = self._place[number]
        runner.scores[place] = score
        if score is None and not runner.out:
            runner.out = FAILED
        while not self.decided and all(set(range(self.looks[self._look])) <= one.scores.keys() for one in self._left):
            self._compare()

    def include(self, number: int, point: Point) -> bool:
        """Returns False: no configuration can enter a running race."""
        return False

    def state(self) -> dict[str, Any]:
        """Returns an empty dict: everything can be rebuilt from the trials."""
        return {}

    def restore(self, state: dict[str, Any], trials: Sequence[KnownTrial]) -> None:
        """Adds the trials of another process."""
        by_identity = {self._identity(point): (runner, place) for runner in self.runners for place, point in enumerate(runner.points)}
        for known in trials:
            self._add(known.number, *by_identity[self._identity(known.proposal.point)])
        for known in trials:
            if known.state != TrialState.RUNNING:
                self.tell(known.number, known.score)

    @property
    def runs(self) -> int:
        """The number of trials so far."""
        return len(self._place)

    @property
    def decided(self) -> bool:
        """True if at most one configuration is left, no difference between those that are left matters, or all seeds ran."""
        return len(self._left) < 2 or self._equal or self._look >= len(self.looks)

    def conclusion(self) -> Conclusion:
        """Returns the winner, its lead and the confidence, or why there is no winner."""
        left = sorted(self._left, key=self._key)
        first = tuple(number for number, (runner, _) in self._place.items() if left and runner is left[0])
        failed = [one.name for one in self.runners if one.out == FAILED]
        dropped = f"; dropped for a failed trial: {', '.join(failed)}" if failed else ""
        return Conclusion(f"{self._answer(left)}{dropped}; {self.runs} of at most {self._entrants * self._most} runs.", first)

    def _answer(self, left: list[Runner]) -> str:
        """Returns a sentence that names the winner, or why there is none. Expects the configurations in order of their means."""
        seen = self.looks[self._look - 1] if self._look else 0
        others = sorted((one for one in self.runners if one.out and one.out != FAILED), key=self._key)
        if not left:
            return "Nobody is confirmed: every configuration failed with some seed"
        if len(left) == 1 and not others:
            return f"Nobody is confirmed: {left[0].name} alone had no trial that failed"
        if len(left) == 1:
            best, following = (fmean(self._scores(one)) for one in (left[0], others[0]))
            by = f"{abs(best - following):.4f} better than {others[0].name}, the next"
            what = f"{self._objective.name} {best:.4f} over {len(self._scores(left[0]))} fresh seeds, {by}"
            return f"Confirmed: {left[0].name}, with {what}; at most 5 % of such races name a wrong one"
        names = "; ".join(one.name for one in left)
        if self._equal:
            return f"Equal within {self._least:g} after {seen} fresh seeds each: {names}"
        result = "cannot be told apart" if seen else "were not compared"
        reason = f"after {seen} fresh seeds each"
        if self._look < len(self.looks):
            reason += ", and the budget ended" if self.runs >= self.budget else ", and the race was not ended"
        return f"Nobody is confirmed: {len(left)} configurations {result} {reason}: {names}"

    @property
    def _left(self) -> list[Runner]:
        return [one for one in self.runners if not one.out]

    def _scores(self, runner: Runner) -> list[float]:
        return runner.scored(len(runner.points))

    def _key(self, runner: Runner) -> float:
        scores = self._scores(runner)
        return self._objective.key(fmean(scores)) if scores else math.inf

    def _add(self, number: int, runner: Runner, place: int) -> None:
        self._place[number] = runner, place
        runner.proposed.add(place)

    def _compare(self) -> None:
        """Drops configurations that are worse than the best by more than chance; updates how far those that are left may be apart."""
        count = self.looks[self._look]
        left = sorted(self._left, key=lambda one: self._objective.key(fmean(one.scored(count))))
        seen = [self._scores(one) for one in self.runners if one.out != FAILED]  # which seeds of a failed one still ran is chance
        look = Look([one.scored(count) for one in left], seen, self._resolution, ERROR / len(self.looks))
        for one, worse in zip(left[1:], look.worse(), strict=True):
            if worse:
                one.out = f"worse beyond chance after {count} seeds"
        self._apart = look.furthest() if len(self._left) == len(left) else math.inf
        self._look += 1

    @property
    def _equal(self) -> bool:
        return self._apart <= self._least


def _runners(space: Space) -> list[Runner]:
    """Returns the configurations of a space; each of their points has another seed."""
    found: dict[str, list[Point]] = {}
    for point in space.points():
        values = {key: value for key, value in space.leaves(point).items() if key != SEED}
        found.setdefault(json.dumps(values, sort_keys=True, default=str), []).append(point)
    counts, mistakes = sorted({len(points) for points in found.values()}), list[str]()
    if FOLD in space.swept:
        mistakes.append(f"oracle=race: {FOLD} varies, and folds share examples; expected configurations that are repeated by seeds.")
    elif len(counts) > 1:
        mistakes.append(f"oracle=race: configurations have from {counts[0]} to {counts[-1]} seeds; expected as many of each.")
    elif counts[0] < LOOKS[0]:
        mistakes.append(f"oracle=race: a configuration has {counts[0]} seeds; expected at least {LOOKS[0]}, such as seed=range(43,63).")
    elif len(found) < 2:
        mistakes.append("oracle=race: there is one configuration; expected several that differ in more than their seeds.")
    if mistakes:
        raise ConfigError(mistakes)
    words = [[word for word in overrides(points[0]) if key_of(word) != SEED] for points in found.values()]
    common = set.intersection(*map(set, words))
    names = [" ".join(word for word in own if word not in common) for own in words]
    return [Runner(name or "the defaults", points) for name, points in zip(names, found.values(), strict=True)]
