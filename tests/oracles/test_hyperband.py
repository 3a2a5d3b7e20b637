"""Rungs, brackets and parents."""

import math
from collections import Counter
from collections.abc import Callable
from fractions import Fraction

import pytest

from tests.oracles.conftest import Driven

ENDLESS = ("optimizer.learning_rate=tag(log,interval(1e-4,1e-1))", "model.units=int(interval(16,128))")


def rungs(driven: Driven) -> Counter[tuple[int, int]]:
    """How many trials train from which epoch to which."""
    return Counter((proposal.initial_epoch, proposal.epochs or 0) for proposal in driven.proposals)


def test_the_brackets_of_the_paper(drive: Callable) -> None:
    driven = drive("hyperband", *ENDLESS, max_epochs=9).run()
    assert rungs(driven) == {(0, 1): 9, (1, 3): 3, (3, 9): 1 + 1, (0, 3): 5, (0, 9): 3}
    assert len(driven.proposals) == driven.oracle.budget == 22
    assert driven.oracle.schedule_lines[0] == "bracket 1: 9 of 1 epoch, then 3 of 3 epochs, then 1 of 9 epochs"
    assert driven.oracle.epochs == (9 + 3 * 2 + 6) + (5 * 3 + 1 * 6) + 3 * 9 == sum(p.epochs - p.initial_epoch for p in driven.proposals)


def test_a_bracket_of_the_papers_table(drive: Callable) -> None:
    """Table 1 of the paper, R = 81 and eta = 3; KerasTuner's second bracket is 34, 12, 4, 2."""
    assert drive("hyperband", *ENDLESS, max_epochs=81).oracle.schedule_lines == [
        "bracket 1: 81 of 1 epoch, then 27 of 3 epochs, then 9 of 9 epochs, then 3 of 27 epochs, then 1 of 81 epochs",
        "bracket 2: 34 of 3 epochs, then 11 of 9 epochs, then 3 of 27 epochs, then 1 of 81 epochs",
        "bracket 3: 15 of 9 epochs, then 5 of 27 epochs, then 1 of 81 epochs",
        "bracket 4: 8 of 27 epochs, then 2 of 81 epochs",
        "bracket 5: 5 of 81 epochs",
    ]


def paper(most: int, factor: int) -> list[list[tuple[int, Fraction]]]:
    """The rungs of Algorithm 1 in fractions; whole s alone keep factor^s ≤ R exact."""
    last = max(s for s in range(12) if factor**s <= most)
    brackets = []
    for s in range(last, -1, -1):
        n, r = math.ceil(Fraction(last + 1, s + 1) * factor**s), Fraction(most, factor**s)
        brackets.append([(math.floor(n * Fraction(1, factor**i)), r * factor**i) for i in range(s + 1)])
    return brackets


@pytest.mark.parametrize("factor", [2, 3, 4, 5])
def test_all_brackets_are_the_papers_in_whole_epochs(factor: int, drive: Callable) -> None:
    """To R = 243 with factor 3, and its neighbours: KerasTuner's logarithm of 243 is 5 and a little more."""
    for most in (1, 2, 3, 4, 5, 8, 9, 10, 16, 20, 25, 26, 27, 28, 64, 81, 82, 100, 125, 242, 243, 244, 1000):
        oracle = drive("hyperband", *ENDLESS, max_epochs=most, factor=factor).oracle
        expected = paper(most, factor)
        found = [oracle._rungs(number) for number in reversed(range(len(expected)))]
        assert [[size for size, _ in bracket] for bracket in found] == [[size for size, _ in bracket] for bracket in expected]
        pairs = [(mine[1], theirs[1]) for one, other in zip(found, expected, strict=True) for mine, theirs in zip(one, other, strict=True)]
        assert all(abs(mine - theirs) <= Fraction(1, 2) for mine, theirs in pairs)
        assert all(bracket[-1][1] == most for bracket in found)
        assert oracle.budget == sum(size for bracket in expected for size, _ in bracket)
        exact = sum(size * (epochs - before) for one in expected for (size, epochs), (_, before) in zip(one, [(0, 0), *one], strict=False))
        assert abs(oracle.epochs / exact - 1) < (1e-9 if most == factor ** (len(expected) - 1) else 0.06)


def test_the_best_go_on_from_where_they_were(drive: Callable) -> None:
    driven = drive("hyperband", *ENDLESS, max_epochs=9).run()
    for proposal in driven.proposals:
        assert proposal.point["training.epochs"] == str(proposal.epochs)
        if proposal.parent is not None:
            parent = driven.proposals[proposal.parent]
            assert parent.epochs == proposal.initial_epoch
            assert {**parent.point, "training.epochs": ""} == {**proposal.point, "training.epochs": ""}
    first = sorted(range(9), key=lambda number: -driven.scores[number])[:3]
    assert {proposal.parent for proposal in driven.proposals[9:12]} == set(first)


def test_a_small_space_is_halved_and_no_training_is_repeated(drive: Callable) -> None:
    """KerasTuner trains three points for one epoch each and stops."""
    driven = drive("hyperband", "optimizer=sgd,adam,rmsprop", max_epochs=9).run()
    assert rungs(driven) == {(0, 1): 3, (1, 3): 3, (3, 9): 3}, "later brackets go on from what earlier ones trained"
    assert max(proposal.epochs for proposal in driven.proposals[:5]) == 9, "the first bracket has a finalist"


def test_infeasible_points_are_replaced_so_that_every_bracket_has_its_finalists(drive: Callable) -> None:
    """KerasTuner's bracket of 9, 3 and 1 becomes 9, 2 and 0."""
    driven = drive("hyperband", *ENDLESS, max_epochs=9)
    infeasible = {0, 4, 10, 13}  # in the first and in the second rung of the first bracket, and one replacement
    driven.run(lambda point: None if len(driven.scores) in infeasible else 0.5 + len(driven.scores) / 1000)
    feasible = [proposal for number, proposal in enumerate(driven.proposals) if number not in infeasible]
    assert Counter(proposal.epochs for proposal in feasible)[9] == 1 + 1 + 3


def test_a_point_that_turns_out_infeasible_never_comes_back(drive: Callable) -> None:
    words = ("optimizer=sgd,adam,rmsprop,adagrad", "model.units=8,16")
    driven = drive("hyperband", *words, max_epochs=9)
    driven.run(lambda point: None if point["optimizer"] == "adam" and point["training.epochs"] != "1" else len(driven.scores) / 100)
    failed = [number for number, value in driven.scores.items() if value is None]
    for number in failed:
        base = {**driven.points[number], "training.epochs": ""}
        assert all({**point, "training.epochs": ""} != base for point in driven.points[number + 1 :])


def test_several_iterations(drive: Callable) -> None:
    assert len(drive("hyperband", *ENDLESS, max_epochs=9, iterations=2).run().proposals) == 44


def test_the_baseline_has_no_epochs_to_halve(drive: Callable) -> None:
    driven = drive("hyperband", "model=logistic_regression,one_layer", max_epochs=9).run()
    assert sum(point["model"] == "logistic_regression" for point in driven.points) == 1
    assert max(proposal.epochs for proposal in driven.proposals) == 9
