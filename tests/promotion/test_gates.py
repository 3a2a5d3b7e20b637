from types import SimpleNamespace

import numpy as np
import pytest

from src.promotion import gates
from src.promotion.comparison import Comparison, compare
from src.promotion.gates import Gates

OPEN = {"min_score": None, "min_gain": 0.0, "max_p_value": None, "max_megabytes": None, "max_milliseconds": None}
BETTER = Comparison(0.01, (0.002, 0.018), 0.01, "McNemar's exact test")


def refusals(against: Comparison | None = None, finite: bool = True, **demanded: float) -> list[str]:
    challenger = SimpleNamespace(score=0.88, measure="test accuracy", run=SimpleNamespace(megabytes=1.5), milliseconds=3.0, finite=finite)
    return gates.refusals(Gates(**{**OPEN, **demanded}), challenger, against)


def test_equal_models_are_not_better() -> None:
    same = np.ones(10, bool)
    found = compare(same, same)
    assert (found.gain, found.p_value) == (0.0, 1.0)
    assert "expected more than 0" in refusals(found)[0]


def test_without_a_champion_only_the_challenger_is_judged() -> None:
    assert refusals() == []
    assert refusals(max_p_value=0.05) == []
    assert refusals(min_score=0.9) == ["test accuracy 0.8800, expected at least 0.9"]
    assert refusals(finite=False) == ["weights or predictions that are not finite, expected numbers"]


@pytest.mark.parametrize(
    ("demanded", "message"),
    [
        ({"min_gain": 0.02}, "+0.0100 against the champion"),
        ({"max_p_value": 0.001}, "p = 0.01 by McNemar's exact test, expected at most 0.001"),
        ({"max_megabytes": 1.0}, "1.50 MB, expected at most 1.0"),
        ({"max_milliseconds": 2.0}, "3.0 ms for one example, expected at most 2.0"),
    ],
)
def test_each_gate_refuses_with_what_it_received_and_expected(demanded: dict[str, float], message: str) -> None:
    [reason] = refusals(BETTER, **demanded)
    assert message in reason
    assert refusals(BETTER) == []
