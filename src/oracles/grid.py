"""The product grid. KerasTuner's GridSearch proposes at most two trials at once, cannot resume, and uses another order."""

from collections.abc import Sequence
from typing import Any

from src.objective import Objective
from src.oracles import KnownTrial, Proposal
from src.space import Point, Space
from src.space.defaults import located


class Grid:
    """Proposes every point of `space.points()` once, in that order. Does not import KerasTuner, which imports TensorFlow for seconds."""

    compares_whole = False

    def __init__(self, space: Space, objective: Objective) -> None:
        self._space, self._points = space, space.points()
        self.budget = self.known_in_advance = len(space.listed)
        self.swept, self.schedule_lines = space.swept, list[str]()
        self.epochs: int | None = None

    def ask(self, number: int) -> Proposal | None:
        """Proposes the next point; returns None after the last one."""
        point = next(self._points, None)
        return None if point is None else Proposal(point)

    def tell(self, number: int, score: float | None) -> None:
        """Does nothing: proposals do not depend on scores."""

    def tell_second(self, number: int, second: float) -> None:
        """Does nothing: proposals do not depend on scores."""

    def include(self, number: int, point: Point) -> bool:
        """Removes a point from those that are left to propose; returns False if it lies outside of the space."""
        known = located(self._space, point)
        if known is not None:
            self._skip({self._space.identity(known)})
        return known is not None

    def state(self) -> dict[str, Any]:
        """Returns an empty dict: everything can be rebuilt from the trials."""
        return {}

    def conclusion(self) -> None:
        """Returns None: it only searches."""

    def restore(self, state: dict[str, Any], trials: Sequence[KnownTrial]) -> None:
        """Removes the points that have a trial."""
        self._skip({self._space.identity(trial.proposal.point) for trial in trials})

    def _skip(self, identities: set[str]) -> None:
        self._points = iter([point for point in self._points if self._space.identity(point) not in identities])
