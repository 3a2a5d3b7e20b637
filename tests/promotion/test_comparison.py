"""Two models are compared by the scores of the same examples: right and wrong ones, shares, and errors."""

import tracemalloc

import numpy as np
import pytest
from scipy.stats import binomtest, ttest_1samp

from src.promotion.comparison import compare, interval_of


def test_the_comparison_is_mcnemars_exact_test_with_a_bootstrap_interval() -> None:
    random = np.random.default_rng(1)
    champion, challenger = random.random(5000) < 0.85, random.random(5000) < 0.88
    found = compare(challenger, champion)
    won, lost = int((challenger & ~champion).sum()), int((champion & ~challenger).sum())
    assert found.gain == pytest.approx(challenger.mean() - champion.mean())
    assert found.p_value == pytest.approx(binomtest(min(won, lost), won + lost).pvalue)
    error = np.std(challenger.astype(int) - champion.astype(int)) / 5000**0.5
    assert found.interval == pytest.approx((found.gain - 1.96 * error, found.gain + 1.96 * error), abs=error / 4)
    assert found.test == "McNemar's exact test"
    assert compare(challenger.astype(float), champion.astype(float)) == found, "scores of tasks are floats"


def test_the_interval_is_that_of_resampled_examples() -> None:
    random = np.random.default_rng(2)
    champion, challenger = random.random(300) < 0.6, random.random(300) < 0.7
    difference = challenger.astype(int) - champion.astype(int)
    drawn = difference[random.integers(0, 300, (20000, 300))].mean(axis=1)
    assert compare(challenger, champion).interval == pytest.approx(np.quantile(drawn, (0.025, 0.975)), abs=0.006)


def test_many_examples_take_little_memory() -> None:
    champion, challenger = np.arange(50_000) % 7 > 0, np.arange(50_000) % 9 > 0
    tracemalloc.start()
    compare(challenger, champion)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20


def test_many_errors_take_bounded_memory() -> None:
    random = np.random.default_rng(3)
    champion, challenger = -random.random(5_000), -random.random(5_000)
    tracemalloc.start()
    compare(challenger, champion)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200 * 2**20, "10,000 exchanges of all at once would be 400 MB"


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
    assert found.p_value == pytest.approx(ttest_1samp(difference, 0).pvalue, abs=0.02)
    error = difference.std() / 400**0.5
    assert found.interval == pytest.approx((found.gain - 1.96 * error, found.gain + 1.96 * error), abs=error / 4)


def test_a_clear_gain_has_a_small_p_value_and_the_reverse_the_same() -> None:
    random = np.random.default_rng(5)
    champion, better = np.round(random.random(200), 1), np.round(random.random(200), 1) + 0.3
    assert compare(better, champion).p_value < 0.001 and compare(better, champion).interval[0] > 0
    assert compare(champion, better).gain == -compare(better, champion).gain < 0
    assert compare(champion, better).p_value < 0.001


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


def test_the_interval_of_a_mean_error_is_the_bootstraps() -> None:
    scores = -np.random.default_rng(7).gamma(2, 1, 500)
    error = scores.std() / 500**0.5
    assert interval_of(scores) == pytest.approx((scores.mean() - 1.96 * error, scores.mean() + 1.96 * error), abs=error / 4)
    assert interval_of(np.array([-2.5])) == (-2.5, -2.5)
    assert interval_of(np.full(5, -2.5)) == (-2.5, -2.5)
