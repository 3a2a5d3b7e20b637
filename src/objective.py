"""The only definition of "best": a metric's name and the direction in which it improves."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from src.errors import ConfigError

MAXIMIZED = ("accuracy", "acc", "auc", "precision", "recall", "f1", "iou", "r2")
MINIMIZED = ("loss", "error", "crossentropy", "divergence", "mse", "mae")


@dataclass(frozen=True)
class Objective:
    """A metric's name as Keras reports it (`val_accuracy`), and its direction, "min" or "max"."""

    name: str
    direction: str

    @classmethod
    def parse(cls, text: str) -> "Objective":
        """Parses `val_accuracy`, `val_loss` or, if the direction is not obvious, `min:name`.

        Raises:
            ConfigError: the direction is neither written nor obvious from the name.

        >>> Objective.parse("val_accuracy").direction, Objective.parse("min:val_top5").direction
        ('max', 'min')
        """
        direction, _, name = text.rpartition(":")
        words = set(name.lower().split("_"))
        is_maximized, is_minimized = not words.isdisjoint(MAXIMIZED), not words.isdisjoint(MINIMIZED)
        if not direction and is_maximized != is_minimized:
            direction = "max" if is_maximized else "min"
        if direction not in ("min", "max") or not name:
            directed = f"min:{name} or max:{name}"
            raise ConfigError([f"objective={text}: expected a metric such as val_accuracy; where the direction is not obvious {directed}."])
        return cls(name, direction)

    def __str__(self) -> str:
        return f"{self.direction}:{self.name}"

    def key(self, score: float | None) -> float:
        """Returns the key that sorts scores, best first; missing and non-finite scores come last.

        >>> sorted([None, 0.2, float("nan"), 0.9], key=Objective("val_accuracy", "max").key)
        [0.9, 0.2, None, nan]
        """
        if score is None or not math.isfinite(score):
            return math.inf
        return -score if self.direction == "max" else score

    def improves(self, score: float, best: float | None) -> bool:
        """True if a score is better than the best one so far; an equal score is not better."""
        return self.key(score) < self.key(best)

    def measured(self, metrics: Mapping[str, float]) -> float | None:
        """Returns the value of the metric, of the kept epoch or of the whole trial; None if the trial has none.

        >>> Objective("model/parameters", "min").measured({"kept/loss": 0.3, "model/parameters": 650})
        650
        """
        return next((metrics[key] for key in (f"kept/{self.name}", self.name) if key in metrics), None)

    def cost(self, metrics: Mapping[str, float]) -> float | None:
        """Returns the measured value as a number that is better if it is lower; None without a value."""
        value = self.measured(metrics)
        return None if value is None else self.key(value)

    def best_epoch(self, values: Sequence[float]) -> int:
        """Returns the first epoch, counted from 1, that has the best value.

        >>> Objective("val_loss", "min").best_epoch([0.5, 0.3, 0.3])
        2
        """
        return min(range(len(values)), key=lambda epoch: self.key(values[epoch])) + 1


def parse_both(text: str) -> tuple[Objective, Objective | None]:
    """Parses one objective, or two: `[val_accuracy,min:model/parameters]`.

    Raises:
        ConfigError: there are more than two, or a direction is not known.

    >>> parse_both("val_loss")[1], str(parse_both("[val_loss,min:seconds]")[1])
    (None, 'min:seconds')
    """
    if not text.startswith("["):
        return Objective.parse(text), None
    first, *others = text.strip("[]").split(",")
    if len(others) != 1:
        raise ConfigError([f"objective={text}: expected one objective, or two: [val_accuracy,min:model/parameters]"])
    return Objective.parse(first.strip()), Objective.parse(others[0].strip())


def of_study(meta: Mapping[str, str]) -> tuple[Objective, Objective | None]:
    """Returns the objective that ranks the trials of a study, and the second one if there are two."""
    second = meta.get("second_objective")
    return Objective.parse(meta["objective"]), Objective.parse(second) if second else None


def text_of(first: Objective, second: Objective | None) -> str:
    """Formats one or two objectives, as `parse_both` parses them.

    >>> text_of(*parse_both("[val_loss,min:seconds]"))
    '[min:val_loss,min:seconds]'
    """
    return f"[{first},{second}]" if second else str(first)
