"""The results of another tool, as its reader understands them."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from src.config.rules import unrecordable
from src.function import TAKEN
from src.space.values import is_number
from src.states import TrialState


@dataclass(frozen=True)
class PastTrial:
    """A trial of another tool that ended.

    Attributes:
        name: as that tool calls it.
        values: hyperparameter → its value.
        state: FINISHED, or FAILED with its cause.
        score: the value of the objective; None unless it finished.
        metrics: their values where the score was taken.
        history: epoch, counted from 1 → metric → its value.
        kept_epoch: the epoch that the score belongs to; None if it is not known.
        seconds: None if they are not known; so `started` and `ended`, which are as of time.time().
    """

    name: str
    values: dict[str, Any]
    state: TrialState
    score: float | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    history: dict[int, dict[str, float]] = field(default_factory=dict)
    kept_epoch: int | None = None
    cause: str = ""
    seconds: float | None = None
    started: float | None = None
    ended: float | None = None


@dataclass
class Past:
    """The results that a reader found.

    Attributes:
        source: tool and place, by which a study remembers what it adopted.
        trials: in the order in which they were begun.
        left_out: reason → number of trials that are no results.
        damaged: a line per file that cannot be read.
        mistakes: reasons why these results cannot be adopted under the objective.
    """

    source: str
    trials: list[PastTrial] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    damaged: list[str] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)


def recordable(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Returns the metrics that are finite numbers and that MLflow can name.

    >>> recordable({"loss": 1, "gap": float("nan"), "top@3": 0.5, "note": "low", "up": True})
    {'loss': 1.0}
    """
    numbers = {name: float(value) for name, value in metrics.items() if is_number(value)}
    return {
        name: value for name, value in numbers.items() if math.isfinite(value) and name not in TAKEN and not unrecordable(f"kept/{name}")
    }
