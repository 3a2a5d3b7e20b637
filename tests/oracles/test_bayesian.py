from collections.abc import Callable

import pytest

from src.oracles import bayesian
from tests.oracles.conftest import score

WORDS = ("optimizer.learning_rate=tag(log,interval(1e-5,1))", "model.units=int(interval(16,512))")


def best(drive: Callable, name: str, seed: int) -> float:
    return max(score(point) for point in drive(name, *WORDS, max_trials=20, seed=seed).run().points)


def test_it_learns(drive: Callable) -> None:
    assert all(best(drive, "bayesian", seed) > best(drive, "random", seed) for seed in range(3))


def test_it_leaves_the_neighbourhood_of_infeasible_points(drive: Callable) -> None:
    def diverges(point: dict) -> float | None:
        return None if float(point["optimizer.learning_rate"]) > 0.02 else score(point)

    driven = drive("bayesian", *WORDS, max_trials=30).run(diverges)
    assert sum(driven.scores[n] is None for n in range(15, 30)) < 8


def test_a_model_is_made_of_few_trials_however_many_ended(drive: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bayesian.MOST_MODELLED <= 200, "a Gaussian process of 1,000 trials takes minutes"
    monkeypatch.setattr(bayesian, "MOST_MODELLED", 20)
    modelled: list[int] = []
    driven = drive("bayesian", *WORDS, max_trials=100, initial_points=97).run(most=98)
    fit = driven.oracle.gpr.fit
    monkeypatch.setattr(driven.oracle.gpr, "fit", lambda x, y: (modelled.append(len(x)), fit(x, y)))
    driven.run(most=99)
    assert modelled == [20]
