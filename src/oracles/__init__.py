"""Oracles are the algorithms that propose trials. Only this package imports keras_tuner, and only for oracles that need it."""

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
    """The trial to run next.

    Attributes:
        parent: the trial whose training this one continues; None to start a new training.
        initial_epoch: number of epochs that the parent was trained.
        epochs: total epochs of its rung, after which a later trial may continue it; None if none ever does.
    """

    point: Point
    parent: int | None = None
    initial_epoch: int = 0
    epochs: int | None = None


@dataclass(frozen=True)
class KnownTrial:
    """A trial of an earlier invocation. Its state is RUNNING if it will run again.

    Attributes:
        second: as Oracle.tell_second takes it.
    """

    number: int
    proposal: Proposal
    state: TrialState
    score: float | None
    second: float | None = None


@dataclass(frozen=True)
class Conclusion:
    """An oracle's conclusion from its trials.

    Attributes:
        text: a sentence.
        trials: the numbers of those of the configuration that it names first.
    """

    text: str
    trials: tuple[int, ...] = ()


class Oracle(Protocol):
    """Proposes points and learns from their scores. Exposes no KerasTuner type; only one thread may use it.

    Attributes:
        budget: upper bound on the number of trials.
        known_in_advance: number of first proposals that do not depend on any score.
        swept: the keys that vary between its trials.
        schedule_lines: lines for people that explain its budget.
        epochs: of all its trials together, as foreseen; None unless the oracle chooses the epochs of each trial.
        compares_whole: True if a trial that was ended early has no place among others: it is told as infeasible.
    """

    budget: int
    known_in_advance: int
    swept: list[str]
    schedule_lines: list[str]
    epochs: int | None
    compares_whole: bool

    def ask(self, number: int) -> Proposal | None:
        """Proposes the trial `number`.

        Returns None while it waits for a running trial; if none is running, the search is over.
        """

    def tell(self, number: int, score: float | None) -> None:
        """Reports that a trial ended, with its score; a score of None marks its point as infeasible."""

    def tell_second(self, number: int, second: float) -> None:
        """Reports the second objective of a trial that ended, lower is better; only oracles of config.objectives.TAKING have it."""

    def include(self, number: int, point: Point) -> bool:
        """Takes over a trial that somebody else proposed, as one of its own: it is told its score, and does not propose the point.

        Returns False if the point lies outside of its space, or it goes by trials of its own alone; then it is told nothing of the trial.
        """

    def state(self) -> dict[str, Any]:
        """Returns the JSON state needed to continue that cannot be rebuilt from the trials."""

    def conclusion(self) -> Conclusion | None:
        """Returns what the trials show; None for an oracle that only searches."""

    def restore(self, state: dict[str, Any], trials: Sequence[KnownTrial]) -> None:
        """Continues where another process stopped: the next proposal is the one that the other process would have made."""


def score_told(oracle: Oracle, state: str, score: float | None) -> float | None:
    """The score of an ended trial as its oracle is told it."""
    return None if oracle.compares_whole and state == TrialState.PRUNED else score


def create(space: Space, objective: Objective, settings: dict[str, Any]) -> Oracle:
    """Creates the oracle that a node of conf/oracle/ describes; `settings` also holds the name of the option as `name`.

    Its known points, `first`, are those of the space.
    """
    arguments = {key: value for key, value in settings.items() if key not in ("_target_", "name", "first")}
    with runtime.quiet():  # KerasTuner imports TensorFlow
        oracle_class = find("oracle", settings["_target_"])
    oracle: Oracle = oracle_class(space, objective, **arguments)
    return oracle
