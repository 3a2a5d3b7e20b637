import tracemalloc
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import binomtest

from src.promotion import gates
from src.promotion.gates import Comparison, Gates

OPEN = {"min_accuracy": 0.0, "min_gain": 0.0, "max_p_value": None, "max_megabytes": None, "max_milliseconds": None}
BETTER = Comparison(0.01, (0.002, 0.018), 0.01)


def refusals(against: Comparison | None = None, finite: bool = True, **demanded: float) -> list[str]:
    challenger = SimpleNamespace(accuracy=0.88, run=SimpleNamespace(megabytes=1.5), milliseconds=3.0, finite=finite)
    return gates.refusals(Gates(**{**OPEN, **demanded}), challenger, against)


def test_the_comparison_is_mcnemars_exact_test_with_a_bootstrap_interval() -> None:
    random = np.random.default_rng(1)
    champion, challenger = random.random(5000) < 0.85, random.random(5000) < 0.88
    found = gates.compare(challenger, champion)
    won, lost = int((challenger & ~champion).sum()), int((champion & ~challenger).sum())
    assert found.gain == pytest.approx(challenger.mean() - champion.mean())
    assert found.p_value == pytest.approx(binomtest(min(won, lost), won + lost).pvalue)
    error = np.std(challenger.astype(int) - champion.astype(int)) / 5000**0.5
    assert found.interval == pytest.approx((found.gain - 1.96 * error, found.gain + 1.96 * error), abs=error / 4)


def test_the_interval_is_that_of_resampled_examples() -> None:
    random = np.random.default_rng(2)
    champion, challenger = random.random(300) < 0.6, random.random(300) < 0.7
    difference = challenger.astype(int) - champion.astype(int)
    drawn = difference[random.integers(0, 300, (20000, 300))].mean(axis=1)
    assert gates.compare(challenger, champion).interval == pytest.approx(np.quantile(drawn, (0.025, 0.975)), abs=0.006)


def test_many_examples_take_little_memory() -> None:
    champion, challenger = np.arange(50_000) % 7 > 0, np.arange(50_000) % 9 > 0
    tracemalloc.start()
    gates.compare(challenger, champion)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20


def test_equal_models_are_not_better() -> None:
    same = np.ones(10, bool)
    found = gates.compare(same, same)
    assert (found.gain, found.p_value) == (0.0, 1.0)
    assert "expected more than 0" in refusals(found)[0]


def test_without_a_champion_only_the_challenger_is_judged() -> None:
    assert refusals() == []
    assert refusals(max_p_value=0.05) == []
    assert refusals(min_accuracy=0.9) == ["test accuracy 0.8800, expected at least 0.9"]
    assert refusals(finite=False) == ["weights or probabilities that are not finite, expected numbers"]


@pytest.mark.parametrize(
    ("demanded", "message"),
    [
        ({"min_gain": 0.02}, "+0.0100 against the champion"),
        ({"max_p_value": 0.001}, "p = 0.01"),
        ({"max_megabytes": 1.0}, "1.50 MB, expected at most 1.0"),
        ({"max_milliseconds": 2.0}, "3.0 ms for one example, expected at most 2.0"),
    ],
)
def test_each_gate_refuses_with_what_it_received_and_expected(demanded: dict[str, float], message: str) -> None:
    [reason] = refusals(BETTER, **demanded)
    assert message in reason
    assert refusals(BETTER) == []
