"""The gates that a challenger must pass to become champion."""

from dataclasses import dataclass

from src.promotion.candidate import Candidate
from src.promotion.comparison import Comparison


@dataclass(frozen=True)
class Gates:
    """The demands of an option of conf/promotion/; None demands nothing."""

    min_score: float | None
    min_gain: float
    max_p_value: float | None
    max_megabytes: float | None
    max_milliseconds: float | None


def refusals(gates: Gates, challenger: Candidate, against: Comparison | None) -> list[str]:
    """Returns why the challenger is refused, each reason with the received and the expected value; empty if it passes.

    Args:
        against: comparison with the champion; None if there is none.
    """
    score, megabytes, milliseconds = challenger.score, challenger.run.megabytes, challenger.milliseconds
    checks = [
        (challenger.finite, "weights or predictions that are not finite, expected numbers"),
        (gates.min_score is None or score >= gates.min_score, f"{challenger.measure} {score:.4f}, expected at least {gates.min_score}"),
        (gates.max_megabytes is None or megabytes <= gates.max_megabytes, f"{megabytes:.2f} MB, expected at most {gates.max_megabytes}"),
        (
            gates.max_milliseconds is None or milliseconds <= gates.max_milliseconds,
            f"{milliseconds:.1f} ms for one example, expected at most {gates.max_milliseconds}",
        ),
    ]
    if against:
        better = against.gain > 0 and against.gain >= gates.min_gain
        checks += [
            (better, f"{against.gain:+.4f} against the champion, expected more than 0 and at least {gates.min_gain:+}"),
            (
                gates.max_p_value is None or against.p_value <= gates.max_p_value,
                f"p = {against.p_value:.3g} by {against.test}, expected at most {gates.max_p_value}",
            ),
        ]
    return [text for passed, text in checks if not passed]
