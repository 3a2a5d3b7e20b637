"""Optuna's samplers as an oracle, beside the contract in test_oracles.py."""

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import replace

import optuna
import pytest

from src.errors import ConfigError
from src.oracles import KnownTrial
from src.space import Axis, Choice, Interval, Space
from tests.oracles.conftest import Driven, create, score

WORDS = ("optimizer=sgd,adam", "optimizer.learning_rate=tag(log,interval(1e-4,1e-1))", "optimizer.momentum=interval(0,0.9)")


@pytest.mark.parametrize("sampler", ["TPESampler", "QMCSampler", "NSGAIISampler"])
def test_at_one_worker_a_resumed_sampler_is_where_it_was(sampler: str, drive: Callable) -> None:
    """After 20 trials, beyond the random start, with infeasible ones; some samplers keep a state in Optuna's study."""
    whole = drive("optuna", *WORDS, sampler=sampler, max_trials=24).run(lambda point: None if "momentum" in point else score(point))
    after = drive("optuna", *WORDS, sampler=sampler, max_trials=24)
    first = [
        KnownTrial(n, one, "FAILED" if whole.scores[n] is None else "FINISHED", whole.scores[n])
        for n, one in enumerate(whole.proposals[:20])
    ]
    after.oracle.restore({}, first)
    after.proposals, after.scores = whole.proposals[:20], {n: whole.scores[n] for n in range(20)}
    assert after.run(lambda point: whole.scores[len(after.scores)]).proposals == whole.proposals


def test_several_at_once_are_told_as_they_ran(drive: Callable, space: Callable[..., Space]) -> None:
    whole = drive("optuna", *WORDS, max_trials=30).run(in_flight=4, most=26)
    after = drive("optuna", *WORDS, max_trials=30)
    known = [KnownTrial(n, one, "FINISHED", whole.scores[n]) for n, one in enumerate(whole.proposals[:25])]
    after.oracle.restore({}, [*known, KnownTrial(25, whole.proposals[25], "RUNNING", None)])
    ended = [trial.value for trial in after.oracle._study.trials if trial.state == optuna.trial.TrialState.COMPLETE]
    assert sorted(ended) == sorted(whole.scores[n] for n in range(25))
    after.oracle.tell(25, 0.5)
    points = [*whole.points, *(after.oracle.ask(number).point for number in range(26, 30))]
    assert len({space(*WORDS).identity(point) for point in points}) == 30


def test_it_learns(drive: Callable) -> None:
    driven = drive("optuna", "optimizer.learning_rate=tag(log,interval(1e-6,1))", max_trials=40).run()
    assert sum(1e-3 < float(point["optimizer.learning_rate"]) < 1e-1 for point in driven.points[20:]) > 14, "by chance seven"


def test_listed_numbers_keep_their_order_and_a_key_may_have_several_axes(space: Callable[..., Space]) -> None:
    units = Axis("model.units", Choice(("64", "8", "32"), (64, 8, 32)))
    optimizer = Axis("optimizer", Choice(("sgd", "adam"), ("sgd", "adam")))
    rates = [
        Axis("optimizer.learning_rate", Interval(low, 1.0, log=True), (("optimizer", (word,)),))
        for low, word in ((0.1, "sgd"), (1e-4, "adam"))
    ]
    driven = Driven(create(replace(space(), axes=(units, optimizer, *rates)), "optuna", max_trials=12)).run()
    params = driven.oracle._study.trials[1].distributions
    assert params["model.units 0"] == optuna.distributions.IntDistribution(0, 2)
    for trial, point in zip(driven.oracle._study.trials, driven.points, strict=True):
        assert ["8", "32", "64"][trial.params["model.units 0"]] == point["model.units"]
        assert ("optimizer.learning_rate 2" in trial.params) == (point["optimizer"] == "sgd")


@pytest.mark.parametrize(
    ("sampler", "message"),
    [
        ("TPESamplr", "did you mean 'TPESampler'? Samplers: "),
        ("GridSampler", "Optuna has no sampler of this name that needs no arguments"),
        ("RandomSampler", "expected oracle=random"),
        ("BruteForceSampler", "expected oracle=grid"),
    ],
)
def test_other_names_are_refused(sampler: str, message: str, drive: Callable) -> None:
    with pytest.raises(ConfigError) as caught:
        drive("optuna", *WORDS, sampler=sampler)
    assert message in str(caught.value)


def test_what_is_missing_is_named(drive: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "cmaes" else find(name))
    with pytest.raises(ConfigError, match="pip install cmaes"):
        drive("optuna", *WORDS, sampler="CmaEsSampler")
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ConfigError, match="pip install optuna"):
        drive("optuna", *WORDS)
