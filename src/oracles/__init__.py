"""Oracles: the algorithms that propose the next trial. The only package that imports keras_tuner, and only when it must."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from src.config.targets import find
from src.objective import Objective
from src.space import Point, Space
from src.states import TrialState
from src.training import runtime


@dataclass(frozen=True)
class Proposal:
    """What to run next.

    Attributes:
        parent: the trial from whose end this one goes on; None begins anew.
        initial_epoch: how many epochs the parent was trained.
        epochs: of a rung, after which a later trial may go on from here; None where none ever does.
    """

    point: Point
    parent: int | None = None
    initial_epoch: int = 0
    epochs: int | None = None


@dataclass(frozen=True)
class KnownTrial:
    """A trial of an earlier invocation; one that will run again is RUNNING."""

    number: int
    proposal: Proposal
    state: TrialState
    score: float | None


class Oracle(Protocol):
    """Proposes points and learns from their scores. No KerasTuner type crosses it; one thread talks to it.

    Attributes:
        budget: the most trials that it will propose.
        foreseen: how many trials it proposes before the score of any matters.
        swept: the keys that vary between its trials.
        schedule: what people should know of its budget, in lines.
        epochs: of all its trials together, where it decides on them.
    """

    budget: int
    foreseen: int
    swept: list[str]
    schedule: list[str]
    epochs: int | None

    def ask(self, number: int) -> Proposal | None:
        """What to run as trial `number`; None: nothing until a running trial ends, or, if none runs, nothing any more."""

    def tell(self, number: int, score: float | None) -> None:
        """The score of a trial; None when it is infeasible."""

    def state(self) -> dict[str, Any]:
        """What makes the next proposal and is not known from the trials, as JSON."""

    def restore(self, state: dict[str, Any], trials: Sequence[KnownTrial]) -> None:
        """Goes on where another process stopped: the next proposal is the one which that would have made."""


def create(space: Space, objective: Objective, settings: dict[str, Any]) -> Oracle:
    """The oracle of a node of conf/oracle/; `settings` also has its `name`."""
    arguments = {key: value for key, value in settings.items() if key not in ("_target_", "name")}
    with runtime.quiet():  # KerasTuner imports TensorFlow
        made = find("oracle", settings["_target_"])
    oracle: Oracle = made(space, objective, **arguments)
    return oracle
