"""Which hyperparameters a hypermodel asks for, and under which values of others."""

from collections.abc import Callable

import keras_tuner as kt
import pytest

from src.adopting.discovery import Found, discover, values_of


def found(build: Callable[[kt.HyperParameters], object], **options: object) -> dict[str, Found]:
    return {one.name: one for one in discover(build, options.pop("given", None), closed=bool(options), **options)}  # type: ignore[arg-type]


def conditions(build: Callable[[kt.HyperParameters], object]) -> dict[str, object]:
    return {name: one.condition for name, one in found(build).items()}


def test_conditions_are_those_of_the_code() -> None:
    def build(hp: kt.HyperParameters) -> None:
        for number in range(hp.Int("layers", 1, 3)):
            hp.Int(f"units_{number}", 4, 8)
        if hp.Boolean("drop") and hp.Choice("kind", ["a", "b"]) == "b":
            hp.Float("rate", 0, 1)

    assert conditions(build) == {
        **{"layers": None, "units_0": None, "units_1": ("layers", (2, 3)), "units_2": ("layers", (3,)), "drop": None},
        **{"kind": ("drop", (True,)), "rate": ("kind", ("b",))},
    }


def test_scopes_say_conditions_and_the_code_may_say_more() -> None:
    def build(hp: kt.HyperParameters) -> None:
        kind = hp.Choice("kind", ["wide", "deep"])
        with hp.conditional_scope("kind", ["wide"]):
            if kind == "wide":
                hp.Int("units", 4, 8)
        with hp.conditional_scope("kind", ["deep"]):
            if kind == "deep":
                for number in range(hp.Int("depth", 1, 2)):
                    with hp.name_scope(f"layer_{number}"):
                        hp.Int("units", 4, 8)

    assert conditions(build) == {
        **{"kind": None, "units": ("kind", ("wide",)), "depth": ("kind", ("deep",))},
        **{"layer_0/units": ("kind", ("deep",)), "layer_1/units": ("depth", (2,))},
    }


def test_what_a_range_decides_is_searched_in_all_models_and_said() -> None:
    def build(hp: kt.HyperParameters) -> None:
        if hp.Float("rate", 0, 1) > 0.5:
            hp.Int("units", 4, 8)

    units = found(build)["units"]
    assert units.condition is None
    assert units.lines == ("units is used in some models only, and no listed hyperparameter decides in which; it is searched in all",)


def test_one_name_with_other_values_is_said() -> None:
    def build(hp: kt.HyperParameters) -> None:
        hp.Int("units", 64, 128) if hp.Choice("kind", ["wide", "narrow"]) == "wide" else hp.Int("units", 4, 8)

    units = found(build)["units"]
    assert (units.parameter.min_value, units.parameter.max_value) == (64, 128)
    assert units.lines == ("units is used with other values, too; as in KerasTuner, the first ones count",)


def test_values_that_fail_do_not_hide_the_others() -> None:
    def build(hp: kt.HyperParameters) -> None:
        if hp.Choice("kind", ["a", "b", "c"]) == "b":
            raise ValueError("not together")
        hp.Int("units", 4, 8)

    assert list(found(build)) == ["kind", "units"]
    with pytest.raises(ZeroDivisionError):
        found(lambda _: 1 / 0)


def test_those_of_the_tuner_replace_and_close() -> None:
    def build(hp: kt.HyperParameters) -> None:
        hp.Int("units", 4, 8)
        hp.Choice("kind", ["a", "b"])

    given = kt.HyperParameters()
    given.Fixed("units", 5)
    kinds = {one.name: one.kind for one in discover(build, given, closed=False)}
    assert kinds == {"units": "Fixed", "kind": "Choice"}
    assert {one.name: one.kind for one in discover(build, given, closed=True)} == {"units": "Fixed", "kind": "Fixed"}


def test_values_are_those_of_kerastuner() -> None:
    hp = kt.HyperParameters()
    hp.Int("a", 1, 10, step=4)
    hp.Int("b", 1, 20, step=3, sampling="log")
    hp.Float("c", 0.1, 0.5, step=0.1)
    hp.Float("d", 0, 1)
    hp.Int("e", 1, 9, sampling="log")
    assert [list(values_of(one)) for one in hp.space] == [[1, 5, 9], [1, 3, 9], [0.1, 0.2, 0.3, 0.4, 0.5], [], []]
    for one in hp.space[:3]:
        assert values_of(one) == pytest.approx(sorted({one.prob_to_value((number + 0.5) / 500) for number in range(500)}))


def test_a_range_below_zero_has_its_end_and_a_first_value_all_its_digits() -> None:
    hp = kt.HyperParameters()
    hp.Float("shift", -2.0, -1.0, step=0.5)
    rate = hp.Float("rate", 0.1234567890123456, 0.9, step=0.5)
    shifts, rates = (values_of(one) for one in hp.space)
    assert (list(shifts), rates[0]) == ([-2.0, -1.5, -1.0], rate)
