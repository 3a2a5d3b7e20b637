"""The gates that a challenger must pass to become champion."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from src.promotion.candidate import Candidate

RESAMPLES = 2000


@dataclass(frozen=True)
class Gates:
    """The demands of an option of conf/promotion/; None demands nothing."""

    min_accuracy: float
    min_gain: float
    max_p_value: float | None
    max_megabytes: float | None
    max_milliseconds: float | None


@dataclass(frozen=True)
class Comparison:
    """Two models on the same test examples.

    Attributes:
        gain: accuracy of the challenger minus that of the champion.
        interval: its 95 % bootstrap interval (Efron 1979, Annals of Statistics 7, 1-26).
        p_value: of McNemar's exact test (Psychometrika 1947). Its hypothesis: of the examples that only one of the two
            classifies correctly, each gets half.
    """

    gain: float
    interval: tuple[float, float]
    p_value: float


def compare(challenger: np.ndarray, champion: np.ndarray) -> Comparison:
    """Compares two models by the examples that they classify correctly, bool arrays of shape (test examples,).

    A bootstrap draws n of n examples with equal probabilities, so the counts of the examples are multinomial (Efron 1979).
    Here an example matters only as won, lost or tied, and sums of multinomial counts are multinomial (Johnson, Kotz & Balakrishnan
    1997, Discrete Multivariate Distributions, chapter 35). So three counts are drawn instead of n positions; the distribution is the same.
    """
    won, lost, n = int((challenger & ~champion).sum()), int((champion & ~challenger).sum()), len(challenger)
    counts = np.random.default_rng(0).multinomial(n, (won / n, lost / n, (n - won - lost) / n), RESAMPLES)
    low, high = np.quantile((counts[:, 0] - counts[:, 1]) / n, (0.025, 0.975))
    p_value = float(binomtest(won, won + lost).pvalue) if won + lost else 1.0
    return Comparison((won - lost) / n, (float(low), float(high)), p_value)


def refusals(gates: Gates, challenger: Candidate, against: Comparison | None) -> list[str]:
    """Returns why the challenger is refused, each reason with the received and the expected value; empty if it passes.

    Args:
        against: comparison with the champion; None if there is none.
    """
    accuracy, megabytes, milliseconds = challenger.accuracy, challenger.run.megabytes, challenger.milliseconds
    checks = [
        (challenger.finite, "weights or probabilities that are not finite, expected numbers"),
        (accuracy >= gates.min_accuracy, f"test accuracy {accuracy:.4f}, expected at least {gates.min_accuracy}"),
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
                f"p = {against.p_value:.3g} by McNemar's exact test, expected at most {gates.max_p_value}",
            ),
        ]
    return [text for passed, text in checks if not passed]
