"""Values in Hydra's grammar, read and written."""

from collections.abc import Callable

import pytest
from hydra.core.config_loader import ConfigLoader
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from src.config.overrides import Assignment, Parser, as_text
from src.errors import ConfigError

Read = Callable[[str], Assignment]


@pytest.fixture
def read(loader: ConfigLoader) -> Read:
    return Parser(loader, {}).read


RANGES = {
    "range(1.5e-13,5e-13,1e-13)": [1.5e-13, 2.5e-13, 3.5e-13, 4.5e-13],
    "range(0.7,2.1,0.7)": [0.7, 1.4],  # in binary numbers, 3 * 0.7 is less than 2.1
    "range(-0.2,0.2,0.1)": [-0.2, -0.1, 0.0, 0.1],
    "range(1e20,3e20,1e20)": [1e20, 2e20],
    "range(1e15,1000000000000000.5,0.25)": [1e15, 1e15 + 0.25],
    "range(3,-4,-3)": [3, 0, -3],
    "sort(range(9,1,-4))": [5, 9],
}


@pytest.mark.parametrize(("text", "values"), RANGES.items())
def test_a_range_is_exact_and_ends_before_its_end(text: str, values: list[float], read: Read) -> None:
    assert list(map(repr, read(f"x={text}").values)) == list(map(repr, values))


@settings(max_examples=200, derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=st.floats(-1e6, 1e6), count=st.integers(1, 50), step=st.floats(1e-9, 1e6) | st.floats(-1e6, -1e-9))
def test_no_value_of_a_range_is_beyond_its_end(start: float, count: int, step: float, read: Read) -> None:
    stop = start + count * step
    values = read(f"x=range({start!r},{stop!r},{step!r})").values
    assert all(start <= value < stop if step > 0 else start >= value > stop for value in values) or start == stop
    assert len(values) <= count + 1


@pytest.mark.parametrize("text", ["sort(range(1,10,4),reverse=true)", "sort(range(0,0.8,0.3),reverse=true)"])
def test_a_range_that_hydra_would_sort_beyond_its_end_is_refused(text: str, read: Read) -> None:
    with pytest.raises(ValueError, match="beyond its end"):
        read(f"x={text}")


@pytest.mark.parametrize("text", ["interval(1,2)", "range(1,3)", "1,2", "1"])
def test_a_key_is_not_deleted(text: str, read: Read) -> None:
    with pytest.raises(ValueError, match="cannot be deleted"):
        read(f"~model.units={text}")


@pytest.mark.parametrize(
    "text", ["shuffle([1,2,3,4,5,6])", "{a: [shuffle([1,2,3,4,5,6])]}", "shuffle(1,2,3,4,5,6)", "shuffle([1,2,3,4]),[5]"]
)
def test_what_is_shuffled_has_one_order(text: str, read: Read) -> None:
    found = read(f"+model.x={text}")
    assert found == read(f"+model.x={text}") and not any("shuffle" in one for one in found.texts)
    assert [read(f"x={one}").values[0] for one in found.texts] == list(found.values)


def test_a_function_is_evaluated_once(read: Read) -> None:
    assert read("x=str(1),str(2)").values == ("1", "2") and read("x=str(1)").texts == ("'1'",)


KEYS = (
    st.integers(-99, 99)
    | st.booleans()
    | st.floats(-9, 9)
    | st.sampled_from(["a", "a_b", "a b", "a:b", "a,b", "x=(y)", "{z}", "a.b", "\\"])
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.sampled_from(["", "1", "true", "a b", "it's", "x,y", "null"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
)


@settings(max_examples=200, derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=VALUES)
def test_a_value_of_a_file_is_read_as_it_was_written(value: object, read: Read) -> None:
    assert repr(read(f"x={as_text(value)}").values) == repr((value,))


@pytest.mark.parametrize("key", ["1", "true", "null", "", " "])
def test_a_key_that_hydra_would_read_as_something_else_is_refused(key: str) -> None:
    with pytest.raises(ConfigError, match="has no quotes for keys"):
        as_text({key: 1})
