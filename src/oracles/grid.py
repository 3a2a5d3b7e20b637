"""The product grid. KerasTuner's own GridSearch proposes at most two trials at once, can not resume, and orders by itself."""

from collections.abc import Sequence
from typing import Any

from src.objective import Objective
from src.oracles import KnownTrial, Proposal
from src.space import Space


class Grid:
    """Every point of `space.points()`, once, in its order; without KerasTuner, whose import takes the seconds of TensorFlow's."""

    def __init__(self, space: Space, objective: Objective) -> None:
        self._space, self._points = space, space.points()
        self.budget = self.foreseen = len(space.listed)
        self.swept, self.schedule = space.swept, list[str]()
        self.epochs: int | None = None

    def ask(self, number: int) -> Proposal | None:
        """The next point."""
        point = next(self._points, None)
        return None if point is None else Proposal(point)

    def tell(self, number: int, score: float | None) -> None:
        """Nothing follows from it."""

    def state(self) -> dict[str, Any]:
        """Nothing: the trials tell all."""
        return {}

    def restore(self, state: dict[str, Any], trials: Sequence[KnownTrial]) -> None:
        """Passes over the points that have a trial."""
        known = {self._space.identity(trial.proposal.point) for trial in trials}
        self._points = iter([point for point in self._points if self._space.identity(point) not in known])
