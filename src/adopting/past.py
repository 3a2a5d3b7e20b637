"""The results of another tool, in one form for all tools."""

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
        name: its name in that tool.
        values: hyperparameter → its value.
        state: FINISHED, or FAILED with its cause.
        score: the value of the objective; None unless the trial finished.
        metrics: metric → its value in the epoch of the score.
        history: epoch, counted from 1 → metric → its value.
        kept_epoch: the epoch of the score; None if it is not known.
        seconds: duration; None if it is not known.
        started, ended: times as of time.time(); None if they are not known.
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
        source: tool and place; a study stores it to prevent a second adoption.
        trials: in the order in which they began.
        left_out: reason → number of trials without a result.
        damaged: a line per file that cannot be read.
        mistakes: reasons why these results cannot be adopted with the objective.
    """

    source: str
    trials: list[PastTrial] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    damaged: list[str] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)


def recordable(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Returns the metrics that are finite numbers and whose names MLflow accepts.

    >>> recordable({"loss": 1, "gap": float("nan"), "top@3": 0.5, "note": "low", "up": True})
    {'loss': 1.0}
    """
    numbers = {name: float(value) for name, value in metrics.items() if is_number(value)}
    return {
        name: value for name, value in numbers.items() if math.isfinite(value) and name not in TAKEN and not unrecordable(f"kept/{name}")
    }
