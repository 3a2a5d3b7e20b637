"""Checks the gates that a challenger must pass to become champion."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from src.errors import ConfigError, did_you_mean
from src.promotion.comparison import Comparison
from src.promotion.evaluation import Candidate
from src.space.values import is_number


@dataclass(frozen=True)
class Gates:
    """The demands of an option in conf/promotion/; None demands nothing."""

    least: float | None
    chance: float | None
    min_score: float | None
    max_megabytes: float | None
    max_milliseconds: float | None

    @classmethod
    def of(cls, name: str, values: Mapping[str, Any]) -> "Gates":
        """Reads an option in conf/promotion/.

        Raises:
            ConfigError: it has unknown keys, or values that are not numbers.
        """
        known = [one.name for one in fields(cls)]
        mistakes = [f"there is no {key!r}{did_you_mean(key, known)} Keys: {', '.join(known)}" for key in values if key not in known]
        for key in known:
            if values.get(key) is not None and not is_number(values[key]):
                mistakes.append(f"{key} is {values[key]!r}; expected a number, or null for no demand.")
        if mistakes:
            raise ConfigError([f"conf/promotion/{name}.yaml: {mistake}" for mistake in mistakes])
        return cls(**values)

    def level(self, opening: int) -> float | None:
        """Returns the level below which the p-value must be at an opening of a test split, counted from 1; None without a demand.

        The levels of all openings add up to `chance`, because the sum of 1 / m² is π² / 6.

        >>> [round(Gates(0, 0.05, None, None, None).level(opening), 4) for opening in (1, 2, 7)]
        [0.0304, 0.0076, 0.0006]
        """
        return None if self.chance is None else self.chance * 6 / (math.pi * opening) ** 2


def refusals(gates: Gates, challenger: Candidate, champion: Candidate | None, against: Comparison, opening: int) -> list[str]:
    """Returns the reasons to refuse the challenger, each with the received and the expected value; empty if it passes.

    Args:
        against: comparison with the champion, or with a constant answer if there is none.
        opening: number of this comparison's opening of the test split.
    """
    score, megabytes, milliseconds = challenger.score, challenger.run.megabytes, challenger.milliseconds
    level, opponent = gates.level(opening), "the champion" if champion else "a constant answer"
    reasons = []
    if not challenger.finite:
        reasons.append("weights or predictions that are not finite, expected numbers")
    if gates.min_score is not None and not score >= gates.min_score:  # "not >=" also refuses NaN
        reasons.append(f"{challenger.measure} {score:.4f}, expected at least {gates.min_score}")
    if gates.max_megabytes is not None and megabytes > gates.max_megabytes:
        reasons.append(f"{megabytes:.2f} MB, expected at most {gates.max_megabytes}")
    if gates.max_milliseconds is not None and milliseconds > gates.max_milliseconds:
        reasons.append(f"{milliseconds:.1f} ms for one example, expected at most {gates.max_milliseconds}")
    if champion and gates.least is not None and not against.gain >= gates.least:
        reasons.append(f"{against.gain:+.4f} against the champion, expected at least {gates.least}")
    if level is not None and not against.p_value < level:
        p_value = f"p = {against.p_value:.3g} by {against.test}, expected below {level:.2g}"
        reasons.append(f"not better than {opponent} beyond chance: {p_value}")
    return reasons
