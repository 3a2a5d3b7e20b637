"""`when:` of a sweep's file, on any key and value."""

from collections.abc import Callable

import pytest
from hydra.core.config_loader import ConfigLoader

from src.errors import ConfigError
from tests.space.test_checks import lines, space

Conf = Callable[[dict[str, str]], ConfigLoader]
NESTED = {
    "model/net.yaml": "_target_: src.models.net.build\nlayers: 1\nunits: 8\nunits_1: null\nnorm: null\nrate: 0.5\n",
    "sweeps/net.yaml": """# @package _global_
defaults:
  - override /model: net
hydra:
  mode: MULTIRUN
  sweeper:
    params: {model.layers: [1, 2, 3]}
    when:
      model.layers=2,3: {model.units_1: [4, 8]}
      model.units_1=8: {model.norm: [false, true]}
      model.norm=true: {model.rate: [0.1, 0.2]}
""",
}
ALL = [
    "model=net model.layers=1",
    *(f"model=net model.layers={n} model.units_1={rest}" for n in (2, 3) for rest in ("4", "8 model.norm=False")),
    *(f"model=net model.layers={n} model.units_1=8 model.norm=True model.rate={rate}" for n in (2, 3) for rate in (0.1, 0.2)),
]


def when(sweeper: str) -> dict[str, str]:
    head = "# @package _global_\ndefaults:\n  - override /model: net\nhydra:\n  mode: MULTIRUN\n"
    return {**NESTED, "sweeps/mine.yaml": f"{head}  sweeper: {sweeper}\n"}


def test_conditions_on_values_may_be_nested(conf: Conf) -> None:
    assert sorted(lines(conf(NESTED), "sweeps=net")) == sorted(ALL)


@pytest.mark.parametrize("oracle", ["random", "bayesian", "hyperband", "asha"])
def test_a_sampled_point_has_what_its_values_ask_for(oracle: str, conf: Conf) -> None:
    loader = conf(NESTED)
    points = list(space(loader, "sweeps=net", f"oracle={oracle}").samples())
    assert points
    for point in points:
        texts = dict(point)
        assert ("model.units_1" in texts) == (texts["model.layers"] in ("2", "3"))
        assert ("model.norm" in texts) == (texts.get("model.units_1") == "8")
        assert ("model.rate" in texts) == (texts.get("model.norm") == "True")


@pytest.mark.parametrize("value", ["2", "2.0", "+2"])
def test_a_value_may_be_written_otherwise(value: str, conf: Conf) -> None:
    loader = conf(when(f"{{params: {{model.layers: 'choice(1,2)'}}, when: {{model.layers={value}: {{model.units_1: [4, 8]}}}}}}"))
    assert len(lines(loader, "sweeps=mine")) == 3


def test_a_condition_holds_for_each_axis_of_its_key(conf: Conf) -> None:
    own = "model.layers=1: {model.units_1: [4, 8]}, model.units_1=4: {model.rate: [0.1, 0.2]}, model.layers=2: {model.units_1: [4, 8]}"
    loader = conf(when(f"{{params: {{model.layers: [1, 2]}}, when: {{{own}}}}}"))
    assert [line.count("model.rate") for line in lines(loader, "sweeps=mine")] == [1, 1, 0, 1, 1, 0]


def test_a_key_that_is_fixed_decides_too(conf: Conf) -> None:
    loader = conf(NESTED)
    assert lines(loader, "sweeps=net", "model.layers=1") == ["model=net model.layers=1"]
    fixed = lines(loader, "sweeps=net", "model.layers=3", "model.units_1=4")
    assert fixed == ["model=net model.layers=3 model.units_1=4"]
    assert len(lines(loader, "sweeps=net", "model.layers=3", "model.norm=true")) == 4


def test_the_default_of_the_model_decides_where_nothing_else_says(conf: Conf) -> None:
    loader = conf(when("{params: {model.units: [4, 8]}, when: {model.layers=1: {model.rate: [0.1, 0.2]}}}"))
    assert len(lines(loader, "sweeps=mine")) == 4


def test_other_values_take_what_params_say(conf: Conf) -> None:
    loader = conf(when("{params: {model.layers: [1, 2], model.rate: [0.3]}, when: {model.layers=2: {model.rate: [0.1, 0.2]}}}"))
    assert [line.removeprefix("model=net model.") for line in lines(loader, "sweeps=mine")] == [
        "rate=0.3 model.layers=1",
        "rate=0.1 model.layers=2",
        "rate=0.2 model.layers=2",
    ]


@pytest.mark.parametrize(
    ("sweeper", "message"),
    [
        ("{params: {model.layers: [1, 2]}, when: {model.layrs=2: {model.rate: [0.1]}}}", "did you mean 'model.layers'?"),
        (
            "{params: {model.layers: [1, 2]}, when: {model.layers=4: {model.rate: [0.1]}}}",
            "no trial of this sweep has it; expected one of 1, 2",
        ),
        ("{params: {model.layers: [1, 2]}, when: {model.layers=true: {model.rate: [0.1]}}}", "expected one of 1, 2"),
        (
            "{params: {model.rate: 'interval(0.0,0.5)'}, when: {model.rate=0.5: {model.layers: [1, 2]}}}",
            "an interval cannot be a condition",
        ),
        (
            "{params: {seed: [1, 2]}, when: {model.layers=1: {model.units: [4, 8]}, model.units=4: {model.layers: [1, 2]}}}",
            "depends on model.layers; expected conditions without a circle",
        ),
        ("{params: {seed: [1, 2]}, when: {model.layers=1: {model.layers: [1, 2]}}}", "without a circle"),
    ],
)
def test_conditions_that_cannot_hold_are_told(sweeper: str, message: str, conf: Conf) -> None:
    with pytest.raises(ConfigError) as told:
        space(conf(when(sweeper)), "sweeps=mine")
    assert message in str(told.value)
