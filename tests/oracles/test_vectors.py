"""Rows, features and values of points; distances that a model can believe."""

import itertools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from src.oracles.vectors import BELOW_ONE, Vectors
from src.space import Axis, Choice, Interval, Space

OPTIMIZER = Axis("optimizer", Choice(("sgd", "adam", "rmsprop"), ("sgd", "adam", "rmsprop")))
MOMENTUM = Axis("optimizer.momentum", Interval(0.0, 0.9), (("optimizer", ("sgd",)),))


@pytest.fixture
def of(space: Callable[..., Space]) -> Callable[..., Vectors]:
    return lambda *axes: Vectors(replace(space(), axes=axes))


def apart(vectors: Vectors, *points: dict) -> list[float]:
    """The distances of the first point from the others."""
    first, *others = vectors.features(np.array([vectors.row(point) for point in points]))
    return [float(np.linalg.norm(first - other)) for other in others]


def test_words_are_equally_far_from_each_other(of: Callable[..., Vectors]) -> None:
    vectors = of(OPTIMIZER)
    assert apart(vectors, *({"optimizer": word} for word in ("sgd", "adam", "rmsprop"))) == pytest.approx([1, 1])
    assert set(vectors.groups) == {0} and vectors.wordy.all()


def test_an_axis_that_is_absent_is_equally_far_from_all_its_values(of: Callable[..., Vectors]) -> None:
    vectors = of(OPTIMIZER, MOMENTUM)
    adam, *others = [{"optimizer": "adam"}, *({"optimizer": "sgd", "optimizer.momentum": value} for value in (0.0, 0.4, 0.9))]
    assert np.ptp(apart(vectors, adam, *others)) == pytest.approx(0)
    near, far = apart(vectors, *others)
    assert near < far, "among those that have it, it is a number"
    assert apart(vectors, adam, {"optimizer": "rmsprop"}) == pytest.approx([1])


def test_listed_numbers_keep_their_order_and_are_evenly_apart(of: Callable[..., Vectors]) -> None:
    units = Axis("model.units", Choice(("64", "8", "32", "16"), (64, 8, 32, 16)))
    points = [{"model.units": text} for text in ("8", "16", "32", "64")]
    assert apart(of(units), *points) == pytest.approx([1 / 3, 2 / 3, 1])
    flag = Axis("model.flag", Choice(("true", "false"), (True, False)))
    assert of(flag).wordy.all() and not of(units).wordy.any()


def test_logarithmic_intervals_are_measured_by_the_logarithm(of: Callable[..., Vectors]) -> None:
    rate = Axis("optimizer.learning_rate", Interval(1e-4, 1e-1, log=True))
    assert apart(of(rate), *({"optimizer.learning_rate": value} for value in (1e-4, 1e-3, 1e-1))) == pytest.approx([1 / 3, 1])


def test_axes_of_one_key_are_one_side_and_share_a_scale(of: Callable[..., Vectors]) -> None:
    rates = [
        Axis("optimizer.learning_rate", Interval(low, high, log=True), (("optimizer", words),))
        for low, high, words in ((1e-2, 1.0, ("sgd",)), (1e-4, 1e-2, ("adam", "rmsprop")))
    ]
    vectors = of(OPTIMIZER, *rates)
    assert vectors.dimensions == 2
    ends = [{"optimizer": word, "optimizer.learning_rate": 1e-2} for word in ("sgd", "adam")]
    assert apart(vectors, *ends) == pytest.approx([1]), "the same rate"
    rows = vectors.rows(np.random.default_rng(0).random((50, 2)))
    assert (np.isnan(rows[:, 1:]).sum(axis=1) == 1).all()


def test_seeds_are_noise(of: Callable[..., Vectors]) -> None:
    seed = Axis("seed", Choice(("1", "2"), (1, 2)))
    assert len(of(seed).groups) == 0 and apart(of(OPTIMIZER, seed), *({"optimizer": "sgd", "seed": text} for text in "12")) == [0]


@settings(max_examples=20, derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(low=st.integers(1, 10**9), width=st.integers(1, 10**9), small=st.floats(1e-9, 1), share=st.floats(1e-6, 10))
def test_no_row_leaves_its_intervals(of: Callable[..., Vectors], low: int, width: int, small: float, share: float) -> None:
    domains = [Interval(low, low + width, integer=True, log=log) for log in (False, True)]
    domains += [Interval(small, small * (1 + share), log=log) for log in (False, True)]
    vectors = of(OPTIMIZER, *(Axis(f"model.x{place}", domain) for place, domain in enumerate(domains)))
    cube = np.array(list(itertools.product((0.0, 0.3, BELOW_ONE), repeat=5)))
    rows = vectors.rows(cube)
    for place, domain in enumerate(domains, 1):
        assert domain.low <= rows[:, place].min() and rows[:, place].max() <= domain.high
    again = vectors.rows(np.clip(vectors.cube(rows), 0, BELOW_ONE))
    np.testing.assert_allclose(again, rows, rtol=1e-9)
    for row in rows[:5]:
        assert vectors.row(vectors.values(row)) == list(row)


def test_one_key_may_have_words_in_one_case_and_numbers_in_another(of: Callable[..., Vectors]) -> None:
    rates = [
        Axis("optimizer.learning_rate", Choice(("auto", "slow"), ("auto", "slow")), (("optimizer", ("sgd",)),)),
        Axis("optimizer.learning_rate", Interval(0.0, 1.0), (("optimizer", ("adam",)),)),
    ]
    vectors = of(OPTIMIZER, *rates)
    low, middle, high = ({"optimizer": "adam", "optimizer.learning_rate": value} for value in (0.0, 0.5, 1.0))
    near, far = apart(vectors, low, middle, high)
    assert 0 < near < far
    word, other = ({"optimizer": "sgd", "optimizer.learning_rate": text} for text in ("auto", "slow"))
    assert apart(vectors, word, other) == pytest.approx([1])
    assert np.ptp(apart(vectors, word, low, middle, high)) == pytest.approx(0)


@pytest.mark.parametrize("written", ["range(1,10,2)", "range(9,0,-2)", "shuffle(range(1,10,2))", "5,1,9,3,7", "choice(1,3,5,7,9)"])
def test_a_list_of_numbers_has_their_order_however_it_is_written(written: str, space: Callable[..., Space]) -> None:
    vectors = Vectors(space(f"training.epochs={written}"))
    assert not vectors.wordy.any()
    rows = vectors.rows(np.linspace(0, BELOW_ONE, 5)[:, None])
    assert [vectors.values(row)["training.epochs"] for row in rows] == ["1", "3", "5", "7", "9"]
    assert vectors.features(rows)[:, 0] == pytest.approx([0, 0.25, 0.5, 0.75, 1])
    assert [vectors.row(vectors.values(row)) for row in rows] == rows.tolist()
    assert (np.diff(vectors.cube(rows)[:, 0]) > 0).all()
