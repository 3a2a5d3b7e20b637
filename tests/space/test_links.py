"""`${model.units}`: a key that takes the value of another one, trial by trial, on the command line and in a file."""

from collections.abc import Callable

import pytest
from hydra.core.config_loader import ConfigLoader

from src.config.command_line import configured, read
from src.config.composer import Composer
from src.errors import ConfigError
from src.space import Space, overrides
from tests.oracles.conftest import Driven, create

LINK = "training.batch_size=${model.units}"
Conf = Callable[[dict[str, str]], ConfigLoader]


def space_of(loader: ConfigLoader, *lines: str) -> Space:
    request = read(loader, list(lines), multirun=True)
    configured(loader, request, list(lines))
    return Space.of(request)


@pytest.mark.parametrize("oracle", ["grid", "random", "bayesian", "hyperband", "asha", "race"])
def test_two_keys_have_one_value_in_every_trial(oracle: str, loader: ConfigLoader) -> None:
    seeds = ["seed=range(3)"] if oracle == "race" else ["optimizer=sgd,adam"]
    driven = Driven(create(space_of(loader, f"oracle={oracle}", LINK, "model.units=32,64,48", *seeds), oracle)).run()
    pairs = {(point["model.units"], point["training.batch_size"]) for point in driven.points}
    assert pairs == {(units, units) for units in ("32", "64", "48")}
    config = Composer(loader)(overrides(driven.points[0]))
    assert config.training.batch_size == config.model.units and "${" not in str(overrides(driven.points[0]))


def test_intervals_known_points_and_words_link_too(loader: ConfigLoader) -> None:
    first = 'oracle.first=[["model.units=41"]]'
    driven = Driven(create(space_of(loader, "oracle=bayesian", LINK, "model.units=int(interval(16,64))", first), "bayesian")).run(most=8)
    assert all(point["model.units"] == point["training.batch_size"] for point in driven.points) and driven.points[0]["model.units"] == "41"
    chain = space_of(loader, "data.split_seed=${training.batch_size}", LINK, "model.units=2,3")
    assert [chain.leaves(point)["data.split_seed"] for point in chain.points()] == [2, 3]
    words = space_of(loader, "+model.more=${model.activation}", "model.activation=relu,tanh")
    assert [words.leaves(point)["model.more"] for point in words.points()] == ["relu", "tanh"]
    assert [point["training.batch_size"] for point in space_of(loader, LINK, "seed=1,2").points()] == ["100", "100"]


def test_a_file_links_in_params_and_in_trials(conf: Conf) -> None:
    head = "# @package _global_\nhydra:\n  mode: MULTIRUN\n  sweeper:\n"
    params = "    params: {model.units: [32, 64], training.batch_size: '${model.units}'}\n"
    trials = "    trials: [[model.units=8, 'training.batch_size=${model.units}'], [model.units=9]]\n"
    loader = conf({"sweeps/mine.yaml": head + params, "sweeps/trials.yaml": head + trials})
    assert [point["training.batch_size"] for point in space_of(loader, "sweeps=mine").points()] == ["32", "64"]
    assert [point.get("training.batch_size") for point in space_of(loader, "sweeps=trials").points()] == ["8", None]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["training.batch_size=${model.unit}"], "model=two_layer has no 'model.unit'; did you mean 'model.units'?"),
        ([LINK, "model=one_layer,two_layer", "model.units=3,4"], "model=one_layer has no 'model.units'."),
        (["training.batch_size=${model.dropout}"], "training.batch_size is 0.0; expected a whole number, at least 1."),
        ([LINK, "model.units=${training.batch_size}"], "training.batch_size → model.units → training.batch_size is a circle"),
        (["training.batch_size=${model.units},32"], "a link stands for all values of the other key"),
    ],
)
def test_links_that_lead_nowhere_are_told(lines: list[str], message: str, loader: ConfigLoader) -> None:
    with pytest.raises(ConfigError) as told:
        space_of(loader, *lines)
    assert message in str(told.value)
