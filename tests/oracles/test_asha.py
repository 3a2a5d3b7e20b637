"""Promotions of asynchronous successive halving, and that it never waits."""

import random
import statistics
from collections import Counter
from collections.abc import Callable

import pytest

from src.oracles import KnownTrial
from src.space import Point
from tests.oracles.conftest import Driven

ENDLESS = ("optimizer.learning_rate=tag(log,interval(1e-4,1e-1))", "model.units=int(interval(16,128))")
SETTINGS = {"max_trials": 27, "max_epochs": 27}


def rungs(driven: Driven) -> Counter[tuple[int, int]]:
    """How many trials train from which epoch to which."""
    return Counter((proposal.initial_epoch, proposal.epochs or 0) for proposal in driven.proposals)


def falling(driven: Driven) -> Callable[[Point], float]:
    """Scores of which no later one is better: who went on stays among the best."""
    return lambda point: -len(driven.scores) if point["training.epochs"] == "1" else float(point["training.epochs"])


def promotable(driven: Driven, factor: int = 3) -> list[int]:
    """By the paper's Algorithm 2, written down plainly: the trials that may go on from the highest rung that has one."""
    for epochs in (9, 3, 1):
        rung = [number for number in driven.scores if driven.proposals[number].epochs == epochs and driven.scores[number] is not None]
        best = sorted(rung, key=lambda number: (-driven.scores[number], number))[: len(rung) // factor]
        if left := [number for number in best if number not in {proposal.parent for proposal in driven.proposals}]:
            return left
    return []


@pytest.mark.parametrize("in_flight", [1, 4, 8])
def test_each_proposal_is_the_papers_and_no_slot_is_idle(in_flight: int, drive: Callable) -> None:
    driven, running = drive("asha", *ENDLESS, **SETTINGS), list[int]()
    while True:
        left, begun = promotable(driven), sum(proposal.parent is None for proposal in driven.proposals)
        proposal = driven.oracle.ask(len(driven.proposals)) if len(running) < in_flight else None
        if proposal is None:
            assert len(running) == in_flight or (not left and begun == 27), "a slot is idle"
            if not running:
                break
            driven._tell(running.pop(len(driven.scores) % len(running)), lambda point: int(point["model.units"]) * 7 % 31)
            continue
        assert proposal.parent == (left[0] if left else None)
        if proposal.parent is not None:
            parent = driven.proposals[proposal.parent]
            assert parent.point | {"training.epochs": str(proposal.epochs)} == proposal.point
            assert (proposal.initial_epoch, proposal.epochs) == (parent.epochs, 3 * parent.epochs)
        running.append(len(driven.proposals))
        driven.proposals.append(proposal)
    assert begun == 27 and max(proposal.epochs for proposal in driven.proposals) == 27


def test_where_no_later_one_is_better_one_in_three_goes_on(drive: Callable) -> None:
    driven = drive("asha", *ENDLESS, **SETTINGS)
    driven.run(falling(driven))
    assert rungs(driven) == {(0, 1): 27, (1, 3): 9, (3, 9): 3, (9, 27): 1}


def test_the_plan_foresees_the_trials_and_epochs_of_scores_by_chance(drive: Callable) -> None:
    found = []
    for seed in range(10):
        driven, drawn = drive("asha", *ENDLESS, **SETTINGS, sampler="random"), random.Random(seed)
        driven.run(lambda _, drawn=drawn: drawn.random())
        found.append(sum(proposal.epochs - proposal.initial_epoch for proposal in driven.proposals))
    assert driven.oracle.schedule_lines[-1] == "about 27 of 1 epoch, then 11 of 3 epochs, then 5 of 9 epochs, then 2 of 27 epochs"
    assert driven.oracle.epochs == 27 + 11 * 2 + 5 * 6 + 2 * 18 and 0.75 < statistics.mean(found) / driven.oracle.epochs < 1.25


def test_where_each_is_better_than_all_before_the_budget_is_used_up(drive: Callable) -> None:
    driven = drive("asha", *ENDLESS, **SETTINGS)
    driven.run(lambda _: len(driven.scores))
    assert len(driven.proposals) == driven.oracle.budget == 27 + 25 + 23 + 21


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"max_trials": 2, "max_epochs": 9}, {(0, 1): 2, (1, 3): 1, (3, 9): 1}),
        ({"max_trials": 9, "max_epochs": 20}, {(0, 1): 9, (1, 3): 3, (3, 9): 1, (9, 20): 1}),
        ({"max_trials": 9, "max_epochs": 20, "min_epochs": 5, "factor": 2}, {(0, 5): 9, (5, 10): 4, (10, 20): 2}),
        ({"max_trials": 4, "max_epochs": 5, "min_epochs": 5}, {(0, 5): 4}),
    ],
)
def test_the_last_rung_has_all_epochs_and_at_least_one_trial(settings: dict, expected: dict, drive: Callable) -> None:
    driven = drive("asha", *ENDLESS, **settings)
    driven.run(lambda point: -len(driven.scores))
    assert rungs(driven) == expected


def test_infeasible_ones_never_go_on(drive: Callable) -> None:
    driven = drive("asha", *ENDLESS, **SETTINGS)
    driven.run(lambda _: None if len(driven.scores) % 2 else 1.0)
    assert all(driven.scores[proposal.parent] is not None for proposal in driven.proposals if proposal.parent is not None)
    assert sum(proposal.parent is None for proposal in driven.proposals) == 27


def test_a_configuration_without_epochs_is_whole_at_once(drive: Callable) -> None:
    driven = drive("asha", "model=logistic_regression,one_layer,two_layer", "seed=1,2", max_epochs=9).run()
    at_once = [proposal for proposal in driven.proposals if proposal.point["model"] == "logistic_regression"]
    assert len(at_once) == 2 and all(proposal.epochs == 9 and proposal.parent is None for proposal in at_once)
    assert max(proposal.epochs for proposal in driven.proposals if proposal.point["model"] != "logistic_regression") == 9


def test_more_epochs_than_before_go_on_with_what_was_whole(drive: Callable) -> None:
    words = ("model=logistic_regression,one_layer", "seed=1,2,3,4")
    before = drive("asha", *words, max_epochs=8).run()
    after = drive("asha", *words, max_epochs=30)
    after.oracle.restore({}, [KnownTrial(n, proposal, "FINISHED", before.scores[n]) for n, proposal in enumerate(before.proposals)])
    after.proposals, after.scores = list(before.proposals), dict(before.scores)
    more = after.run().proposals[len(before.proposals) :]
    assert [(proposal.initial_epoch, proposal.epochs) for proposal in more] == [(8, 9), (9, 27), (27, 30)]
    assert before.proposals[more[0].parent].epochs == 8 and more[0].point["model"] == "one_layer"
