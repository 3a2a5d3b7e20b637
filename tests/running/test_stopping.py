from types import SimpleNamespace

import pytest

from src.objective import Objective
from src.running.stopping import StopRules
from tests.running.conftest import NO_RULES, OBJECTIVE

Trials = list[tuple[str, float | None]]


def reason(trials: Trials, objective: Objective = OBJECTIVE, **rules: float) -> str:
    stop = StopRules(objective, **{**NO_RULES, **rules})
    stop.see(SimpleNamespace(state=state, score=score) for state, score in trials)
    return stop.reason()


def finished(*scores: float) -> Trials:
    return [("FINISHED", score) for score in scores]


@pytest.mark.parametrize(
    ("trials", "rules", "stops"),
    [
        (finished(0.8, 0.9), {"target": 0.9}, True),
        (finished(0.8, 0.89), {"target": 0.9}, False),
        (finished(0.8, 0.7, 0.8), {"patience": 2}, True),
        (finished(0.8, 0.7, 0.81, 0.7), {"patience": 2}, False),
        ([("FAILED", None)] * 2, {"max_failures": 2}, True),
        ([("FAILED", None), *finished(0.1), ("FAILED", None)], {"max_failures": 2}, False),
        ([("FAILED", None), ("KILLED", None), ("FAILED", None)], {"max_failures": 2}, True),
        (finished(0.8), {}, False),
    ],
)
def test_rules(trials: Trials, rules: dict[str, float], stops: bool) -> None:
    assert reason(trials, **rules) == (f"stop.{next(iter(rules.items()))[0]}={next(iter(rules.values()))}" if stops else "")


def test_a_target_that_is_to_be_fallen_below() -> None:
    loss = Objective("val_loss", "min")
    assert reason(finished(0.5), loss, target=0.4) == "" and reason(finished(0.5, 0.39), loss, target=0.4) == "stop.target=0.4"


def test_the_time_is_up() -> None:
    assert reason([], max_minutes=1e-9) == "stop.max_minutes=1e-09" and reason([], max_minutes=60) == ""
