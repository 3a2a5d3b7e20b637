import pytest
from scipy.stats import t, ttest_ind

from src import leaderboard
from src.leaderboard import Scored
from src.objective import Objective

ACCURACY, LOSS = Objective("val_accuracy", "max"), Objective("val_loss", "min")


def scored(**scores: list[float]) -> list[Scored]:
    """`adam=[0.8, 0.9]`: two seeds of optimizer=adam."""
    pairs = [(name, seed, score) for name, values in scores.items() for seed, score in enumerate(values)]
    return [Scored(n, {"optimizer": name, "seed": str(seed)}, None, score, 1, score, 1.0) for n, (name, seed, score) in enumerate(pairs)]


def test_seeds_are_one_entry_with_mean_and_interval() -> None:
    [entry] = leaderboard.entries(scored(adam=[0.80, 0.82, 0.87]), ACCURACY)
    assert entry.point == {"optimizer": "adam"}
    assert entry.mean == pytest.approx(0.83)
    low, high = t.interval(0.95, 2, loc=entry.mean, scale=entry.spread / 3**0.5)
    assert (entry.mean - entry.interval, entry.mean + entry.interval) == pytest.approx((low, high))


def test_the_direction_decides_who_is_first() -> None:
    trials = scored(sgd=[0.3], adam=[0.5])
    assert [entry.point["optimizer"] for entry in leaderboard.entries(trials, ACCURACY)] == ["adam", "sgd"]
    assert [entry.point["optimizer"] for entry in leaderboard.entries(trials, LOSS)] == ["sgd", "adam"]


def test_what_can_not_be_told_apart_shares_a_rank() -> None:
    a, b, c = [0.880, 0.884, 0.888], [0.879, 0.883, 0.889], [0.850, 0.851, 0.852]
    ordered = leaderboard.entries(scored(a=a, b=b, c=c), ACCURACY)
    assert leaderboard.ranks(ordered, 0.0) == [1, 1, 3]
    for x, y, first, second in ((a, b, 0, 1), (a, c, 0, 2)):
        welch = ttest_ind(x, y, equal_var=False).pvalue < 0.05
        assert leaderboard.apart(ordered[first], ordered[second], 0.0) is bool(welch)


def test_one_seed_is_apart_only_beyond_the_noise() -> None:
    ordered = leaderboard.entries(scored(a=[0.8866], b=[0.8831], c=[0.87]), ACCURACY)
    assert leaderboard.ranks(ordered, 0.006) == [1, 1, 3]
    assert leaderboard.seeds_to_separate(*ordered[:2]) is None


def test_how_many_more_seeds_would_separate_two() -> None:
    close = leaderboard.entries(scored(a=[0.880, 0.884, 0.888], b=[0.876, 0.880, 0.884]), ACCURACY)
    more = leaderboard.seeds_to_separate(*close)
    assert more is not None and 0 < more < 20
    same = leaderboard.entries(scored(a=[0.880, 0.884, 0.888], b=[0.8799, 0.8841, 0.8879]), ACCURACY)
    assert leaderboard.seeds_to_separate(*same) is None
    apart = leaderboard.entries(scored(a=[0.9, 0.901], b=[0.8, 0.801]), ACCURACY)
    assert leaderboard.seeds_to_separate(*apart) == 0


def test_equal_scores_without_spread_are_equal() -> None:
    ordered = leaderboard.entries(scored(a=[0.5, 0.5], b=[0.5, 0.5], c=[0.4, 0.4]), ACCURACY)
    assert leaderboard.ranks(ordered, 0.0) == [1, 1, 3]
