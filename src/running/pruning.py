"""Ends hopeless trials early, by the median rule (`stop.trial=median`).

A running trial is pruned if the best value of its objective so far is worse than the median, over the trials that have ended, of their
best values up to the same epoch. Source: Golovin et al. 2017, Google Vizier, KDD, section 3.2.1. There the others count with their running
averages; here with their best values, because the score is that of the best epoch. Optuna's MedianPruner counts only trials that ran to
their end, so that each pruned trial raises the median for the next one. Here a pruned trial's best value counts at later epochs, too.
"""

import logging
import math
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from statistics import median

from src.objective import Objective
from src.states import SCORED, TrialState
from src.study.schema import TrialRow

log = logging.getLogger(__name__)
LEAST_EPOCHS = 3  # epochs or steps that a trial must report before it may be pruned
LEAST_TRIALS = 5  # trials that must have ended with a score, as in Optuna's MedianPruner
EXPLAINED = (
    f"stop.trial=median: once {LEAST_TRIALS} trials have ended, one is PRUNED from its epoch {LEAST_EPOCHS} on if its best value so far is"
    " worse than the median of theirs"
)


class _Curve:
    """The best value of a trial so far, epoch by epoch; smaller keys are better."""

    def __init__(self) -> None:
        self.epochs: list[int] = []
        self._best: list[float] = []

    def add(self, epoch: int, key: float) -> None:
        """Adds an epoch, and removes later ones, which an earlier attempt reported."""
        place = bisect_left(self.epochs, epoch)
        del self.epochs[place:], self._best[place:]
        self.epochs.append(epoch)
        self._best.append(min(key, self._best[-1]) if self._best else key)

    def best(self, epoch: int) -> float | None:
        """Returns the best value up to an epoch; None before the first one."""
        place = bisect_right(self.epochs, epoch)
        return self._best[place - 1] if place else None


class MedianRule:
    """Decides which running trials are hopeless. A trial that continues another one counts its epochs, too."""

    def __init__(self, objective: Objective) -> None:
        self._objective = objective
        self._open: dict[int, _Curve] = {}
        self._ended: list[_Curve] = []
        self._bests: dict[int, list[float]] = {}  # epoch → the best keys of ended trials up to that epoch, sorted
        self._warned = False

    def see(self, rows: Iterable[TrialRow], epochs: Iterable[tuple[int, int, dict[str, float]]]) -> None:
        """Adds the trials of an earlier invocation, with their epochs."""
        for number, epoch, metrics in epochs:
            self._add(number, epoch, metrics)
        for row in rows:
            self.tell(row.number, row.state)

    def epoch(self, number: int, epoch: int, metrics: dict[str, float]) -> str:
        """Adds an epoch of a running trial; returns why the trial is hopeless, or an empty text if it is not."""
        curve = self._add(number, epoch, metrics)
        others, best = self._others(epoch), curve.best(epoch)
        if len(curve.epochs) < LEAST_EPOCHS or len(others) < LEAST_TRIALS or best is None:
            return ""
        middle = median(others)
        if best <= middle:
            return ""
        return f"best {self._value(best):.4g} by epoch {epoch}, median of {len(others)} others {self._value(middle):.4g}"

    def _value(self, key: float) -> float:
        """Converts a key of the objective back into its value; that of a missing value, infinity, stays as it is."""
        if math.isinf(key):
            return abs(key)
        return -key if self._objective.direction == "max" else key

    def tell(self, number: int, state: TrialState) -> None:
        """Ends the curve of a trial. A killed trial goes on later, and a failed one is not compared."""
        if state == TrialState.FAILED:
            self._open.pop(number, None)
        if state not in SCORED:
            return
        curve = self._open.pop(number, None) or _Curve()
        if not curve.epochs and not self._warned:
            self._warned = True
            log.warning("trial %d reported no %s while it ran: stop.trial=median cannot compare it", number + 1, self._objective.name)
        self._ended.append(curve)
        for epoch, bests in self._bests.items():
            if (best := curve.best(epoch)) is not None:
                insort(bests, best)

    def _add(self, number: int, epoch: int, metrics: dict[str, float]) -> _Curve:
        curve = self._open.setdefault(number, _Curve())
        if self._objective.name in metrics:
            curve.add(epoch, self._objective.key(metrics[self._objective.name]))
        return curve

    def _others(self, epoch: int) -> list[float]:
        if epoch not in self._bests:
            found = [curve.best(epoch) for curve in self._ended]
            self._bests[epoch] = sorted(best for best in found if best is not None)
        return self._bests[epoch]
