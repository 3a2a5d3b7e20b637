"""The contract of every oracle of conf/oracle/, and the faults of KerasTuner that must not come through."""

import itertools
import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from src.oracles import KnownTrial
from src.space import Axis, Interval, Space
from tests.conftest import options
from tests.oracles.conftest import Driven, create

ORACLES = options("oracle")
ADAPTIVE = [name for name in ORACLES if name not in ("grid", "race")]
FINITE = ("optimizer=sgd,adam,rmsprop", "optimizer.momentum=0.8,0.9", "model.units=8,16,32")  # 15 points: adam has no momentum
ENDLESS = (
    "optimizer=sgd,adam",
    "optimizer.learning_rate=tag(log,interval(1e-4,1e-1))",
    "model.units=int(interval(16,128))",
    "optimizer.momentum=interval(0,0.9)",
)
BUDGETS: dict[str, dict] = {"grid": {}, "random": {"max_trials": 14}, "bayesian": {"max_trials": 14, "initial_points": 5}}
BUDGETS |= {"hyperband": {"max_epochs": 9}, "asha": {"max_trials": 12, "max_epochs": 9}, "race": {}, "optuna": {"max_trials": 14}}
CHOOSING_EPOCHS = ("asha", "hyperband")
SEEDED = (*FINITE, "seed=1,2,3")  # a race wants configurations with seeds
CASES = [("grid", FINITE), ("race", SEEDED), *((name, words) for name in ADAPTIVE for words in (FINITE, ENDLESS))]


@pytest.fixture(autouse=True)
def few_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all candidates Bayesian optimization finds better points, in ten times the time."""
    monkeypatch.setattr("src.oracles.surrogate.CANDIDATES", 100)


def identities(driven: Driven, space: Space) -> list[str]:
    return [space.identity(point) for point in driven.points]


def test_all_oracles_are_found() -> None:
    assert len(ORACLES) >= 4 and set(BUDGETS) <= set(ORACLES)


@pytest.mark.parametrize("in_flight", [1, 4])
@pytest.mark.parametrize(("name", "words"), CASES)
def test_no_trial_is_proposed_twice(name: str, words: tuple, in_flight: int, drive: Callable, space: Callable) -> None:
    driven = drive(name, *words, **BUDGETS[name]).run(in_flight=in_flight)
    found = identities(driven, space(*words))
    assert len(found) == len(set(found)) >= 12
    assert driven.oracle.budget is not None and len(found) <= driven.oracle.budget


@pytest.mark.parametrize("name", [name for name in ORACLES if name not in (*CHOOSING_EPOCHS, "race")])
def test_of_a_finite_space_no_point_is_missed(name: str, drive: Callable, space: Callable) -> None:
    """KerasTuner's random search misses points of 29 in 100 seeds, its Bayesian optimization proposes 6 of 20 trials."""
    settings = {} if name == "grid" else {"max_trials": 100}
    for seed in (0, 1, 2) if settings else (0,):
        driven = drive(name, *FINITE, **settings, **({"seed": seed} if settings else {})).run()
        assert set(identities(driven, space(*FINITE))) == set(space(*FINITE).listed)


@pytest.mark.parametrize(("name", "words"), CASES)
def test_the_sequence_after_a_death_is_the_undisturbed_one(name: str, words: tuple, drive: Callable) -> None:
    undisturbed = drive(name, *words, **BUDGETS[name]).run()
    for dies_at in range(1, len(undisturbed.proposals), 3):
        before = drive(name, *words, **BUDGETS[name]).run(most=dies_at - 1)
        number = len(before.proposals)
        running = before.oracle.ask(number)
        state = json.loads(json.dumps(before.oracle.state()))
        after = drive(name, *words, **BUDGETS[name])
        ended = [KnownTrial(n, proposal, "FINISHED", before.scores[n]) for n, proposal in enumerate(before.proposals)]
        after.oracle.restore(state, [*ended, KnownTrial(number, running, "RUNNING", None)])
        after.proposals = [*before.proposals, running]
        after.scores, score_of_it = dict(before.scores), undisturbed.scores[number]
        after._tell(number, lambda _, value=score_of_it: value)
        assert after.run().proposals == undisturbed.proposals


@pytest.mark.parametrize("name", ADAPTIVE)
def test_the_seed_decides_and_zero_is_a_seed(name: str, drive: Callable) -> None:
    def points(seed: int) -> list:
        return drive(name, *ENDLESS, **BUDGETS[name], seed=seed).run().points

    assert points(0) == points(0) != points(1) == points(1)


@pytest.mark.parametrize(("name", "words"), CASES)
def test_failures_do_not_end_the_search(name: str, words: tuple, drive: Callable) -> None:
    """KerasTuner gives up after three in a row, ever after."""
    driven = drive(name, *words, **BUDGETS[name])
    driven.run(lambda point: None if len(driven.scores) < 6 else 0.5)
    assert sum(score is not None for score in driven.scores.values()) >= 4


@pytest.mark.parametrize("name", ADAPTIVE)
def test_endless_failures_come_to_an_end(name: str, drive: Callable) -> None:
    driven = drive(name, *ENDLESS, **BUDGETS[name]).run(lambda point: None)
    assert len(driven.proposals) <= 2 * driven.oracle.budget


@pytest.mark.parametrize("name", ADAPTIVE)
def test_only_active_keys_are_proposed_and_numbers_lie_in_their_ranges(name: str, drive: Callable) -> None:
    for point in drive(name, *ENDLESS, **BUDGETS[name]).run().points:
        assert ("optimizer.momentum" in point) == (point["optimizer"] == "sgd")
        assert 1e-4 <= float(point["optimizer.learning_rate"]) <= 0.1 and 16 <= int(point["model.units"]) <= 128
        assert len(point["optimizer.learning_rate"]) <= 12, "six digits are enough"


@pytest.mark.parametrize("name", ADAPTIVE)
def test_a_logarithmic_interval_is_drawn_by_its_logarithm(name: str, drive: Callable) -> None:
    settings = {"max_epochs": 81} if name == "hyperband" else {"max_trials": 60, **({"initial_points": 60} if name == "bayesian" else {})}
    rates = [float(p["optimizer.learning_rate"]) for p in drive(name, *ENDLESS, **settings).run(lambda point: 0.5, most=60).points]
    assert 15 < sum(rate < 3.16e-3 for rate in rates) < 45


@pytest.mark.parametrize("name", ADAPTIVE)
def test_the_foreseen_trials_do_not_depend_on_scores(name: str, drive: Callable) -> None:
    one, other = (drive(name, *ENDLESS, **BUDGETS[name]) for _ in range(2))
    known_in_advance = one.oracle.known_in_advance
    assert 0 < known_in_advance <= one.oracle.budget
    assert one.run(most=known_in_advance).points == other.run(lambda point: -1.0, most=known_in_advance).points


@pytest.mark.parametrize("name", ORACLES)
def test_nothing_is_written(name: str, drive: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    drive(name, *(SEEDED if name == "race" else FINITE), **BUDGETS[name]).run()
    assert not list(tmp_path.iterdir()) and capsys.readouterr().out == ""


@pytest.mark.parametrize("name", ORACLES)
def test_excluded_points_are_not_proposed(name: str, space: Callable[..., Space]) -> None:
    from dataclasses import replace

    whole = space(*(SEEDED if name == "race" else FINITE))
    rule = next(one for one in space("optimizer=adam").fixed if one.key == "optimizer")
    driven = Driven(create(replace(whole, exclude=((rule,),)), name, **BUDGETS[name])).run()
    assert driven.points and not any(point["optimizer"] == "adam" for point in driven.points)


def test_a_larger_budget_goes_on(drive: Callable) -> None:
    whole = drive("random", *ENDLESS, max_trials=9).run()
    first, then = drive("random", *ENDLESS, max_trials=5).run(), drive("random", *ENDLESS, max_trials=9)
    then.oracle.restore({}, [KnownTrial(n, p, "FINISHED", first.scores[n]) for n, p in enumerate(first.proposals)])
    then.proposals = list(first.proposals)
    assert then.run().points == whole.points


@pytest.mark.parametrize("name", ADAPTIVE)
@settings(max_examples=20, derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(low=st.integers(1, 10**17), width=st.integers(1, 10**17), small=st.floats(1e-9, 1), share=st.floats(1e-6, 10))
def test_no_value_leaves_its_interval(name: str, space: Callable[..., Space], low: int, width: int, small: float, share: float) -> None:
    """The ends of KerasTuner's vectors are its faults: for a 1 its logarithmic Int gives one too many."""
    whole, fraction = (low, low + width), (small, small * (1 + share))
    domains = {"seed": Interval(*whole, integer=True), "data.split_seed": Interval(*whole, integer=True, log=True)}
    domains |= {"optimizer.learning_rate": Interval(*fraction), "optimizer.rho": Interval(*fraction, log=True)}
    axes = tuple(Axis(key, domain) for key, domain in domains.items())
    oracle = create(replace(space(), axes=axes), name, **BUDGETS[name])
    below, distinct = math.nextafter(1, 0), set()
    for vector in itertools.product((0.0, 1e-17, 0.3, 0.7, below), (0.0, below, 1.0)):
        probabilities = [vector[0], vector[1], vector[0], vector[1]]
        values = {axis.name: axis.prob_to_value(one) for axis, one in zip(oracle.hyperparameters.space, probabilities, strict=True)}
        point = oracle.point(values)
        for key, domain in domains.items():
            value = (int if domain.integer else float)(point[key])
            assert domain.low <= value <= domain.high and point[key] == repr(value)
        distinct.add(point["optimizer.learning_rate"])
    assert len(distinct) >= 4, "an interval narrower than six digits is not one number"


def test_bayesian_candidates_stay_in_a_logarithmic_interval_of_whole_numbers(drive: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("src.oracles.surrogate.CANDIDATES", 200)
    words = ("model.units=tag(log,int(interval(2,4)))", "optimizer.learning_rate=tag(log,interval(5e-3,5e-2))")
    for seed in (1, 2):
        driven = drive("bayesian", *words, max_trials=6, initial_points=2, seed=seed).run(lambda point: int(point["model.units"]) / 10)
        assert {point["model.units"] for point in driven.points} <= {"2", "3", "4"}


@pytest.mark.parametrize("name", ["random", "bayesian"])
def test_the_first_trial_has_the_defaults_where_the_space_has_them(name: str, drive: Callable) -> None:
    words = (
        "optimizer=adagrad,rmsprop",
        "model.units=int(interval(16,128))",
        "optimizer.rho=0.8,0.9",
        "optimizer.initial_accumulator_value=interval(0.2,0.9)",
    )
    first, *others = drive(name, *words, max_trials=6).run().points
    assert first == {"optimizer": "rmsprop", "model.units": "100", "optimizer.rho": "0.9"}, "adagrad alone has an accumulator"
    assert first not in others
    elsewhere = drive(name, "model.units=int(interval(16,64))", max_trials=6).run()
    assert len(elsewhere.points) == 6 and not elsewhere.oracle.schedule_lines
