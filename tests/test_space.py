from collections.abc import Callable

from hydra.core.config_loader import ConfigLoader
from hydra.types import RunMode
from omegaconf import OmegaConf

from src.space import Space, active_hash, overrides

MakeSpace = Callable[..., Space]


def lines(space: Space) -> list[str]:
    return [" ".join(overrides(point)) for point in space.points()]


def test_the_last_axis_varies_fastest(space: MakeSpace) -> None:
    assert lines(space("optimizer=sgd,adam", "model.units=8,16")) == [
        "optimizer=sgd model.units=8",
        "optimizer=sgd model.units=16",
        "optimizer=adam model.units=8",
        "optimizer=adam model.units=16",
    ]


def test_choice_range_and_glob(space: MakeSpace) -> None:
    assert lines(space("model.units=choice(8,16)")) == lines(space("model.units=8,16")) == lines(space("model.units=range(8,24,8)"))
    assert lines(space("optimizer=glob(sgd_*)")) == ["optimizer=sgd_momentum", "optimizer=sgd_nesterov"]


def test_a_key_that_only_some_options_have_varies_for_those_alone(space: MakeSpace) -> None:
    assert lines(space("optimizer=sgd,adam", "optimizer.momentum=0.8,0.9")) == [
        "optimizer=sgd optimizer.momentum=0.8",
        "optimizer=sgd optimizer.momentum=0.9",
        "optimizer=adam",
    ]


def test_the_baseline_runs_once(space: MakeSpace) -> None:
    found = lines(space("model=logistic_regression,two_layer", "optimizer=sgd,adam", "model.dropout=0,0.3", "training.epochs=2"))
    assert len(found) == 5
    assert found[0] == "model=logistic_regression"


def test_an_added_argument_of_a_group_that_rests_is_not_varied(space: MakeSpace) -> None:
    found = lines(space("model=logistic_regression,two_layer", "+optimizer.clipnorm=1,2"))
    assert found == ["model=logistic_regression", "model=two_layer +optimizer.clipnorm=1", "model=two_layer +optimizer.clipnorm=2"]


def test_trials_equal_in_their_active_keys_are_one(space: MakeSpace) -> None:
    assert lines(space("optimizer=sgd,sgd_momentum", "optimizer.momentum=0.9")) == ["optimizer.momentum=0.9 optimizer=sgd"]
    assert len(lines(space("optimizer.learning_rate=0.001,1e-3,0.01"))) == 2


def test_fixed_values_go_along(space: MakeSpace) -> None:
    assert lines(space("seed=1,2", "training.epochs=3")) == ["training.epochs=3 seed=1", "training.epochs=3 seed=2"]


def test_a_named_sweep_and_the_command_line_that_wins(space: MakeSpace) -> None:
    assert len(lines(space("sweeps=dropout"))) == 5
    assert lines(space("sweeps=dropout", "model.dropout=0.4")) == ["optimizer=adam model.dropout=0.4"]
    assert all("optimizer=sgd " in line for line in lines(space("sweeps=dropout", "optimizer=sgd")))
    assert not any("sweeps=" in line for line in lines(space("sweeps=dropout")))


def test_explicit_trials(space: MakeSpace) -> None:
    notebook = space("sweeps=notebook")
    assert len(lines(notebook)) == 11
    assert lines(notebook)[0] == "model=logistic_regression"
    assert len(lines(space("sweeps=notebook", "seed=1,2"))) == 22


def test_swept_keys_are_those_that_vary(space: MakeSpace) -> None:
    assert space("optimizer=sgd,adam", "training.epochs=3", "model.units=choice(8)").swept == ["optimizer"]
    assert {"model", "optimizer", "model.dropout"} <= set(space("sweeps=notebook").swept)


def test_the_fingerprint_does_not_depend_on_the_way_of_writing(space: MakeSpace) -> None:
    assert space("model.units=8,16").fingerprint == space("model.units=range(8,24,8)").fingerprint != space("model.units=8,17").fingerprint


def test_a_pasted_trial_composes_to_the_same_configuration(space: MakeSpace, loader: ConfigLoader) -> None:
    for point in space("sweeps=notebook").points():
        once, twice = (
            loader.load_configuration("config", overrides(p), RunMode.RUN) for p in (point, next(space(*overrides(point)).points()))
        )
        assert OmegaConf.to_yaml(once.training) == OmegaConf.to_yaml(twice.training)
        assert OmegaConf.to_yaml(once.model) == OmegaConf.to_yaml(twice.model)


def test_the_active_hash_ignores_what_the_model_does_not_use(compose: Callable[..., dict]) -> None:
    baseline = ("model=logistic_regression",)
    assert active_hash(compose(*baseline, "optimizer=sgd")) == active_hash(compose(*baseline, "optimizer=adam"))
    assert active_hash(compose("seed=1")) != active_hash(compose("seed=2"))
    assert active_hash(compose("seed=1"), seed=False) == active_hash(compose("seed=2"), seed=False)
