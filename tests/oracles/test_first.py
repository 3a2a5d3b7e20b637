"""Known points, `oracle.first`: every oracle runs them first, once, and goes on as after any other."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hydra.core.config_loader import ConfigLoader

from src.config.command_line import configured, read
from src.errors import ConfigError
from src.oracles import KnownTrial
from src.space import Space, overrides
from src.states import TrialState
from tests.oracles.conftest import Driven, create, score

AXES = ("optimizer=sgd,adam", "model.units=16,32,64", "optimizer.momentum=0.0,0.9")
FIRST = """oracle.first=[["optimizer=sgd","model.units=32"],["optimizer=rmsprop","model.units=40"],["optimizer=sgd","model.units=32"]]"""
EXPECTED = [
    "optimizer=sgd model.units=32 optimizer.momentum=0.0",
    "optimizer=rmsprop model.units=40",  # neither is listed
]
MODELS = ["random", "bayesian", "asha", "hyperband"]
Files = Callable[[dict[str, str]], ConfigLoader]


def words(driven: Driven) -> list[str]:
    points = [{key: text for key, text in point.items() if key != "training.epochs"} for point in driven.points]
    return [" ".join(overrides(point)) for point in points]


@pytest.mark.parametrize("oracle", ["grid", *MODELS, "optuna"])
def test_known_points_run_first_and_once(oracle: str, drive: Callable[..., Driven]) -> None:
    driven = drive(oracle, f"oracle={oracle}", *AXES, FIRST).run()
    found = list(dict.fromkeys(words(driven)))
    assert found[:2] == EXPECTED
    assert len({str(point) for point in driven.points}) == len(driven.points)
    if oracle in ("grid", "random", "bayesian", "optuna"):  # 9 listed points and one beside them
        assert len(found) == driven.oracle.budget == 10


@pytest.mark.parametrize("oracle", [*MODELS, "optuna"])
def test_a_resumed_search_goes_on_as_if_it_had_not_stopped(oracle: str, space: Callable[..., Space]) -> None:
    known = """oracle.first=[["optimizer.learning_rate=0.012345678912345","model.units=40"],["model.units=17"]]"""
    own = space(f"oracle={oracle}", known, "optimizer.learning_rate=tag(log,interval(1e-4,1e-1))", "model.units=choice(16,32,64)")
    driven = Driven(create(own, oracle)).run(most=14)
    assert driven.points[0]["optimizer.learning_rate"] == "0.012345678912345"
    for count in (1, 2, 5):
        again = Driven(create(own, oracle))
        before = Driven(create(own, oracle)).run(most=count)
        trials = [
            KnownTrial(number, proposal, TrialState.FINISHED, score(proposal.point)) for number, proposal in enumerate(before.proposals)
        ]
        again.oracle.restore(before.oracle.state(), trials)
        assert again.oracle.ask(count) == driven.proposals[count]


@pytest.mark.parametrize("oracle", ["asha", "hyperband"])
def test_a_known_point_trains_on_in_later_rungs(oracle: str, drive: Callable[..., Driven]) -> None:
    first = """oracle.first=[["optimizer.learning_rate=0.0123456789","model.units=5000"]]"""
    axes = ("optimizer.learning_rate=tag(log,interval(1e-4,1e-1))", "model.units=choice(16,32,64)")
    driven = drive(oracle, f"oracle={oracle}", first, *axes, max_epochs=9).run()
    own = [one for one in driven.proposals if one.point.get("model.units") == "5000"]
    assert [one.point["optimizer.learning_rate"] for one in own] == ["0.0123456789"] * 3 and own[-1].epochs == 9


def test_the_model_learns_from_a_value_that_is_not_listed(space: Callable[..., Space]) -> None:
    from src.oracles.vectors import Vectors

    vectors = Vectors(space("oracle=bayesian", """oracle.first=[["model.units=40"]]""", "model.units=choice(16,32,64)"))
    rows = [[vectors.row({"model.units": text})] for text in ("16", "32", "40", "64")]
    places = [float(vectors.features(row)[0, 0]) for row in map(np.array, rows)]
    assert places == sorted(places) and len(set(places)) == 4
    assert {vectors.values(row)["model.units"] for row in vectors.rows(np.linspace(0, 0.999, 50)[:, None])} == {"16", "32", "64"}
    assert 0.33 < vectors.cube(np.array(rows[2]))[0, 0] < 0.67  # its neighbours are those of 32


def first(*points: str) -> str:
    return f"oracle.first=[{','.join(points)}]"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (first('["optimizer=adm"]'), "oracle.first: optimizer=adm: optimizer has no option 'adm'; did you mean 'adam'?"),
        (first('["model.units=-3"]'), "oracle.first: model.units=-3: model.units is -3; expected a whole number, at least 1."),
        (first('["model.unit=3"]'), "did you mean 'model.units'?"),
        (first('["seed=3"]'), "oracle.first: seed=3: seed does not vary in this sweep"),
        (first('["optimizer=adam","optimizer.momentum=0.1"]'), "optimizer=adam has no 'optimizer.momentum'"),
        (first('["optimizer.beta_1=0.1"]'), "optimizer=rmsprop has no 'optimizer.beta_1'"),
        (first('["model.units=1,2"]'), "several values; expected one"),
        (first('["model.units=1","model.units=2"]'), "model.units is given 2 times"),
        (first('["optimizer.learning_rate=0.5"]'), "outside of the interval from 0.0001 to 0.1"),
        (first('["model.units=${seed}"]'), "expected one without ${…}"),
        (first('"model.units=3"'), 'expected a list of points, each a list of overrides, such as [["optimizer=adam","model.units=64"]]'),
        ("oracle.first=3", "oracle.first is 3; expected a list"),
        ("oracle.first=[[optimizer=adam]]", "Each override of a point in quotes: 'oracle.first=[["),
    ],
)
def test_mistakes_in_known_points_are_told(line: str, message: str, loader: ConfigLoader) -> None:
    lines = ["oracle=random", *AXES, "optimizer.learning_rate=tag(log,interval(1e-4,1e-1))", line]
    with pytest.raises(ConfigError) as told:
        request = read(loader, lines, multirun=True)
        configured(loader, request, lines)
        Space.of(request)
    assert message in str(told.value)


def test_all_mistakes_are_told_at_once(loader: ConfigLoader) -> None:
    lines = ["oracle=random", *AXES, "+optimizer.clipnorm=1,2", first('["seed=3"]', '["data.fold=1"]')]
    with pytest.raises(ConfigError) as told:
        Space.of(read(loader, lines, multirun=True))
    assert [("seed" in one, "data.fold" in one) for one in told.value.mistakes] == [(True, False), (False, True)]


def test_a_race_and_too_many_points_are_refused(loader: ConfigLoader, space: Callable[..., Space]) -> None:
    lines = ["oracle=race", "seed=range(10)", "model.units=1,2", first('["model.units=1"]')]
    with pytest.raises(ConfigError, match="oracle=race has no"):
        configured(loader, read(loader, lines, multirun=True), lines)
    with pytest.raises(ConfigError, match="2 points; expected at most oracle"):
        create(space("oracle=random", "model.units=choice(1,2,3)", first('["model.units=1"]', '["model.units=2"]')), "random", max_trials=1)
    with pytest.raises(ConfigError, match="2 points; expected at most the 1 that these brackets begin"):
        known = first('["model.units=1"]', '["model.units=2"]')
        create(space("oracle=hyperband", "model.units=choice(1,2,3)", known), "hyperband", max_epochs=1)


SWEEP = """# @package _global_
defaults: [override /oracle: {oracle}]
hydra:
  mode: MULTIRUN
  sweeper:
    params: {{model.units: [16, 32, 64], optimizer: [sgd, adam]}}
    trials: [[model.units=24, optimizer=adam], [model.units=16]]
    exclude: [{{optimizer: sgd, model.units: 64}}]
"""


@pytest.mark.parametrize("oracle", ["random", "bayesian"])
def test_explicit_trials_are_known_points_of_an_oracle_that_proposes_more(oracle: str, conf: Files) -> None:
    loader = conf({"sweeps/mine.yaml": SWEEP.format(oracle=oracle)})
    lines = ["sweeps=mine", """oracle.first=[["model.units=20"]]"""]
    request = read(loader, lines, multirun=False)
    configured(loader, request, lines)
    driven = Driven(create(Space.of(request), oracle)).run()
    assert words(driven)[:3] == ["model.units=20 optimizer=rmsprop", "model.units=24 optimizer=adam", "model.units=16 optimizer=rmsprop"]
    assert len(driven.points) == 5 + 3
    fixed = read(loader, ["sweeps=mine", "model.units=32"], multirun=False)  # the command line wins
    assert [" ".join(overrides(point)) for point in Space.of(fixed).first_points] == [
        "model.units=32 optimizer=adam",
        "model.units=32 optimizer=rmsprop",
    ]
    with pytest.raises(ConfigError, match="a rule of exclude leaves it out"):
        Space.of(read(loader, ["sweeps=mine", """oracle.first=[["model.units=64","optimizer=sgd"]]"""], multirun=False))


def test_a_known_point_has_a_seed_of_the_sweep_and_leaves_out_what_conf_does_not_have(space: Callable[..., Space]) -> None:
    known = 'oracle.first=[["+optimizer.clipnorm=5"],["optimizer=sgd","seed=9"],["model=logistic_regression"]]'
    own = space(
        "oracle=bayesian", known, "seed=3,4", "+optimizer.clipnorm=1,2", "optimizer=sgd,adam", "model=logistic_regression,two_layer"
    )
    assert [" ".join(overrides(point)) for point in own.first_points] == [
        "seed=3 model=two_layer +optimizer.clipnorm=5 optimizer=rmsprop",
        "seed=9 model=two_layer optimizer=sgd",
        "seed=3 model=logistic_regression",
    ]
    assert len(Driven(create(own, "bayesian")).run().points) == own.size == 2 + 2 * 2 * 2 + 2


def test_points_of_an_oracles_file_count(conf: Files) -> None:
    text = '_target_: src.oracles.grid.Grid\nfirst: [["model.units=7"]]\n'
    loader = conf({"oracle/grid.yaml": text})
    own = Space.of(read(loader, ["model.units=8,9"], multirun=True))
    assert [point["model.units"] for point in own.points()] == ["7", "8", "9"]
    assert replace(own, first=()).size == 2


@pytest.mark.parametrize("oracle", ["random", "bayesian", "asha"])
def test_the_defaults_follow(oracle: str, drive: Callable[..., Driven]) -> None:
    driven = drive(oracle, f"oracle={oracle}", "model.units=16,32,100", first('["model.units=32"]'), max_trials=3).run()
    assert words(driven)[:2] == ["model.units=32", "model.units=100"]
    assert "the first trials are those of oracle.first (1), then the defaults of conf/" in driven.oracle.schedule_lines
