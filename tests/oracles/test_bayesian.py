import time
from collections.abc import Callable

from tests.oracles.conftest import score

WORDS = ("optimizer.learning_rate=tag(log,interval(1e-5,1))", "model.units=int(interval(16,512))")


def best(drive: Callable, name: str, seed: int) -> float:
    return max(score(point) for point in drive(name, *WORDS, max_trials=20, seed=seed).run().points)


def test_it_learns(drive: Callable) -> None:
    wins = [best(drive, "bayesian", seed) > best(drive, "random", seed) for seed in range(5)]
    assert sum(wins) >= 4


def test_it_leaves_the_neighbourhood_of_infeasible_points(drive: Callable) -> None:
    def diverges(point: dict) -> float | None:
        return None if float(point["optimizer.learning_rate"]) > 0.02 else score(point)

    driven = drive("bayesian", *WORDS, max_trials=30).run(diverges)
    assert sum(driven.scores[n] is None for n in range(15, 30)) < 8


def test_the_time_to_ask_stays_small_when_many_trials_ended(drive: Callable) -> None:
    driven = drive("bayesian", *WORDS, max_trials=1000, initial_points=997).run(most=998)
    start = time.monotonic()
    driven.run(most=999)
    assert time.monotonic() - start < 10, "a Gaussian process of 1,000 trials takes minutes"
