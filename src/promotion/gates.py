"""The gates that a challenger must pass to become champion."""

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
    """The demands of an option of conf/promotion/; None demands nothing."""

    least: float | None
    chance: float | None
    min_score: float | None
    max_megabytes: float | None
    max_milliseconds: float | None

    @classmethod
    def of(cls, name: str, values: Mapping[str, Any]) -> "Gates":
        """Reads an option of conf/promotion/.

        Raises:
            ConfigError: it has other keys, or values that are no numbers.
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
        """Returns the p-value that must not be reached at an opening of a test split, counted from 1; None if any may be.

        All openings together spend `chance`, for the sum of 1 / m² is π² / 6.

        >>> [round(Gates(0, 0.05, None, None, None).level(opening), 4) for opening in (1, 2, 7)]
        [0.0304, 0.0076, 0.0006]
        """
        return None if self.chance is None else self.chance * 6 / (math.pi * opening) ** 2


def refusals(gates: Gates, challenger: Candidate, champion: Candidate | None, against: Comparison, opening: int) -> list[str]:
    """Returns why the challenger is refused, each reason with the received and the expected value; empty if it passes.

    Args:
        against: comparison with the champion, or with a constant answer if there is none.
        opening: of the test split, for this comparison.
    """
    score, megabytes, milliseconds = challenger.score, challenger.run.megabytes, challenger.milliseconds
    level, opponent = gates.level(opening), "the champion" if champion else "a constant answer"
    checks = [
        (challenger.finite, "weights or predictions that are not finite, expected numbers"),
        (gates.min_score is None or score >= gates.min_score, f"{challenger.measure} {score:.4f}, expected at least {gates.min_score}"),
        (gates.max_megabytes is None or megabytes <= gates.max_megabytes, f"{megabytes:.2f} MB, expected at most {gates.max_megabytes}"),
        (
            gates.max_milliseconds is None or milliseconds <= gates.max_milliseconds,
            f"{milliseconds:.1f} ms for one example, expected at most {gates.max_milliseconds}",
        ),
        (
            not champion or gates.least is None or against.gain >= gates.least,
            f"{against.gain:+.4f} against the champion, expected at least {gates.least}",
        ),
        (
            level is None or against.p_value < level,
            f"not better than {opponent} beyond chance: p = {against.p_value:.3g} by {against.test}, expected below {level or 0:.2g}",
        ),
    ]
    return [text for passed, text in checks if not passed]
