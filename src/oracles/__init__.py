"""Oracles: the algorithms that propose the next trial. The only package that imports keras_tuner, and only when it must."""

from typing import Any, Protocol

from src.objective import Objective
from src.space import Point, Space
from src.training import runtime


class Oracle(Protocol):
    """Proposes points and learns from their scores. No KerasTuner type crosses it; one thread talks to it."""

    name: str

    def ask(self, number: int) -> Point | None:
        """The point of trial `number`, or None: nothing now."""

    def tell(self, number: int, score: float | None) -> None:
        """The score of a trial; None when it is infeasible."""

    def exhausted(self) -> bool:
        """Whether no trial will ever follow."""

    def state(self) -> dict[str, Any]:
        """What makes the next proposal, as JSON."""


def create(space: Space, objective: Objective) -> Oracle:
    """Every point of the space, once."""
    runtime.tensorflow()  # keras_tuner imports it, with noise
    from src.oracles.grid import Grid
    from src.oracles.keras_tuner import KerasTunerOracle

    return KerasTunerOracle("grid", Grid(space, objective), objective)
