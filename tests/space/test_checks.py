"""Nothing that was asked for is left out without a word."""

from collections.abc import Callable

import pytest
from hydra.core.config_loader import ConfigLoader

from src.config.command_line import read
from src.config.mistakes import find_mistakes
from src.errors import ConfigError
from src.space import Space, overrides

Conf = Callable[[dict[str, str]], ConfigLoader]
DECAY = "_target_:keras.optimizers.schedules.ExponentialDecay"
COSINE = "{_target_: keras.optimizers.schedules.CosineDecay, initial_learning_rate: 0.01, decay_steps: 9}"
FILES = {
    "optimizer/lion.yaml": "_target_: keras.optimizers.Lion\nlearning_rate: 0.001\n",
    "optimizer/cosine.yaml": f"_target_: keras.optimizers.Adam\nlearning_rate: {COSINE}\n",
    "model/open.yaml": "_target_: src.models.two_layer.build\nkwargs: {}\n",
    "training/smooth.yaml": "defaults: [default, _self_]\nloss: {_target_: keras.losses.CategoricalCrossentropy, label_smoothing: 0.1}\n",
}


def sweep(sweeper: str) -> dict[str, str]:
    return {**FILES, "sweeps/mine.yaml": f"# @package _global_\nhydra:\n  mode: MULTIRUN\n  sweeper: {sweeper}\n"}


def space(loader: ConfigLoader, *words: str) -> Space:
    request = read(loader, list(words), multirun=True)
    if mistakes := find_mistakes(request):
        raise ConfigError(mistakes)
    return Space.of(request)


def lines(loader: ConfigLoader, *words: str) -> list[str]:
    return [" ".join(overrides(point)) for point in space(loader, *words).points()]


RATE = "expected optimizer.learning_rate.initial_learning_rate=…"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("optimizer=lion,cosine optimizer.learning_rate=0.001,0.01", RATE),
        ("optimizer=lion,cosine optimizer.learning_rate=0.001", RATE),
        ("optimizer=cosine optimizer.learning_rate=null", RATE),
        ("optimizer=cosine ++optimizer.learning_rate=0.1,0.2", RATE),
        ("optimizer=cosine +optimizer.learning_rate=0.1", RATE),
        ("optimizer=cosine oracle=random optimizer.learning_rate=interval(0.1,0.2)", RATE),
        ("optimizer=cosine optimizer.learning_rate={decay_steps:3}", "Hydra would merge it with; " + RATE),
        (f"optimizer=cosine optimizer.learning_rate={{{DECAY},initial_learning_rate:1,decay_steps:2,decay_rate:0.9}}", RATE),
        ("training=smooth training.loss=poisson", "expected training.loss.label_smoothing=…"),
        ("model=open model.kwargs={a:1}", "to add keys say +model.kwargs=…"),
        ("+model.key=1,2 +model.key.inner=3", "+model.key=1,2 sets it, too"),
        ("model=logistic_regression +optimizer.clipnorm=1,2", "logistic_regression does not use 'optimizer'"),
        ("training.metrics=[accuracy],[acc]", "a trial does not report it (training.metrics=[acc])"),
        ("training.metrics=[accuracy],[accuracy,mse] objective=val_accuracy,val_mse", "a trial does not report it"),
    ],
)
def test_what_would_be_replaced_or_left_out_is_refused(words: str, message: str, conf: Conf) -> None:
    with pytest.raises(ConfigError) as told:
        space(conf(FILES), *words.split())
    assert message in str(told.value)


def test_a_schedule_is_set_by_its_keys_or_as_a_whole(conf: Conf) -> None:
    loader, key = conf(FILES), "optimizer.learning_rate.initial_learning_rate"
    assert lines(loader, "optimizer=lion,cosine", f"{key}=1,1.0,2") == [
        "optimizer=lion",
        f"optimizer=cosine {key}=1",
        f"optimizer=cosine {key}=2",
    ]
    whole = f"optimizer.learning_rate={COSINE.replace('0.01', '1')}"
    assert lines(loader, "optimizer=cosine", whole) == [f"optimizer=cosine {whole}"]
    assert lines(loader, "model=open", "+model.kwargs={a:1},{a:1.0},{}") == [
        "model=open +model.kwargs={a:1}",
        "model=open +model.kwargs={a:1.0}",
        "model=open +model.kwargs={}",
    ]


def test_mappings_with_keys_of_several_kinds_are_points(conf: Conf) -> None:
    words = ["+model.key={a_b:1,1:4},{1:4,a_b:1},{true:[{1:2,a:3}],1.5:null}"]
    assert lines(conf(FILES), *words) == ["+model.key={a_b:1,1:4}", "+model.key={True:[{1:2,a:3}],1.5:null}"]


def test_ranges_of_their_own_and_trials_are_judged_by_their_own_options(conf: Conf) -> None:
    own = "{optimizer=lion: {optimizer.learning_rate: [0.1]}, optimizer=cosine: {optimizer.learning_rate.initial_learning_rate: [0.2]}}"
    trials = "[[optimizer=lion, optimizer.learning_rate=0.3], [optimizer=cosine, optimizer.learning_rate.decay_steps=4]]"
    loader = conf(
        sweep(f"{{params: {{optimizer: 'lion,cosine'}}, when: {own}}}")
        | {"sweeps/two.yaml": sweep(f"{{trials: {trials}}}")["sweeps/mine.yaml"]}
    )
    assert lines(loader, "sweeps=mine") == [
        "optimizer=lion optimizer.learning_rate=0.1",
        "optimizer=cosine optimizer.learning_rate.initial_learning_rate=0.2",
    ]
    assert len(lines(loader, "sweeps=two")) == 2


@pytest.mark.parametrize(
    ("sweeper", "message"),
    [
        ("{params: {optimizer: adam, optimizer.momentum: [0.1, 0.2]}}", "no trial of this sweep has optimizer.momentum"),
        ("{trials: [[model=one_layer, model.units=3], [model=two_layer, model.units=4]]}", "model.units=3: no trial of this sweep has"),
        ("{params: {optimizer: 'adam,rmsprop', seed: 3}, when: {optimizer=sgd: {seed: [1, 2]}}}", "when optimizer=sgd: no trial"),
        ("{trials: [[optimizer=sgd]], when: {optimizer=sgd: {seed: [1, 2]}}}", "when has no effect on explicit trials"),
        ("{params: {optimizer: 'adam,sgd'}, exclude: [{optimizer: adm}]}", "did you mean 'adam'?"),
        ("{params: {optimizer: 'adam,sgd'}, exclude: [{optimizer: [adam, sgd]}]}", "leaves no trial"),
        ("{params: {+model.key: [{'1': 2}]}}", "has no quotes for keys of a mapping"),
    ],
)
def test_what_a_file_asks_for_in_vain_is_refused(sweeper: str, message: str, conf: Conf) -> None:
    with pytest.raises(ConfigError) as told:
        space(conf(sweep(sweeper)), "sweeps=mine")
    assert message in str(told.value)


def test_what_the_command_line_left_out_is_known(conf: Conf) -> None:
    loader = conf(sweep("{params: {optimizer: sgd, optimizer.momentum: [0.1, 0.2]}}"))
    assert space(loader, "sweeps=mine", "optimizer=adam").absent == ("optimizer.momentum",)
    assert space(loader, "sweeps=mine", "optimizer=adam,sgd").absent == ()


def test_samples_have_axes_whose_parents_have_parents(conf: Conf) -> None:
    params, own = "{model: 'logistic_regression,two_layer', optimizer: 'adam,sgd'}", "{optimizer=sgd: {seed: [1, 2]}}"
    found = list(space(conf(sweep(f"{{params: {params}, when: {own}}}")), "sweeps=mine").samples())
    assert {point.get("seed") for point in found} == {None, "1", "2"}


@pytest.mark.parametrize(
    ("params", "rule", "idle"),
    [
        ("model.units: [8, 16], optimizer: [sgd, adam]", "model.units: 8, optimizer: adam", False),
        ("model.units: [8, 16], optimizer: [sgd, adam]", "model.units: 9", True),
        ("model.units: [8, 16], optimizer: [sgd, adam]", "optimizer: adam, optimizer.momentum: 0.9", True),
        ("optimizer: [sgd, adam], model.dropout: 'interval(0.0,0.5)'", "optimizer: rmsprop", True),
        ("optimizer: [sgd, adam], model.dropout: 'interval(0.0,0.5)'", "model.dropout: 0.7", True),
        ("optimizer: [sgd, adam], model.dropout: 'interval(0.0,0.5)'", "optimizer: adam, model.dropout: 0.5", False),
        ("model.dropout: 'interval(0.0,0.5)'", "model.units: 100, optimizer: rmsprop", False),
        ("model.dropout: 'interval(0.0,0.5)'", "model.units: 99", True),
    ],
)
def test_a_rule_of_exclude_that_matches_nothing_is_told(params: str, rule: str, idle: bool, conf: Conf) -> None:
    loader = conf(sweep(f"{{params: {{{params}}}, exclude: [{{{rule}}}]}}"))
    oracle = "oracle=random" if "interval" in params else "oracle=grid"
    if not idle:
        space(loader, "sweeps=mine", oracle)
        return
    with pytest.raises(ConfigError) as told:
        space(loader, "sweeps=mine", oracle)
    [line] = told.value.mistakes
    assert line.startswith(f"sweeps/mine.yaml: exclude: {rule.replace(': ', '=').replace(', ', ' and ')}: no trial of this sweep has it")
    other = ["model.units=3"] if "units" in rule else ["optimizer=sgd"] if "optimizer" in rule else ["model.dropout=0.2,0.3"]
    space(loader, "sweeps=mine", *other, oracle)  # the command line asks for other trials


PHASES = "training.phases={head: {start: 1, frozen: [hidden]}, all: {start: 5, learning_rate: 1e-4}}"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([PHASES, "training.epochs=4"], "training.phases.all.start=5: the phase would never begin, because training.epochs is 4"),
        ([PHASES, "training.epochs=9,4"], "because training.epochs is 4"),
        ([PHASES, "oracle=asha", "seed=1,2", "oracle.max_epochs=4"], "because oracle.max_epochs is 4"),
        ([PHASES, "training.epochs=5"], ""),
        ([PHASES, "oracle=hyperband", "seed=1,2", "oracle.max_epochs=9"], ""),
    ],
)
def test_a_phase_after_the_last_epoch_is_told(words: list[str], message: str, loader: ConfigLoader) -> None:
    if not message:
        space(loader, *words)
        return
    with pytest.raises(ConfigError) as told:
        space(loader, *words)
    assert len(told.value.mistakes) == 1 and message in told.value.mistakes[0]
