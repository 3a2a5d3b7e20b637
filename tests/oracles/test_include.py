"""Trials that somebody else proposed."""

from collections.abc import Callable

import pytest

from src.oracles import KnownTrial, Proposal
from src.space import Space
from src.space.defaults import located
from src.states import TrialState
from tests.oracles.conftest import create, score
from tests.oracles.test_oracles import BUDGETS, ENDLESS, FINITE, SEEDED, few_candidates

__all__ = ["few_candidates"]  # a fixture
INSIDE = {"model.units": "16", "optimizer": "sgd", "optimizer.momentum": "0.90"}
OUTSIDE = {"model.units": "17", "optimizer": "sgd", "optimizer.momentum": "0.9"}


@pytest.mark.parametrize(
    ("point", "found"),
    [
        (INSIDE, {"model.units": "16", "optimizer": "sgd", "optimizer.momentum": "0.9"}),
        ({"optimizer": "adam", "model.units": "8"}, {"optimizer": "adam", "model.units": "8"}),
        (OUTSIDE, None),
        ({**INSIDE, "training.epochs": "3"}, None),
        ({**INSIDE, "optimizer": "adagrad"}, None),
    ],
)
def test_a_point_is_located_however_it_is_written(point: dict[str, str], found: dict[str, str] | None, space: Callable) -> None:
    assert located(space(*FINITE), point) == found


@pytest.mark.parametrize("name", ["grid", "random", "bayesian"])
def test_a_point_of_the_space_is_not_proposed_again_and_is_learned_from(name: str, space: Callable[..., Space], drive: Callable) -> None:
    driven = drive(name, *FINITE, **BUDGETS[name])
    driven.run(most=3)
    inside = next(point for point in space(*FINITE).points() if point not in driven.points)
    assert driven.oracle.include(3, inside)
    driven.proposals.append(Proposal(inside))
    driven.oracle.tell(3, score(inside))
    driven.run()
    assert driven.points.count(inside) == 1 and len(driven.points) == (BUDGETS[name].get("max_trials") or 15)


@pytest.mark.parametrize("name", ["grid", "random", "bayesian", "hyperband", "asha", "race"])
def test_a_point_elsewhere_changes_no_proposal(name: str, drive: Callable) -> None:
    words = SEEDED if name == "race" else FINITE
    alone = drive(name, *words, **BUDGETS[name]).run(most=6)
    with_other = drive(name, *words, **BUDGETS[name]).run(most=3)
    assert not with_other.oracle.include(99, OUTSIDE)
    assert with_other.run(most=6).points == alone.points


def test_bayesian_optimization_goes_on_with_what_was_added(space: Callable[..., Space]) -> None:
    trials = [KnownTrial(number, Proposal(point), TrialState.FINISHED, 0.5) for number, point in enumerate(_five(space(*ENDLESS)))]
    first, second = (create(space(*ENDLESS), "bayesian", max_trials=14, initial_points=2) for _ in range(2))
    first.restore({}, trials)
    second.restore({}, trials[:-1])
    assert second.include(4, trials[-1].proposal.point)
    second.tell(4, 0.5)
    assert first.ask(5) == second.ask(5)


def _five(space: Space) -> list[dict[str, str]]:
    oracle = create(space, "random", max_trials=5)
    return [proposal.point for proposal in map(oracle.ask, range(5)) if proposal]
