"""Stop rules: end a sweep before its oracle has no more trials."""

import time
from collections.abc import Iterable

from src.objective import Objective
from src.states import TrialState
from src.study.schema import TrialRow


class StopRules:
    """The `stop:` node of the configuration.

    Args:
        max_minutes: of this invocation.
        target: a score that is good enough.
        patience: finished trials without a better score.
        max_failures: failed trials in a row since the last success.
    """

    def __init__(
        self, objective: Objective, *, max_minutes: float | None, target: float | None, patience: int | None, max_failures: int | None
    ) -> None:
        self._objective = objective
        self._deadline = time.monotonic() + 60 * max_minutes if max_minutes else None
        self._rules = {"max_minutes": max_minutes, "target": target, "patience": patience, "max_failures": max_failures}
        self._best: float | None = None
        self._without = self._failures = 0

    def see(self, ended: Iterable[TrialRow]) -> None:
        """Takes note of trials of an earlier invocation, in the order in which they ended."""
        for row in ended:
            self.tell(row.state, row.score)

    def tell(self, state: str, score: float | None) -> None:
        """Takes note of a trial that ended."""
        if state == TrialState.FAILED:
            self._failures += 1
        elif score is not None:
            self._failures = 0
            if self._objective.improves(score, self._best):
                self._best, self._without = score, 0
            else:
                self._without += 1

    def reason(self) -> str:
        """Returns the rule that holds, as `stop.target=0.9`; empty if none does."""
        holds = {
            "max_minutes": self._deadline is not None and time.monotonic() > self._deadline,
            "target": self._reached(),
            "patience": self._counts("patience", self._without),
            "max_failures": self._counts("max_failures", self._failures),
        }
        return next((f"stop.{rule}={self._rules[rule]}" for rule, held in holds.items() if held), "")

    def _reached(self) -> bool:
        target = self._rules["target"]
        return target is not None and self._best is not None and not self._objective.improves(target, self._best)

    def _counts(self, rule: str, count: int) -> bool:
        limit = self._rules[rule]
        return limit is not None and count >= limit
