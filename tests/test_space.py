import shutil
from collections.abc import Callable
from pathlib import Path

import hydra
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

from src.config.command_line import read
from src.config.composer import Composer
from src.config.mistakes import find_mistakes
from src.config.paths import CONF
from src.space import Interval, Space, active_hash, overrides
from src.space.values import varying

MakeSpace = Callable[..., Space]
SWEEP = """# @package _global_
hydra:
  sweeper:
    params: {optimizer: "sgd,adam,rmsprop", optimizer.learning_rate: "0.5", model.dropout: [0, 0.3]}
    when:
      optimizer=sgd: {optimizer.learning_rate: [0.1, 0.01]}
      optimizer=adam: {optimizer.learning_rate: 0.001}
    exclude: [{optimizer: adam, model.dropout: 0.3}, {optimizer.learning_rate: [1e-2]}]
"""


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


def test_intervals_are_axes(space: MakeSpace) -> None:
    found = space("model.units=int(interval(8,10))", "optimizer.learning_rate=tag(log, interval(1e-4,1e-1))")
    assert [axis.domain for axis in found.axes] == [Interval(8, 10, integer=True), Interval(1e-4, 0.1, log=True)]
    assert found.size is None and space("model.units=int(interval(8,10))").size == 3
    assert next(iter(found.samples())) == {"model.units": "8", "optimizer.learning_rate": "0.0001"}


def test_an_axis_knows_the_options_that_have_it(space: MakeSpace) -> None:
    found = space("optimizer.momentum=0.8,0.9", "model=logistic_regression,two_layer", "optimizer=sgd,adam", "model.dropout=0,0.3")
    conditions = {axis.key: dict(axis.conditions) for axis in found.axes}
    assert conditions["optimizer.momentum"] == {"model": ("two_layer",), "optimizer": ("sgd",)}
    assert conditions["optimizer"] == conditions["model.dropout"] == {"model": ("two_layer",)}
    assert [axis.key for axis in found.axes] == ["model", "optimizer", "optimizer.momentum", "model.dropout"]
    assert found.size == 1 + 4 + 2 and found.raw_size == 16


def test_ranges_of_their_own_per_option_and_exclusions(tmp_path: Path) -> None:
    shutil.copytree(CONF, tmp_path / "conf")
    (tmp_path / "conf" / "sweeps" / "mine.yaml").write_text(SWEEP)

    def found(*words: str) -> list[str]:
        with hydra.initialize_config_dir(str(tmp_path / "conf"), version_base="1.3"):
            request = read(GlobalHydra.instance().config_loader(), ["sweeps=mine", *words], multirun=True)
            assert find_mistakes(request) == []
            return lines(Space.of(request))

    assert sorted(found()) == [
        "optimizer.learning_rate=0.001 optimizer=adam model.dropout=0",
        "optimizer.learning_rate=0.1 optimizer=sgd model.dropout=0",
        "optimizer.learning_rate=0.1 optimizer=sgd model.dropout=0.3",
        "optimizer.learning_rate=0.5 optimizer=rmsprop model.dropout=0",
        "optimizer.learning_rate=0.5 optimizer=rmsprop model.dropout=0.3",
    ]
    assert len(found("optimizer.learning_rate=0.2")) == 5
    assert found("optimizer=sgd", "model.dropout=0") == ["optimizer.learning_rate=0.1 optimizer=sgd model.dropout=0"]


def test_a_trial_has_one_of_the_ranges_of_a_key(conf: Callable[..., ConfigLoader]) -> None:
    loader = conf({"sweeps/mine.yaml": SWEEP.replace('"0.5"', "[0.5, 0.6]")})
    axes = Space.of(read(loader, ["sweeps=mine"], multirun=True)).axes
    options = [dict(axis.conditions)["optimizer"] for axis in axes if axis.key == "optimizer.learning_rate"]
    assert sorted(name for names in options for name in names) == ["adam", "rmsprop", "sgd"]


def test_samples_show_every_word_and_the_ends_of_numbers(space: MakeSpace) -> None:
    found = list(space("model.units=range(1,100)", "optimizer=sgd,adam", "optimizer.momentum=0.8,0.9", "seed=range(1,1000)").samples())
    assert {point["model.units"] for point in found} == {"1", "99"} and {point["optimizer"] for point in found} == {"sgd", "adam"}
    assert {point.get("optimizer.momentum") for point in found} == {"0.8", "0.9", None} and len(found) < 10


def test_shuffled_values_have_the_same_order_every_time(space: MakeSpace) -> None:
    assert lines(space("seed=shuffle(range(1,50))")) == lines(space("seed=shuffle(range(1,50))")) != lines(space("seed=range(1,50)"))


def test_fractions_of_a_range_are_exact(space: MakeSpace) -> None:
    assert lines(space("model.dropout=range(0,0.9,0.1)"))[7] == "model.dropout=0.7"


def test_fixed_values_go_along(space: MakeSpace) -> None:
    assert lines(space("seed=1,2", "training.epochs=3")) == ["training.epochs=3 seed=1", "training.epochs=3 seed=2"]


def test_a_named_sweep_and_the_command_line_that_wins(space: MakeSpace) -> None:
    assert len(lines(space("sweeps=dropout"))) == 5
    assert lines(space("sweeps=dropout", "model.dropout=0.4")) == ["optimizer=adam model.dropout=0.4"]
    assert all("optimizer=sgd " in line for line in lines(space("sweeps=dropout", "optimizer=sgd")))
    assert not any("sweeps=" in line for line in lines(space("sweeps=dropout")))


def test_explicit_trials(space: MakeSpace) -> None:
    notebook = space("sweeps=notebook")
    assert len(lines(notebook)) == 1 + 10 * 5, "what a trial sets itself is not varied"
    assert notebook.raw_size == 51, "there are no duplicates"
    assert lines(notebook)[0] == "model=logistic_regression seed=42"
    assert len(lines(space("sweeps=notebook", "seed=1,2"))) == 22, "the command line wins"


def test_swept_keys_are_those_that_vary(space: MakeSpace) -> None:
    assert space("optimizer=sgd,adam", "training.epochs=3", "model.units=choice(8)").swept == ["optimizer"]
    assert {"model", "optimizer", "model.dropout"} <= set(space("sweeps=notebook").swept)


def test_the_fingerprint_does_not_depend_on_the_way_of_writing(space: MakeSpace) -> None:
    assert space("model.units=8,16").fingerprint == space("model.units=range(8,24,8)").fingerprint != space("model.units=8,17").fingerprint


def test_a_pasted_trial_composes_to_the_same_configuration(space: MakeSpace, loader: ConfigLoader) -> None:
    for point in space("sweeps=notebook", "seed=1").points():
        once, twice = (Composer(loader)(overrides(p)) for p in (point, next(space(*overrides(point)).points())))
        assert OmegaConf.to_yaml(once.training) == OmegaConf.to_yaml(twice.training)
        assert OmegaConf.to_yaml(once.model) == OmegaConf.to_yaml(twice.model)


def test_the_active_hash_ignores_what_the_model_does_not_use(compose: Callable[..., dict]) -> None:
    baseline = ("model=logistic_regression",)
    assert active_hash(compose(*baseline, "optimizer=sgd")) == active_hash(compose(*baseline, "optimizer=adam"))
    assert active_hash(compose("seed=1")) != active_hash(compose("seed=2"))
    assert active_hash(compose("seed=1"), repeats=False) == active_hash(compose("seed=2"), repeats=False)
    folds = [compose("data.folds=5", f"data.fold={fold}") for fold in (0, 1)]
    assert active_hash(folds[0]) != active_hash(folds[1])
    assert active_hash(folds[0], repeats=False) == active_hash(folds[1], repeats=False) != active_hash(compose(), repeats=False)


def test_the_active_hash_is_one_of_values_and_not_of_texts(compose: Callable[..., dict]) -> None:
    written = ("0.01", "1e-2", "0.010")
    assert len({active_hash(compose(f"optimizer.learning_rate={text}")) for text in written}) == 1
    assert active_hash(compose("optimizer=rmsprop")) == active_hash(compose()), "which is the default"
    assert active_hash(compose("model.dropout=0")) == active_hash(compose("model.dropout=0.0"))
    assert active_hash(compose("+model.x=1")) != active_hash(compose("+model.x='1'")) != active_hash(compose("+model.x=true"))


def test_what_varies_is_told_by_values_and_only_as_far_as_it_is_needed() -> None:
    sgd = {"optimizer": "sgd", "optimizer.learning_rate": 0.1, "optimizer.momentum": 0.9, "training.epochs": 20}
    adam = {"optimizer": "adam", "optimizer.learning_rate": 0.001, "training.epochs": 20}
    assert varying([sgd, adam], ["optimizer", "training.epochs"]) == ["optimizer"]
    assert varying([sgd, adam], []) == ["optimizer"], "a choice stands for what is below it"
    assert varying([sgd, sgd | {"training.epochs": 5}], ["optimizer"]) == ["training.epochs"], "although no override names it"
    assert varying([sgd, sgd | {"optimizer.learning_rate": 1e-1}], ["optimizer.learning_rate"]) == []
