from types import SimpleNamespace

import numpy as np
import pytest
from hydra.core.config_loader import ConfigLoader
from hydra.types import RunMode

from src.errors import ConfigError
from src.promotion import gates
from src.promotion.comparison import Comparison, compare
from src.promotion.gates import Gates
from tests.conftest import options

OPEN = dict.fromkeys(("least", "chance", "min_score", "max_megabytes", "max_milliseconds"))
BETTER = Comparison(0.01, (0.002, 0.018), 0.01, "McNemar's exact test")


def refusals(against: Comparison, opening: int = 1, champion: bool = True, finite: bool = True, **demanded: float) -> list[str]:
    challenger = SimpleNamespace(score=0.88, measure="test accuracy", run=SimpleNamespace(megabytes=1.5), milliseconds=3.0, finite=finite)
    return gates.refusals(Gates(**{**OPEN, **demanded}), challenger, challenger if champion else None, against, opening)


def test_equal_models_are_not_better() -> None:
    same = np.ones(10, bool)
    [reason] = refusals(compare(same, same), chance=0.05, least=0.0)
    assert reason == "not better than the champion beyond chance: p = 1 by McNemar's exact test, expected below 0.03"


def test_where_nothing_is_demanded_only_numbers_are() -> None:
    worse = Comparison(-0.5, (-0.6, -0.4), 1.0, "random exchanges")
    assert refusals(worse) == []
    assert refusals(worse, finite=False) == ["weights or predictions that are not finite, expected numbers"]


def test_without_a_champion_there_is_no_gain_to_demand() -> None:
    assert refusals(BETTER, champion=False, least=0.02) == []
    [reason] = refusals(BETTER, champion=False, chance=0.001)
    assert reason.startswith("not better than a constant answer beyond chance")


@pytest.mark.parametrize(
    ("demanded", "message"),
    [
        ({"min_score": 0.9}, "test accuracy 0.8800, expected at least 0.9"),
        ({"least": 0.02}, "+0.0100 against the champion, expected at least 0.02"),
        ({"chance": 0.001}, "p = 0.01 by McNemar's exact test, expected below 0.00061"),
        ({"max_megabytes": 1.0}, "1.50 MB, expected at most 1.0"),
        ({"max_milliseconds": 2.0}, "3.0 ms for one example, expected at most 2.0"),
    ],
)
def test_each_gate_refuses_with_what_it_received_and_expected(demanded: dict[str, float], message: str) -> None:
    [reason] = refusals(BETTER, **demanded)
    assert message in reason
    assert refusals(BETTER, chance=0.05, least=-0.01) == []


def test_a_later_opening_asks_for_more_and_all_together_spend_the_budget() -> None:
    assert refusals(BETTER, opening=1, chance=0.05) == []
    assert "expected below 0.0076" in refusals(BETTER, opening=2, chance=0.05)[0]
    levels = [Gates(**{**OPEN, "chance": 0.05}).level(opening) for opening in range(1, 100_000)]
    assert sum(levels) == pytest.approx(0.05, abs=1e-6) and sum(levels) <= 0.05


def test_an_option_is_read_and_its_mistakes_are_told_together(loader: ConfigLoader) -> None:
    found = {}
    for name in options("promotion"):
        config = loader.load_configuration("config", [f"promotion={name}"], RunMode.RUN)
        found[name] = Gates.of(name, dict(config.promotion))
    assert found["default"].chance == 0.05 and found["none"] == Gates(**OPEN)
    with pytest.raises(ConfigError) as told:
        Gates.of("x", {**OPEN, "chance": "low", "lest": 0.1, "max_p_value": 0.05})
    assert [mistake.partition(";")[0].partition(" Keys")[0] for mistake in told.value.mistakes] == [
        "conf/promotion/x.yaml: there is no 'lest'",
        "conf/promotion/x.yaml: there is no 'max_p_value'.",
        "conf/promotion/x.yaml: chance is 'low'",
    ]
