"""The product grid. KerasTuner's own GridSearch proposes at most two trials at once, can not resume, and orders by itself."""

from typing import Any

import keras_tuner as kt

from src.objective import Objective
from src.oracles.keras_tuner import UNUSED, Quiet
from src.space import Space


class Grid(Quiet):
    """Every point of `space.points()`, in its order; the cursor is the number of trials started."""

    def __init__(self, space: Space, objective: Objective) -> None:
        points = list(space.points())
        keys = list(dict.fromkeys(key for point in points for key in point))
        self._points = [{key: point.get(key, UNUSED) for key in keys} for point in points]
        axes = kt.HyperParameters()
        for key in keys:
            axes.Choice(key, list(dict.fromkeys(point[key] for point in self._points)))
        super().__init__(
            objective=kt.Objective(objective.name, objective.direction),
            hyperparameters=axes,
            allow_new_entries=False,
            tune_new_entries=False,
        )

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """The next point, or STOPPED after the last."""
        if len(self.start_order) == len(self._points):
            return {"status": "STOPPED"}
        return {"status": "RUNNING", "values": self._points[len(self.start_order)]}
