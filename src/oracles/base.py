"""Adapts KerasTuner's oracles to the interface of this project. Only their algorithm, `populate_space`, is called.

KerasTuner's book-keeping (create_trial, end_trial, JSON files, locks, retries) loses trials when a process dies, so the study replaces it.
The seed of each proposal is derived from the sweep's seed and the trial's number, so no generator state has to be saved.
"""

import copy
import hashlib
import math
import random
from collections.abc import Sequence
from typing import Any

import keras_tuner as kt
from keras_tuner.src.engine import conditions

from src.errors import ConfigError
from src.objective import Objective
from src.oracles import KnownTrial, Proposal
from src.space import Axis, Choice, Point, Space
from src.space.defaults import default_point, located
from src.states import TrialState

Values = dict[str, Any]  # in KerasTuner's form: config path → text, int or float
DIGITS = 6  # of a number drawn from an interval; more if they do not tell its ends apart


class KerasTunerOracle(kt.Oracle):  # type: ignore[misc]
    """Mix-in that precedes a KerasTuner oracle in the list of base classes.

    Args:
        seed: determines every draw; 0 is a seed like any other.
        settings: arguments of KerasTuner's class.

    Attributes:
        takes_others: True if it learns from trials that it did not propose; False if it chooses the epochs of each trial.
        begins_with_defaults: True if, after the known points, a trial has the defaults of conf/, provided that they lie in the space. The
            table then shows if they were beaten.
    """

    takes_others = begins_with_defaults = True
    compares_whole = False

    def __init__(self, space: Space, objective: Objective, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(
            objective=kt.Objective(objective.name, objective.direction),
            hyperparameters=_hyperparameters(space),
            allow_new_entries=False,
            tune_new_entries=False,
            seed=seed + 1,  # for KerasTuner, 0 means a random seed
            **settings,
        )
        self.space, self._sweep_seed = space, seed
        self._known: dict[str, int] = {}  # identity of a point → the first trial with it
        self.second: dict[int, float] = {}  # trial → its second objective, if there are two
        self.budget: int = self.max_trials if space.size is None else min(self.max_trials or space.size, space.size)
        if self.max_trials and len(space.first) > self.max_trials:
            raise ConfigError([f"oracle.first: {len(space.first)} points; expected at most oracle.max_trials={self.max_trials}."])
        self.known_in_advance = self.budget  # unless a subclass learns from scores
        default = default_point(space) if self.begins_with_defaults else None
        self._first = list(space.first_points)
        if default is not None:
            self._first.append(default)
        self.swept, self.schedule_lines = space.swept, _first_trials(len(space.first), default is not None)
        self.epochs: int | None = None

    def ask(self, number: int) -> Proposal | None:
        """Proposes the trial `number`; returns None as Oracle.ask does."""
        if self.max_trials and len(self.trials) >= self.max_trials:
            return None
        known = self.next_known()
        if known:
            self._add(number, known)
            return known
        self.draw_for(number)
        answer = self.populate_space(str(number))
        if answer["status"] != "RUNNING":
            return None
        proposal = self.proposal(answer["values"])
        self._add(number, proposal)
        return proposal

    def next_known(self) -> Proposal | None:
        """Returns the next known point; None after the last one."""
        return next((Proposal(point) for point in self._first if self.space.identity(point) not in self._known), None)

    def tell(self, number: int, score: float | None) -> None:
        """Ends a trial; a score of None marks it as infeasible."""
        trial = self.ongoing_trials.pop(str(number))
        trial.score, trial.status = score, "FAILED" if score is None else "COMPLETED"

    def tell_second(self, number: int, second: float) -> None:
        """Stores the second objective of a trial, lower is better."""
        self.second[number] = second

    def include(self, number: int, point: Point) -> bool:
        """Adds a trial whose point lies in the space and is new; it counts for `max_trials`."""
        known = located(self.space, point) if self.takes_others else None
        if known is None or self.space.identity(known) in self._known:
            return False
        self._add(number, Proposal(known))
        return True

    def state(self) -> dict[str, Any]:
        """Returns an empty dict: everything can be rebuilt from the trials."""
        return {}

    def conclusion(self) -> None:
        """Returns None: it only searches."""

    def restore(self, state: dict[str, Any], trials: Sequence[KnownTrial]) -> None:
        """Adds the trials of another process."""
        for known in trials:
            self._add(known.number, known.proposal)
            if known.state != TrialState.RUNNING:
                KerasTunerOracle.tell(self, known.number, known.score)
            if known.second is not None:
                self.tell_second(known.number, known.second)

    def draw_for(self, number: int) -> None:
        """Seeds all draws for a trial."""
        digest = hashlib.sha256(f"{self._sweep_seed} {number}".encode()).digest()
        self._seed_state = int.from_bytes(digest[:8])

    def proposal(self, values: Values) -> Proposal:
        """Converts KerasTuner's values into a Proposal."""
        point = self.point(values)
        if point is None:
            raise AssertionError(f"an excluded point was proposed: {values}")
        return Proposal(point)

    def point(self, values: Values) -> Point | None:
        """Converts KerasTuner's values into a point; returns None if the space excludes it."""
        return self.space.point(self.texts(values))

    def texts(self, values: Values) -> dict[str, str]:
        """Converts KerasTuner's values into texts of overrides."""
        texts = {key: str(value) for key, value in values.items()}
        found: dict[str, Axis] = {}
        for axis in self.space.axes:
            if axis.key in values and (axis.key not in found or axis.exists(texts)):
                found[axis.key] = axis  # a known point may have values that are not listed, for which no axis exists
        return {key: _text(axis, values[key]) for key, axis in found.items()}

    def values(self, point: Point) -> Values:
        """Converts a point into KerasTuner's values; they stay texts, which lose no digit."""
        return {axis.key: point[axis.key] for axis in self.space.axes if axis.key in point}

    def remaining_points(self) -> list[Point]:
        """Returns the points of a finite space that no trial has yet."""
        return [point for identity, point in self.space.listed.items() if identity not in self._known]

    def _add(self, number: int, proposal: Proposal) -> None:
        hyperparameters = copy.copy(self.hyperparameters)  # shares the axes, because a copy for each trial would fill the memory
        hyperparameters.values = self.values(proposal.point)
        trial = kt.engine.trial.Trial(hyperparameters, str(number), "RUNNING")
        self.trials[trial.trial_id] = self.ongoing_trials[trial.trial_id] = trial
        self._known.setdefault(self.space.identity(proposal.point), number)

    def _random_values(self) -> Values | None:
        """Returns a random point; of the remaining points in a finite space if KerasTuner gives up, after 20 draws of known points."""
        values: Values | None = super()._random_values()
        remaining = self.remaining_points() if values is None and self.space.size is not None else []
        if remaining:
            return self.values(random.Random(self._seed_state).choice(remaining))  # noqa: S311  no secret
        return values

    def _duplicate(self, values: Values) -> bool:
        """Returns True if the space excludes the values, or an earlier trial has the same point, however it is written."""
        point = self.point(values)
        return point is None or self.space.identity(point) in self._known


def _hyperparameters(space: Space) -> kt.HyperParameters:
    hyperparameters = kt.HyperParameters()
    for axis in space.axes:
        domain = axis.domain
        parents = [conditions.Parent(key, list(texts)) for key, texts in axis.conditions]
        if isinstance(domain, Choice):
            hyperparameters.merge([kt.engine.hyperparameters.Choice(axis.key, list(domain.texts), conditions=parents)])
        else:
            kind = kt.engine.hyperparameters.Int if domain.integer else kt.engine.hyperparameters.Float
            sampling = "log" if domain.log else "linear"
            hyperparameters.merge([kind(axis.key, domain.low, domain.high, sampling=sampling, conditions=parents)])
    return hyperparameters


def _text(axis: Axis, value: Any) -> str:
    """Converts a value into the text of an override, rounded within the interval."""
    if isinstance(axis.domain, Choice) or isinstance(value, str):
        return str(value)
    low, high = axis.domain.low, axis.domain.high
    if axis.domain.integer:
        return str(min(max(value, low), high))
    digits = DIGITS + max(0, math.floor(math.log10(max(abs(low), abs(high)) / (high - low))))
    return repr(min(max(float(f"{value:.{digits}g}"), low), high))


def _first_trials(known: int, has_default: bool) -> list[str]:
    """Returns a line that describes the first trials, if they are not drawn."""
    if not known:
        return ["the first trial has the defaults of conf/"] if has_default else []
    return [f"the first trials are those of oracle.first ({known}){', then the defaults of conf/' if has_default else ''}"]
