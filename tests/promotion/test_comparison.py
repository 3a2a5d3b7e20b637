"""Two models are compared by the scores of the same examples: right and wrong ones, shares, and errors."""

import itertools
import tracemalloc

import numpy as np
import pytest
from scipy.stats import binomtest, ttest_1samp

from src.promotion import comparison
from src.promotion.comparison import compare, interval_of


def test_the_comparison_is_mcnemars_exact_test_of_being_better() -> None:
    random = np.random.default_rng(1)
    champion, challenger = random.random(5000) < 0.85, random.random(5000) < 0.88
    found = compare(challenger, champion)
    won, lost = int((challenger & ~champion).sum()), int((champion & ~challenger).sum())
    assert found.gain == pytest.approx(challenger.mean() - champion.mean())
    assert found.p_value == pytest.approx(binomtest(won, won + lost, alternative="greater").pvalue)
    error = np.std(challenger.astype(int) - champion.astype(int)) / 5000**0.5
    assert found.interval == pytest.approx((found.gain - 1.96 * error, found.gain + 1.96 * error), abs=error / 20)
    assert found.test == "McNemar's exact test"
    assert compare(challenger.astype(float), champion.astype(float)) == found, "scores of tasks are floats"


def test_the_interval_is_that_of_resampled_examples() -> None:
    random = np.random.default_rng(2)
    champion, challenger = random.random(300) < 0.6, random.random(300) < 0.7
    difference = challenger.astype(int) - champion.astype(int)
    drawn = difference[random.integers(0, 300, (20000, 300))].mean(axis=1)
    assert compare(challenger, champion).interval == pytest.approx(np.quantile(drawn, (0.025, 0.975)), abs=0.006)


@pytest.mark.parametrize("kind", ["shares", "errors"])
def test_a_million_examples_take_bounded_memory(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    random, n = np.random.default_rng(3), 1_000_000
    champion, challenger = random.random(n), random.random(n)
    if kind == "shares":
        champion, challenger = champion < 0.88, challenger < 0.8801
    monkeypatch.setattr(comparison, "EXCHANGES", 999)  # they take time, not memory
    tracemalloc.start()
    compare(challenger, champion)
    interval_of(challenger)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100 * 2**20, "an array of examples takes 8 MB, one of 2,000 resamples 16 GB"


def test_equal_models_do_not_differ() -> None:
    for same in (np.ones(10, bool), np.linspace(-3, 0, 10), np.full(10, -2.0)):
        found = compare(same, same)
        assert (found.gain, found.p_value, found.interval) == (0.0, 1.0, (0.0, 0.0))


def test_errors_are_compared_by_random_exchanges_as_by_a_t_test() -> None:
    random = np.random.default_rng(4)
    champion = -random.gamma(2, 1, 400)
    challenger = champion + random.normal(0.05, 0.5, 400)
    found, difference = compare(challenger, champion), challenger - champion
    assert found.test == "random exchanges" and found.gain == pytest.approx(difference.mean())
    assert found.p_value == pytest.approx(ttest_1samp(difference, 0, alternative="greater").pvalue, abs=0.02)
    error = difference.std() / 400**0.5
    assert found.interval == pytest.approx((found.gain - 1.96 * error, found.gain + 1.96 * error), abs=error / 20)


def test_a_clear_gain_has_a_small_p_value_and_the_reverse_a_large_one() -> None:
    random = np.random.default_rng(5)
    champion, better = np.round(random.random(200), 1), np.round(random.random(200), 1) + 0.3
    assert compare(better, champion).p_value < 0.001 and compare(better, champion).interval[0] > 0
    assert compare(champion, better).gain == -compare(better, champion).gain < 0
    assert compare(champion, better).p_value == 1.0


def test_a_comparison_is_the_same_again() -> None:
    random = np.random.default_rng(6)
    champion, challenger = random.random(50), random.random(50)
    assert compare(challenger, champion) == compare(challenger, champion)


def test_scores_that_are_not_finite_prove_nothing() -> None:
    assert compare(np.array([np.nan, 0.5, 0.2]), np.array([0.1, 0.2, 0.3])).p_value == 1.0
    assert np.isnan(interval_of(np.array([np.nan, 0.5]))).all()


def test_the_interval_of_an_accuracy_is_wilsons() -> None:
    wilson = binomtest(80, 100).proportion_ci(method="wilson")
    assert interval_of(np.arange(100) < 80) == pytest.approx((wilson.low, wilson.high))
    assert interval_of(np.ones(10)) == pytest.approx((0.7225, 1.0), abs=1e-4), "ten of ten are no proof of perfection"


def test_the_interval_of_a_mean_error_is_students() -> None:
    scores = -np.random.default_rng(7).gamma(2, 1, 500)
    error = scores.std() / 500**0.5
    assert interval_of(scores) == pytest.approx((scores.mean() - 1.96 * error, scores.mean() + 1.96 * error), abs=error / 4)
    assert interval_of(np.array([-2.5])) == (-2.5, -2.5)
    assert interval_of(np.full(5, -2.5)) == (-2.5, -2.5)


def exact(difference: np.ndarray) -> float:
    """The share of all 2^n exchanges whose sum reaches that of the differences."""
    signs = np.array(list(itertools.product((-1, 1), repeat=len(difference))))
    return float((signs @ np.abs(difference) >= difference.sum() - 1e-9).mean())


def test_the_p_value_is_that_of_all_exchanges() -> None:
    random = np.random.default_rng(8)
    for _ in range(20):
        difference = random.gamma(1, 1, 12) * random.choice((-1, 1, 1), 12)
        assert compare(difference, np.zeros(12)).p_value == pytest.approx(exact(difference), abs=0.015)


def test_beyond_the_random_exchanges_the_p_value_is_a_bound_that_holds() -> None:
    difference = np.linspace(0.5, 1, 18)
    found, truth = compare(difference, np.zeros(18)).p_value, 2.0**-18
    assert truth <= found < 1e-4
    clear = compare(np.full(400, 0.25) + np.linspace(0, 0.01, 400), np.zeros(400)).p_value
    assert 2.0**-400 <= clear < 1e-50, "many openings ask for p below any share of 10,000"


def test_of_many_examples_the_smaller_differences_are_exchanged_as_one_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(9)
    difference = random.standard_t(4, 3000) + 0.05
    whole = compare(difference, np.zeros(3000)).p_value
    monkeypatch.setattr(comparison, "EXCHANGED", 300)
    assert compare(difference, np.zeros(3000)).p_value == pytest.approx(whole, abs=0.01)


def test_a_comparison_of_many_answers_holds_its_level() -> None:
    random = np.random.default_rng(10)
    p_values = [compare(random.integers(0, 4, 60) / 3, random.integers(0, 4, 60) / 3).p_value for _ in range(200)]
    assert np.mean(np.array(p_values) <= 0.05) <= 0.05 + 3 * (0.05 * 0.95 / 200) ** 0.5
