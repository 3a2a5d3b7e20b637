"""Optuna's samplers (Akiba et al. 2019, arXiv:1907.10902) on the axes of a space, through Optuna's ask and tell."""

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
from src.space import Axis, Choice, Interval, Space
from src.states import TrialState

if TYPE_CHECKING:
    import optuna

TRIES = 20  # for a point that no trial has; after them, a point is drawn at random
NEEDED = {"CmaEsSampler": "cmaes", "GPSampler": "torch"}  # sampler → package that Optuna does not install
OURS = {"BruteForceSampler": "grid", "RandomSampler": "random"}  # sampler → oracle that takes its place


class OptunaSampler(Random):
    """Proposes the points that an Optuna sampler suggests, each once. Listed numbers keep their order; infeasible trials count as pruned.

    Args:
        sampler: name of a class of `optuna.samplers`.

    Raises:
        ConfigError: Optuna or a package of the sampler is not installed, or there is no such sampler.
    """

    def __init__(self, space: Space, objective: Objective, *, max_trials: int, sampler: str, seed: int) -> None:
        self._study = _study(sampler, "maximize" if objective.direction == "max" else "minimize", seed)
        super().__init__(space, objective, seed=seed, max_trials=max_trials)
        self.known_in_advance = min(1, self.budget)
        self._unfinished: dict[int, optuna.Trial] = {}  # number of a running trial → its trial in Optuna

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Asks the sampler until it suggests a new point; for a known point, reports its score to the sampler again."""
        tries = 0 if self.space.size == len(self._known) else TRIES
        for _ in range(tries):
            suggestion = self._study.ask()
            values = self._suggested(suggestion)
            if not self._duplicate(values):
                self._unfinished[int(trial_id)] = suggestion
                return {"status": "RUNNING", "values": values}
            point = self.point(values)
            known = self.trials[str(self._known[self.space.identity(point)])] if point is not None else None
            state = "FAIL" if known and known.status == "RUNNING" else "PRUNED"
            self._tell(suggestion, known.score if known else None, state)
        answer: dict[str, Any] = super().populate_space(trial_id)
        return answer

    def tell(self, number: int, score: float | None) -> None:
        """Ends a trial."""
        super().tell(number, score)
        if suggestion := self._unfinished.pop(number, None):
            self._tell(suggestion, score)

    def restore(self, state: dict[str, Any], trials: Sequence[KnownTrial]) -> None:
        """Asks and tells again, in the order of the trials, because samplers keep states of their own.

        If trials ended in another order, a sampler may suggest another point than before; it is replaced by the one that ran.
        """
        for known in trials:
            proposal = self.ask(known.number)
            if proposal != known.proposal:
                if proposal:
                    self._forget(known.number)
                self._add(known.number, known.proposal)
            if known.state != TrialState.RUNNING:
                self.tell(known.number, known.score)

    def _add(self, number: int, proposal: Proposal) -> None:
        """Adds a trial. The sampler gets it even if it did not suggest it, unless Optuna would refuse a value that is not in a list."""
        super()._add(number, proposal)
        if number in self._unfinished:
            return
        values = self.values(proposal.point)
        present = {_name(axis, place): axis for place, axis in enumerate(self.space.axes) if axis.key in values and axis.exists(values)}
        if all(isinstance(axis.domain, Interval) or values[axis.key] in axis.domain.texts for axis in present.values()):
            self._study.enqueue_trial({name: _parameter(axis, values[axis.key]) for name, axis in present.items()})
            self._unfinished[number] = self._study.ask()
            self._suggested(self._unfinished[number])

    def _forget(self, number: int) -> None:
        """Removes a trial that did not run."""
        if suggestion := self._unfinished.pop(number, None):
            self._tell(suggestion, None, "FAIL")
        del self.trials[str(number)], self.ongoing_trials[str(number)]
        self._known = {identity: first for identity, first in self._known.items() if first != number}

    def _suggested(self, suggestion: "optuna.Trial") -> Values:
        """Returns the values of the axes that exist."""
        values: Values = {}
        for place, axis in enumerate(self.space.axes):
            if axis.exists({key: str(value) for key, value in values.items()}):
                values[axis.key] = _value(suggestion, axis, _name(axis, place))
        return values

    def _tell(self, suggestion: "optuna.Trial", score: float | None, state: str = "PRUNED") -> None:
        """Reports a score to the sampler; without a score, a state."""
        import optuna

        self._study.tell(suggestion, score, None if score is not None else optuna.trial.TrialState[state])


def _study(name: str, direction: str, seed: int) -> "optuna.Study":
    try:
        import optuna
    except ImportError as error:
        raise ConfigError(["oracle=optuna: Optuna is not installed; expected: pip install optuna"]) from error
    found = {key: getattr(optuna.samplers, key) for key in optuna.samplers.__all__ if key.endswith("Sampler")}
    names = [key for key, one in found.items() if _is_complete(one) and key not in OURS]
    if name not in names:
        hint = f"; expected oracle={OURS[name]}." if name in OURS else did_you_mean(name, names)
        raise ConfigError(
            [f"oracle.sampler={name}: Optuna has no sampler of this name that needs no arguments{hint} Samplers: {', '.join(names)}"]
        )
    needed = NEEDED.get(name)
    if needed and not importlib.util.find_spec(needed):
        raise ConfigError([f"oracle.sampler={name}: it needs {needed}, which is not installed; expected: pip install {needed}"])
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.create_study(direction=direction, sampler=found[name](seed=seed))


def _is_complete(sampler: type) -> bool:
    """Returns True for a sampler that needs no argument and takes a seed."""
    arguments = inspect.signature(sampler).parameters
    return "seed" in arguments and all(one.default is not one.empty for one in arguments.values())


def _name(axis: Axis, place: int) -> str:
    """Returns Optuna's name of an axis; one key may have several axes."""
    return f"{axis.key} {place}"


def _value(suggestion: "optuna.Trial", axis: Axis, name: str) -> Any:
    domain = axis.domain
    if isinstance(domain, Choice):
        if ordered(axis):
            return _sorted(domain)[suggestion.suggest_int(name, 0, len(domain.texts) - 1)]
        return suggestion.suggest_categorical(name, domain.texts)
    if domain.integer:
        return suggestion.suggest_int(name, int(domain.low), int(domain.high), log=domain.log)
    return suggestion.suggest_float(name, domain.low, domain.high, log=domain.log)


def _parameter(axis: Axis, text: str) -> Any:
    """Returns Optuna's parameter for a value: the inverse of `_value`."""
    if isinstance(axis.domain, Choice):
        return _sorted(axis.domain).index(text) if ordered(axis) else text
    return int(text) if axis.domain.integer else float(text)


def _sorted(domain: Choice) -> list[str]:
    """Returns the texts of numbers, in the order of the numbers."""
    return [text for _, text in sorted(zip(domain.values, domain.texts, strict=True))]
