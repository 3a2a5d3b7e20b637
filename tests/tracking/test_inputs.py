"""The inputs of a registered model: as MLflow describes them, as it is given them, and as a tree again."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlflow.models import ModelSignature
from mlflow.models.utils import _enforce_schema
from mlflow.types.schema import DataType

from src.tracking import inputs

N = 3
PICTURES = np.random.default_rng(0).random((N, 4, 4), np.float32)
TREES = {
    "pictures": PICTURES,
    "texts": np.array(["a", "bcd", "ü"]),
    "tokens": np.arange(2 * N).reshape(N, 2),
    "table": {
        "age": np.arange(N, dtype=np.float32)[:, None],
        "word": np.array(["a", "bcd", "ü"]),
        "count": np.arange(N),
        "yes": np.array([True, False, True]),
    },
    "pictures and numbers": {"photo": PICTURES, "age": np.arange(N, dtype=np.float32)[:, None]},
    "pictures and texts": {"photo": PICTURES, "title": np.array([["a"], ["bcd"], ["ü"]])},
    "two pictures": (PICTURES, 2 * PICTURES),
}


def same(first: Any, second: Any) -> bool:
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(same(first[name], second[name]) for name in first)
    if isinstance(first, tuple):
        return isinstance(second, tuple) and len(first) == len(second) and all(map(same, first, second))
    return first.dtype.kind == second.dtype.kind and np.array_equal(first, second)


def first_of(tree: Any) -> Any:
    """A batch of the first example."""
    if isinstance(tree, dict):
        return {name: array[:1] for name, array in tree.items()}
    return tuple(array[:1] for array in tree) if isinstance(tree, tuple) else tree[:1]


@pytest.mark.parametrize("name", TREES)
def test_what_is_given_is_taken_as_it_was(name: str) -> None:
    tree = TREES[name]
    assert same(inputs.conform(inputs.for_model(tree), first_of(tree)), tree)


@pytest.mark.parametrize("name", TREES)
def test_what_is_given_passes_mlflows_own_check_of_the_schema(name: str) -> None:
    tree = TREES[name]
    schema = inputs.schema_of(first_of(tree))
    assert ModelSignature.from_dict(ModelSignature(schema).to_dict()).inputs == schema, "it can be stored"
    assert same(inputs.conform(_enforce_schema(inputs.for_model(tree), schema), first_of(tree)), tree)


def test_a_dict_of_columns_is_a_table_of_named_columns() -> None:
    columns = {column.name: column.type for column in inputs.schema_of(TREES["table"]).inputs}
    assert columns == {"age": DataType.double, "word": DataType.string, "count": DataType.long, "yes": DataType.boolean}
    frame = inputs.for_model(TREES["table"])
    assert isinstance(frame, pd.DataFrame) and list(frame.columns) == ["age", "word", "count", "yes"] and frame["age"].tolist() == [0, 1, 2]
    assert [name for name, tree in TREES.items() if inputs.is_table(tree)] == ["table"]


def test_other_trees_are_tensors_of_any_number_of_examples() -> None:
    [only] = inputs.schema_of(PICTURES[:1]).inputs
    assert (only.shape, only.type, only.name) == ((-1, 4, 4), np.float32, None)
    found = inputs.schema_of(first_of(TREES["pictures and numbers"])).inputs
    assert {(one.name, one.shape) for one in found} == {("photo", (-1, 4, 4)), ("age", (-1, 1))}
    assert len({one.name for one in inputs.schema_of(first_of(TREES["two pictures"])).inputs}) == 2


def test_inputs_become_those_of_the_training() -> None:
    assert inputs.conform([[1, 2], [3, 4]], np.zeros((1, 2), np.float32)).dtype == np.float32
    assert inputs.conform([1, 2], np.zeros((1, 1), np.float32)).tolist() == [[1.0], [2.0]], "a column of a table is one number per example"
    assert inputs.conform([1, 2], np.array(["a"])).tolist() == ["1", "2"]
    longer = inputs.conform(["longer than any in training"], np.array(["a"]))
    assert longer.tolist() == ["longer than any in training"], "no text is cut"
    more = inputs.conform({"word": ["b"], "age": [7], "other": [0]}, {"age": np.zeros((1, 1)), "word": np.array(["a"])})
    assert list(more) == ["age", "word"] and more["age"].tolist() == [[7.0]]


@pytest.mark.parametrize(
    ("received", "example", "message"),
    [
        (PICTURES[0], PICTURES[:1], r"the input has shape \(4, 4\); expected \(n, 4, 4\)"),
        (PICTURES[:, :3], PICTURES[:1], r"has shape \(3, 3, 4\); expected \(n, 4, 4\)"),
        ({"age": [1]}, {"age": np.zeros((1, 1)), "word": np.array(["a"])}, "no word among age; expected all of age, word"),
        ({"age": [[1, 2]]}, {"age": np.zeros((1, 1))}, r"age has shape \(1, 2\); expected \(n, 1\)"),
        ([["a"]], np.zeros((1, 1), np.float32), "could not convert"),
    ],
)
def test_what_does_not_fit_is_refused(received: Any, example: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        inputs.conform(received, example)


@pytest.mark.parametrize(
    ("received", "example", "message"),
    [
        (np.array([[0.5]]), np.zeros((1, 1), np.uint8), "row 1: 0.5; expected a whole number that uint8 holds"),
        (np.array([[300]]), np.zeros((1, 1), np.uint8), "row 1: 300; expected a whole number"),
        (np.array([[1.0], [np.nan]]), np.zeros((1, 1), np.float32), "row 2: nan; expected a finite number"),
        (pd.DataFrame({"age": [1, None]}), {"age": np.zeros(1, int)}, "age, row 2: nan; expected a whole number"),
        (pd.DataFrame({"name": ["a", None]}), {"name": np.array(["a"])}, "name, row 2: .*; expected a text"),
        (pd.DataFrame({"age": ["old"]}), {"age": np.zeros(1)}, "age: could not convert string to float: 'old'; expected numbers"),
    ],
)
def test_no_value_becomes_another_one(received: object, example: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        inputs.conform(received, example)
