"""A search by two objectives: other weights for each proposal, the same ones after a resumption."""

from collections.abc import Callable

import numpy as np
import pytest

from src.oracles import KnownTrial
from src.oracles.scalarised import scalarised
from src.oracles.surrogate import TriedPoint
from tests.oracles.conftest import Driven

WORDS = ("model.units=int(interval(1,1000))", "model.dropout=interval(0,0.9)")


def objectives(point: dict[str, str]) -> tuple[float, float]:
    """Units are good for the score and bad for the size; dropout is bad for both. Its front is a dropout of 0."""
    units, dropout = int(point["model.units"]) / 1000, float(point["model.dropout"])
    return 1 - (1 - units) ** 2 - dropout, units**2 + dropout


def run(driven: Driven, first: int, last: int) -> Driven:
    for number in range(first, last):
        driven.proposals.append(driven.oracle.ask(number))
        score, second = objectives(driven.points[-1])
        driven.oracle.tell_second(number, second)
        driven.oracle.tell(number, score)
    return driven


def test_bayesian_walks_along_the_front(drive: Callable) -> None:
    points = run(drive("bayesian", *WORDS, max_trials=28), 0, 28).points[10:]
    assert np.median([float(point["model.dropout"]) for point in points]) < 0.1, "of random points 0.45"
    units = [int(point["model.units"]) for point in points]
    assert min(units) < 200 and max(units) > 800, "one objective alone would have one end"


@pytest.mark.parametrize("name", ["random", "bayesian"])
def test_resumed_is_undisturbed(name: str, drive: Callable) -> None:
    whole, cut = run(drive(name, *WORDS, max_trials=14), 0, 14), 9
    after = drive(name, *WORDS, max_trials=14)
    after.oracle.restore({}, [KnownTrial(n, one, "FINISHED", *objectives(one.point)) for n, one in enumerate(whole.proposals[:cut])])
    assert run(after, cut, 14).points == whole.points[cut:]


def test_weights_go_from_one_objective_to_the_other() -> None:
    told = [TriedPoint((n, 0, 0.0), [0.0], score) for n, score in enumerate([0.9, 0.5, 0.1, 0.4, -np.inf, 0.95])]
    second = {0: 1e30, 1: 0.5, 2: 0.1, 3: 0.6, 4: 0.0}
    bests, generator = set(), np.random.default_rng(0)
    for _ in range(100):
        found = scalarised(told, second, generator)
        scores = [one.score for one in found]
        assert scores[4] == scores[5] == -np.inf, "without a score, and without the second objective"
        assert scores[1] > scores[3], "which is worse in both"
        bests.add(int(np.argmax(scores)))
    assert bests == {0, 1, 2}
