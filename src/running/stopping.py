"""Stop rules, which end a sweep although its oracle has more trials."""

import time
from collections.abc import Iterable

from src.objective import Objective
from src.states import TrialState
from src.study.schema import TrialRow


class StopRules:
    """The rules of the `stop:` node of the configuration; None switches a rule off.

    Args:
        max_minutes: minutes of this invocation.
        target: a score that is good enough.
        patience: number of finished trials without a better score.
        max_failures: number of failed trials since the last trial with a score.
    """

    def __init__(
        self, objective: Objective, *, max_minutes: float | None, target: float | None, patience: int | None, max_failures: int | None
    ) -> None:
        self._objective = objective
        self._deadline = time.monotonic() + 60 * max_minutes if max_minutes else None
        self._rules = {"max_minutes": max_minutes, "target": target, "patience": patience, "max_failures": max_failures}
        self._best: float | None = None
        self._without_gain = self._failures = 0

    def see(self, ended: Iterable[TrialRow]) -> None:
        """Counts the trials of an earlier invocation, given in the order in which they ended."""
        for row in ended:
            self.tell(row.state, row.score)

    def tell(self, state: str, score: float | None) -> None:
        """Counts a trial that ended."""
        if state == TrialState.FAILED:
            self._failures += 1
        elif score is not None:
            self._failures = 0
            if self._objective.improves(score, self._best):
                self._best, self._without_gain = score, 0
            else:
                self._without_gain += 1

    def reason(self) -> str:
        """Returns the rule that holds, such as `stop.target=0.9`; empty if none does."""
        target, patience, most_failures = (self._rules[rule] for rule in ("target", "patience", "max_failures"))
        holds = {
            "max_minutes": self._deadline is not None and time.monotonic() > self._deadline,
            "target": target is not None and self._best is not None and not self._objective.improves(target, self._best),
            "patience": patience is not None and self._without_gain >= patience,
            "max_failures": most_failures is not None and self._failures >= most_failures,
        }
        return next((f"stop.{rule}={self._rules[rule]}" for rule, held in holds.items() if held), "")
