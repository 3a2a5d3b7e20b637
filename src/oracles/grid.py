"""The product grid. KerasTuner's own GridSearch proposes at most two trials at once, can not resume, and orders by itself."""

from typing import Any

from src.objective import Objective
from src.oracles import Proposal
from src.oracles.keras_tuner import Mended, Values
from src.space import Space


class Grid(Mended):
    """Every point of `space.points()`, once, in its order."""

    def __init__(self, space: Space, objective: Objective) -> None:
        super().__init__(space, objective)
        self._points = space.points()

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """The next point that no trial has, or STOPPED after the last."""
        for point in self._points:
            if self.space.identity(point) not in self._known:
                return {"status": "RUNNING", "values": point}
        return {"status": "STOPPED"}

    def proposal(self, values: Values) -> Proposal:
        """The values are the point: with explicit trials it has keys that are no axes."""
        return Proposal(values)
