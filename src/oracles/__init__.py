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
        parent: the trial whose training this one continues; None for a new training.
        initial_epoch: number of epochs for which the parent was trained.
        epochs: total epochs of the trial's rung, after which a later trial may continue it; None if none ever does.
    """

    point: Point
    parent: int | None = None
    initial_epoch: int = 0
    epochs: int | None = None


@dataclass(frozen=True)
class KnownTrial:
    """A trial of an earlier invocation. Its state is RUNNING if it will run again.

    Attributes:
        second: the second objective, lower is better; None if there is none.
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
        trials: the trials of the configuration that the sentence names first.
    """

    text: str
    trials: tuple[int, ...] = ()


class Oracle(Protocol):
    """Proposes points and learns from their scores. Exposes no KerasTuner type; only one thread may use it.

    Attributes:
        budget: upper bound on the number of trials.
        known_in_advance: number of first proposals that do not depend on any score.
        swept: the keys that vary between the trials.
        schedule_lines: lines for people that explain the budget.
        epochs: expected epochs of all trials together; None unless the oracle chooses the epochs of each trial.
        compares_whole: True if the oracle compares only complete trials, so that a pruned trial counts as infeasible.
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
        """Reports the second objective of a trial that ended, lower is better. Called only for the oracles in config.objectives.TAKING."""

    def include(self, number: int, point: Point) -> bool:
        """Adds a trial that the user proposed: the oracle learns its score and does not propose the point again.

        Returns False if the point lies outside of the space, or if the oracle learns only from its own proposals.
        """

    def state(self) -> dict[str, Any]:
        """Returns the JSON state needed to continue that cannot be rebuilt from the trials."""

    def conclusion(self) -> Conclusion | None:
        """Returns the conclusion from all trials; None for an oracle that only searches."""

    def restore(self, state: dict[str, Any], trials: Sequence[KnownTrial]) -> None:
        """Continues where another process stopped; the next proposal is the one that the other process would have made."""


def score_for_oracle(oracle: Oracle, state: str, score: float | None) -> float | None:
    """Returns the score of an ended trial for `tell`: None if the trial was pruned and the oracle compares only complete trials."""
    return None if oracle.compares_whole and state == TrialState.PRUNED else score


def create(space: Space, objective: Objective, settings: dict[str, Any]) -> Oracle:
    """Returns the oracle that a node of conf/oracle/ describes.

    Args:
        settings: also holds the option's name as `name`, and the known points as `first`, which are read from the space.
    """
    arguments = {key: value for key, value in settings.items() if key not in ("_target_", "name", "first")}
    with runtime.quiet():  # KerasTuner imports TensorFlow
        oracle_class = find("oracle", settings["_target_"])
    oracle: Oracle = oracle_class(space, objective, **arguments)
    return oracle
