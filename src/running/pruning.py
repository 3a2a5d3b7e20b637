"""Ends a hopeless trial early: the median rule (`stop.trial=median`).

A running trial is pruned if the best value of its objective so far is worse than the median of the best values up to the same epoch of
those that have ended. Source: Golovin et al. 2017, Google Vizier, KDD, section 3.2.1, which takes running averages of the others; here
both sides are best values, because the score is that of the best epoch. Optuna's MedianPruner counts only trials that ran to their end:
whoever is left raises the median for the next one. Here a pruned trial counts at later epochs, too, with the best that it had.
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
LEAST_EPOCHS = 3  # or steps that a trial has reported, before it may be pruned
LEAST_TRIALS = 5  # that have ended with a score, as in Optuna's MedianPruner
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
        """Adds an epoch; later ones, of an attempt before, are forgotten."""
        place = bisect_left(self.epochs, epoch)
        del self.epochs[place:], self._best[place:]
        self.epochs.append(epoch)
        self._best.append(min(key, self._best[-1]) if self._best else key)

    def best(self, epoch: int) -> float | None:
        """Returns the best value up to an epoch; None before the first one."""
        place = bisect_right(self.epochs, epoch)
        return self._best[place - 1] if place else None


class MedianRule:
    """Decides which running trials are hopeless. Epochs are counted from the beginning of a training, whoever began it."""

    def __init__(self, objective: Objective) -> None:
        self._objective = objective
        self._open: dict[int, _Curve] = {}
        self._ended: list[_Curve] = []
        self._bests: dict[int, list[float]] = {}  # epoch → the best keys up to it of trials that ended, sorted
        self._warned = False

    def see(self, rows: Iterable[TrialRow], epochs: Iterable[tuple[int, int, dict[str, float]]]) -> None:
        """Takes note of the trials of an earlier invocation, and of their epochs."""
        for number, epoch, metrics in epochs:
            self._add(number, epoch, metrics)
        for row in rows:
            self.tell(row.number, row.state)

    def epoch(self, number: int, epoch: int, metrics: dict[str, float]) -> str:
        """Takes note of an epoch of a running trial; returns why the trial is hopeless, empty if it is not."""
        curve = self._add(number, epoch, metrics)
        others, best = self._others(epoch), curve.best(epoch)
        if len(curve.epochs) < LEAST_EPOCHS or len(others) < LEAST_TRIALS or best is None or best <= (middle := median(others)):
            return ""
        own, usual = (abs(key) if math.isinf(key) else key * (-1 if self._objective.direction == "max" else 1) for key in (best, middle))
        return f"best {own:.4g} by epoch {epoch}, median of {len(others)} others {usual:.4g}"

    def tell(self, number: int, state: TrialState) -> None:
        """Takes note of a trial that ended; one that was killed goes on later, and one that failed is not compared."""
        if state == TrialState.FAILED:
            self._open.pop(number, None)
        if state not in SCORED:
            return
        curve = self._open.pop(number, None) or _Curve()
        if not curve.epochs and not self._warned:
            self._warned = True
            log.warning("trial %d reported no %s on its way: stop.trial=median cannot compare it", number + 1, self._objective.name)
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
