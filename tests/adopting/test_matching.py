"""Which axis an old hyperparameter belongs to, and which text of it an old value is."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from src.adopting.matching import Matching
from src.adopting.past import PastTrial
from src.config.overrides import Assignment, Interval
from src.space import Axis, Choice, Space
from src.space.axes import text_of
from src.states import TrialState

MakeSpace = Callable[..., Space]


def matched(space: Space, *values: dict[str, Any], state: TrialState = TrialState.FINISHED) -> Matching:
    matching = Matching(space)
    for number, one in enumerate(values):
        matching.add(PastTrial(str(number), one, state))
    return matching


def test_a_value_whose_axis_does_not_exist_is_ignored_and_need_not_be_there(space: MakeSpace) -> None:
    found = matched(
        space("data=digits", "optimizer=sgd,adam", "optimizer.momentum=0.8,0.9"),
        {"optimizer": "sgd", "momentum": 0.9},
        {"optimizer": "adam", "momentum": 0.1},
        {"optimizer": "adam"},
    )
    assert not found.mistakes
    assert [point["optimizer"] for point in found.points.values()] == ["sgd", "adam", "adam"]
    assert [point.get("optimizer.momentum") for point in found.points.values()] == ["0.9", None, None]


def test_the_name_of_a_key_wins_over_its_end_and_its_last_word(space: MakeSpace) -> None:
    both = space("data=digits", "model.units=32,64", "training.epochs=1,2", "+optimizer.units=3,4")
    assert matched(both, {"model.units": 32, "optimizer.units": 4, "epochs": 2}).points["0"]["model.units"] == "32"
    [mistake, *_] = matched(both, {"units": 32, "epochs": 2}).mistakes
    assert mistake == "units: expected one axis for it, there are model.units and optimizer.units (1 old trial)"
    [mistake, *_] = matched(space("data=digits", "model.units=32,64"), {"units": 32, "model/units": 32, "model.units": 64}).mistakes
    assert mistake.startswith("model.units: expected one value for it, there are units and model.units")


def test_each_reason_is_told_once_with_the_number_of_trials(space: MakeSpace) -> None:
    found = matched(
        space("data=digits", "model.units=32,64", "model.dropout=interval(0.0,0.5)"),
        *({"units": units, "dropout": 0.1} for units in (33, 34, 32)),
        {"units": 64, "dropout": "0.1"},
        {"units": 64, "depth": 2},
        {"units": 64, "dropout": 0.2, "seed": 42, "optimizer": "sgd", "{}": 1},
    )
    assert found.mistakes == [
        "model.units=33, 34: expected one of 32, 64 (2 old trials)",
        "model.dropout=0.1: expected a number from 0.0 to 0.5 (1 old trial)",
        "model.dropout: an axis for which the old results have no value; expected a fixed value of it (1 old trial)",
        "depth: there is no axis for it; expected an axis that ends with .depth (1 old trial)",
        "optimizer=sgd: expected rmsprop, which this sweep has, or an axis (1 old trial)",
        "{}: there is no axis for it; expected an axis that ends with .__ (1 old trial)",
    ]
    assert list(found.points) == ["2"]


def test_a_trial_that_failed_before_it_had_all_values_is_left_out(space: MakeSpace) -> None:
    two = space("data=digits", "model.units=32,64", "model.dropout=0.0,0.1")
    assert matched(two, {"units": 32}, state=TrialState.FAILED).incomplete == ["0"]
    assert matched(two, {"units": 32}).mistakes


def test_a_trial_that_the_sweep_excludes_is_told(space: MakeSpace) -> None:
    whole = space("data=digits", "model.units=32,64")
    rule = (Assignment("model.units", "", ("32",), (32,), False, "exclude"),)
    [mistake] = matched(replace(whole, exclude=(rule,)), {"units": 32}, {"units": 64}).mistakes
    assert mistake == "exclude=model.units=32: expected a sweep that does not exclude it (1 old trial)"


@pytest.mark.parametrize(
    ("domain", "value", "text"),
    [
        (Interval(32, 256, integer=True), 64, "64"),
        (Interval(32, 256, integer=True), 64.0, "64"),
        (Interval(32, 256, integer=True), 64.5, None),
        (Interval(32, 256, integer=True), True, None),
        (Interval(32, 256, integer=True), 257, None),
        (Interval(1e-4, 1e-2, log=True), 0.01 + 1e-17, "0.01"),
        (Interval(1e-4, 1e-2, log=True), 0.010000000000000002, "0.01"),
        (Interval(1e-4, 1e-2, log=True), 9.999e-5, None),
        (Interval(0, 1.0), 1, "1.0"),
        (Interval(0.0, 1.0), float("nan"), None),
        (Interval(0.0, 1.0), None, None),
        (Choice(("'1'", "1", "true", "null"), ("1", 1, True, None)), 1.0, "1"),
        (Choice(("'1'", "1", "true", "null"), ("1", 1, True, None)), "1", "'1'"),
        (Choice(("'1'", "1", "true", "null"), ("1", 1, True, None)), True, "true"),
        (Choice(("1e-3", "0.3"), (0.001, 0.3)), 0.1 + 0.2, "0.3"),
        (Choice(("1e-3", "0.3"), (0.001, 0.3)), 0.3001, None),
    ],
)
def test_the_text_of_a_value_is_that_of_the_axis(domain: Choice | Interval, value: Any, text: str | None) -> None:
    assert text_of(Axis("model.x", domain), value) == text
