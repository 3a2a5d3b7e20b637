"""The samplers of Optuna (Akiba et al. 2019, arXiv:1907.10902) over our axes, by its ask and tell."""

import importlib.util
import inspect
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from src.errors import ConfigError, did_you_mean
from src.objective import Objective
from src.oracles import KnownTrial, Proposal
from src.oracles.base import Values
from src.oracles.random import Random
from src.oracles.vectors import ordered
from src.space import Axis, Choice, Space
from src.states import TrialState

if TYPE_CHECKING:
    import optuna

TRIES = 20  # for a point that no trial has; then one is drawn at random
NEEDED = {"CmaEsSampler": "cmaes", "GPSampler": "torch"}  # packages that Optuna does not require
OURS = {"BruteForceSampler": "grid", "RandomSampler": "random"}


class OptunaSampler(Random):
    """Proposes what a sampler of Optuna suggests, none twice. Listed numbers keep their order; an infeasible trial is told as pruned.

    Args:
        sampler: name of a class of `optuna.samplers`.

    Raises:
        ConfigError: Optuna, or what the sampler needs, is not installed, or there is no such sampler.
    """

    def __init__(self, space: Space, objective: Objective, *, max_trials: int, sampler: str, seed: int) -> None:
        self._study = _study(sampler, "maximize" if objective.direction == "max" else "minimize", seed)
        super().__init__(space, objective, seed=seed, max_trials=max_trials)
        self.known_in_advance = min(1, self.budget)
        self._asked: dict[int, optuna.Trial] = {}  # by the number of our trial, until it ends

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Asks the sampler until it suggests a point that no trial has; what a known point scored is told again."""
        for _ in range(0 if self.space.size == len(self._known) else TRIES):
            asked = self._study.ask()
            values = self._suggested(asked)
            if not self._duplicate(values):
                self._asked[int(trial_id)] = asked
                return {"status": "RUNNING", "values": values}
            point = self.point(values)
            known = self.trials[str(self._known[self.space.identity(point)])] if point is not None else None
            self._tell(asked, known.score if known else None, "FAIL" if known and known.status == "RUNNING" else "PRUNED")
        answer: dict[str, Any] = super().populate_space(trial_id)
        return answer

    def tell(self, number: int, score: float | None) -> None:
        """Ends a trial."""
        super().tell(number, score)
        if asked := self._asked.pop(number, None):
            self._tell(asked, score)

    def restore(self, state: dict[str, Any], trials: Sequence[KnownTrial]) -> None:
        """Asks and tells anew, in the order of the trials, because samplers keep states of their own.

        Where trials ended in another order, a sampler may suggest another point than it did: the one that ran is told.
        """
        for known in trials:
            if (proposal := self.ask(known.number)) != known.proposal:
                if proposal:
                    self._forget(known.number)
                self._add(known.number, known.proposal)
            if known.state != TrialState.RUNNING:
                self.tell(known.number, known.score)

    def _add(self, number: int, proposal: Proposal) -> None:
        """Adds a trial; the sampler learns of one that it did not suggest, unless a list lacks a value of it: Optuna takes no others."""
        super()._add(number, proposal)
        if number not in self._asked:
            values = self.values(proposal.point)
            present = [(place, axis) for place, axis in enumerate(self.space.axes) if axis.key in values and axis.exists(values)]
            lacking = [axis for _, axis in present if isinstance(axis.domain, Choice) and values[axis.key] not in axis.domain.texts]
            if not lacking:
                self._study.enqueue_trial({_name(axis, place): _told(axis, values[axis.key]) for place, axis in present})
                self._asked[number] = self._study.ask()
                self._suggested(self._asked[number])

    def _forget(self, number: int) -> None:
        """Removes a trial that is not what ran."""
        if asked := self._asked.pop(number, None):
            self._tell(asked, None, "FAIL")
        del self.trials[str(number)], self.ongoing_trials[str(number)]
        self._known = {identity: first for identity, first in self._known.items() if first != number}

    def _suggested(self, asked: "optuna.Trial") -> Values:
        """The values of the axes that exist."""
        values: Values = {}
        for place, axis in enumerate(self.space.axes):
            if axis.exists({key: str(value) for key, value in values.items()}):
                values[axis.key] = _suggestion(asked, axis, _name(axis, place))
        return values

    def _tell(self, asked: "optuna.Trial", score: float | None, state: str = "PRUNED") -> None:
        """Tells a score; without one, a state."""
        import optuna

        self._study.tell(asked, score, None if score is not None else optuna.trial.TrialState[state])


def _study(name: str, direction: str, seed: int) -> "optuna.Study":
    """A study in memory with a sampler."""
    try:
        import optuna
    except ImportError as error:
        raise ConfigError(["oracle=optuna: Optuna is not installed; expected it: pip install optuna"]) from error
    found = {key: getattr(optuna.samplers, key) for key in optuna.samplers.__all__ if key.endswith("Sampler")}
    names = [key for key, one in found.items() if _is_complete(one) and key not in OURS]
    if name not in names:
        hint = f"; expected oracle={OURS[name]}." if name in OURS else did_you_mean(name, names)
        raise ConfigError([f"oracle.sampler={name}: no sampler of Optuna's that wants no arguments{hint} Samplers: {', '.join(names)}"])
    if (needed := NEEDED.get(name)) and not importlib.util.find_spec(needed):
        raise ConfigError([f"oracle.sampler={name}: {needed}, which it needs, is not installed; expected it: pip install {needed}"])
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.create_study(direction=direction, sampler=found[name](seed=seed))


def _is_complete(sampler: type) -> bool:
    """True for a sampler that needs no argument and takes a seed."""
    arguments = inspect.signature(sampler).parameters
    return "seed" in arguments and all(one.default is not one.empty for one in arguments.values())


def _name(axis: Axis, place: int) -> str:
    """The name of an axis for Optuna; one key may have several axes."""
    return f"{axis.key} {place}"


def _suggestion(asked: "optuna.Trial", axis: Axis, name: str) -> Any:
    domain = axis.domain
    if isinstance(domain, Choice):
        if ordered(axis):
            return _sorted(domain)[asked.suggest_int(name, 0, len(domain.texts) - 1)]
        return asked.suggest_categorical(name, domain.texts)
    if domain.integer:
        return asked.suggest_int(name, int(domain.low), int(domain.high), log=domain.log)
    return asked.suggest_float(name, domain.low, domain.high, log=domain.log)


def _told(axis: Axis, text: str) -> Any:
    """The inverse of `_suggestion`."""
    if isinstance(axis.domain, Choice):
        return _sorted(axis.domain).index(text) if ordered(axis) else text
    return int(text) if axis.domain.integer else float(text)


def _sorted(domain: Choice) -> list[str]:
    """The texts of numbers, in the order of the numbers."""
    return [text for _, text in sorted(zip(domain.values, domain.texts, strict=True))]
