"""What a loader returns is checked once, and refused by name with the received values."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from src import datasets
from src.datasets import Dataset, contract, split
from src.errors import ConfigError, DataError, TrialbookError
from src.tasks.binary import Binary
from src.tasks.classes import Classes
from src.tasks.numbers import Numbers
from src.tasks.several import Several

X, Y = np.random.default_rng(0).random((12, 3), np.float32), np.arange(12) % 3
NAMES = ("a", "b", "c")
RIGHT = split(X, Y, Classes(NAMES), lambda: (X, Y), validation_split=0.25, split_seed=0)


def with_(**changes: Any) -> Dataset:
    return dataclasses.replace(RIGHT, **changes)


def test_float_targets_are_kept_by_the_split_and_refused_by_name() -> None:
    prices = np.linspace(0.5, 3, 12)
    data = split(X, prices, Classes(NAMES), lambda: (X, prices), validation_split=0.25, split_seed=0)
    assert data.y is prices
    with pytest.raises(DataError, match=r"mine: *\n  y has dtype float64, such as 0\.5; expected class numbers.*named by data\.task"):
        contract.check(data, "classes", "mine")
    contract.check(dataclasses.replace(data, task=Numbers()), "numbers", "mine")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y": Y.astype(np.float32)}, r"y\.astype\('int64'\)"),
        ({"y": np.eye(3, dtype=int)[Y]}, r"shape \(12, 3\).*One-hot rows"),
        ({"y": Y[:, None]}, r"y has shape \(12, 1\)"),
        ({"y": Y == 0}, "y has dtype bool"),
        ({"y": Y + 1}, "labels from 1 to 3; expected class numbers, .* from 0 to 2"),
        ({"y": Y - 1}, "labels from -1 to 1"),
        ({"y": Y[:5]}, "x has 12 examples, y has 5"),
        ({"y": list(Y)}, "y is of type list"),
        ({"x": X.astype(object)}, r"x has dtype object; expected numbers, or texts: x\.astype\(str\)"),
        ({"x": X.astype(complex)}, "x has dtype complex128"),
        ({"x": np.where(np.eye(12, 3), np.nan, X)}, "3 values that are NaN"),
        ({"x": np.where(np.eye(12, 3), -np.inf, X)}, "3 values that are NaN or infinite"),
        ({"x": X[:, 0]}, r"x has shape \(12,\)"),
        ({"x": X[:, :0]}, r"x has shape \(12, 0\)"),
        ({"task": Classes(("a",)), "y": Y * 0}, r"1 distinct names of 1 \(a\); expected at least 2, all distinct"),
        ({"task": Classes(("a", "b", "a"))}, "2 distinct names of 3"),
        ({"task": Classes(("a", "b", "probability"))}, "probability is a column"),
        ({"train_index": np.arange(0)}, "train_index is empty"),
        ({"validation_index": np.array([3, 12])}, "positions from 3 to 12; expected 0 to 11"),
        ({"validation_index": np.array([-1])}, "positions from -1 to -1"),
        ({"train_index": np.array([0, 1, 1])}, "train_index repeats 1 positions"),
        ({"train_index": np.ones(12, bool)}, "train_index has dtype bool"),
        ({"train_index": np.arange(5), "validation_index": np.arange(4, 12)}, "share 1 examples, such as 4"),
        ({"test": None}, "test is None"),
    ],
)
def test_what_breaks_the_contract_is_refused_by_name(changes: dict, message: str) -> None:
    contract.check(RIGHT, "classes", "mine")
    with pytest.raises(DataError, match=f"(?s)mine:.*{message}"):
        contract.check(with_(**changes), "classes", "mine")


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(DataError) as told:
        contract.check(with_(x=X * np.nan, y=Y * 0.5, task=Classes(("a", "a", "b"))), "classes", "mine")
    assert len(str(told.value).splitlines()) == 4


def test_load_checks_what_any_loader_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    for found, message in (("nothing", "returned str; expected a Dataset"), (with_(y=Y * 0.5), "y has dtype float64")):
        monkeypatch.setattr(datasets, "build", lambda *_, found=found: found)
        with pytest.raises(DataError, match=message):
            datasets.load({"_target_": "src.datasets.mine.load", "case": message})


@pytest.mark.parametrize("node", [{"split_seed": 0}, {"task": "classes"}], ids=str)
def test_a_node_without_a_target_is_refused(node: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="data: _target_ 'None' is not allowed"):
        datasets.load(node)


def test_whole_numbers_of_any_size_become_those_of_the_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    small = with_(y=Y.astype(np.uint8), train_index=RIGHT.train_index.astype(np.int32))
    monkeypatch.setattr(datasets, "build", lambda *_: small)
    assert datasets.load({"_target_": "src.datasets.mine.load"}).digest == RIGHT.digest


@pytest.mark.parametrize(
    ("test", "message"),
    [
        ((X[:, :2], Y), r"the test split:.*shape \(2,\); expected \(3,\)"),
        ((X, Y + 1), "labels from 1 to 3"),
        ((X, Y[:3]), "x has 12 examples, y has 3"),
        ((X, Y * 0.5), "y has dtype float64"),
    ],
)
def test_the_test_split_is_checked_when_it_is_opened(test: tuple, message: str) -> None:
    assert contract.open_test(RIGHT, "mine")[0] is X
    with pytest.raises(DataError, match=f"(?s){message}"):
        contract.open_test(with_(test=lambda: test), "mine")


def test_only_a_probability_per_class_has_a_most_probable_class() -> None:
    right, task = np.full((4, 2), 0.5), Classes(("a", "b"))
    assert contract.checked(right, 4, task, (2,)) is right
    contract.checked(right * np.nan, 4, task, (2,))
    for wrong in (right[:, :1], right[:, 0], right[None], right[:3]):
        with pytest.raises(TrialbookError, match=r"for 4 examples; expected \(4, 2\) for the task classes"):
            contract.checked(wrong, 4, task, (2,))
    with pytest.raises(TrialbookError, match=r"values from -3 to 0\.5.*softmax"):
        contract.checked(np.where(np.eye(4, 2), -3, right), 4, task, (2,))
    contract.checked(np.where(np.eye(4, 2), -3, right), 4, Numbers(("u", "v")), (2,))


def test_every_output_must_be_there_and_have_its_shape() -> None:
    task, outputs = Several({"kind": Classes(("a", "b")), "price": Numbers(("price",))}, "kind"), {"kind": (2,), "price": (1,)}
    right = {"kind": np.full((4, 2), 0.5), "price": np.full((4, 1), 7.0)}
    assert contract.checked(right, 4, task, outputs) is right
    for wrong in ({**right, "price": np.ones((4, 2))}, {"kind": right["kind"]}, right["kind"], tuple(right.values())):
        with pytest.raises(TrialbookError, match=r"expected kind \(4, 2\), price \(4, 1\) for the task"):
            contract.checked(wrong, 4, task, outputs)
    with pytest.raises(TrialbookError, match="the model kind gives values from 0\\.5 to 7; expected probabilities"):
        contract.checked({**right, "kind": np.where(np.eye(4, 2), 7, 0.5)}, 4, task, outputs)


def test_inputs_may_be_trees_of_numbers_and_texts() -> None:
    tables = {"age": X[:, :1], "name": np.array(list("abcabcabcabc"))}
    for x in (tables, tuple(tables.values()), X.astype(str), tables["name"]):
        contract.check(with_(x=x), "classes", "mine")
    for x, message in (
        ({**tables, "age": X[:5]}, r"x\['age'\] has 5 examples, x\['name'\] has 12 examples, y has 12 examples; expected as many"),
        ({**tables, "age": X * np.nan}, r"x\['age'\] holds 36 values that are NaN"),
        ((X, list(Y)), r"x is a tuple of list; expected a numpy array, or a dict or tuple of numpy arrays"),
        ([X, X], r"x is a list of arrays; expected a numpy array"),
        ({"p": {"q": X}}, r"x is a dict of dict; expected a numpy array"),
        (X.astype("S"), r"x has dtype \|S32; expected numbers or texts: x\.astype\(str\)"),
    ):
        with pytest.raises(DataError, match=f"(?s)mine:.*{message}"):
            contract.check(with_(x=x), "classes", "mine")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weight": np.ones(5)}, r"weight has shape \(5,\) and dtype float64; expected a number for each example, shape \(12,\)"),
        ({"weight": list(Y)}, "weight has type list"),
        ({"weight": -np.ones(12)}, r"weight holds values from -1\.0 to -1\.0; expected finite numbers, at least 0"),
        ({"weight": np.ones(12) * np.inf}, "expected finite numbers"),
        ({"weight": np.isin(np.arange(12), RIGHT.train_index).astype(float)}, "weight is 0 for all examples of training or of validation"),
        ({"facts": {"words": {1, 2}}}, "facts: .*expected a dict that JSON can hold"),
        ({"read": lambda x: x[:1]}, r"read\(x\) has shape \(1, 3\); expected a numpy array with a row for each of 2 examples"),
        ({"read": lambda x: x * np.nan}, r"read\(x\) holds 6 values that are NaN"),
        ({"read": lambda x: 1 / 0}, "read raises ZeroDivisionError"),
        ({"task": "classes"}, r"task is 'classes'; expected a task of src/tasks/"),
        ({"task": Numbers()}, "its task is numbers, its YAML says task: classes; expected the same"),
    ],
)
def test_weights_facts_reading_and_task_are_checked(changes: dict, message: str) -> None:
    with pytest.raises(DataError, match=f"(?s)mine:.*{message}"):
        contract.check(with_(**changes), "classes", "mine")


def test_what_is_read_is_what_the_model_gets() -> None:
    data = with_(read=lambda x: {"twice": 2 * x})
    contract.check(data, "classes", "mine")
    assert data.input_shape == {"twice": (3,)}
    assert np.array_equal(data.inputs(np.array([4]))["twice"], 2 * X[4:5])


def test_what_would_be_applied_or_read_wrongly_is_refused() -> None:
    positions = with_(y=np.zeros((12, 4), int), weight=np.ones(12))
    with pytest.raises(DataError, match=r"weight: a label has the shape \(4, 3\).*along another axis"):
        contract.check(positions, "classes", "mine")
    with pytest.raises(DataError, match="facts: JSON would change them"):
        contract.check(with_(facts={0: "a"}), "classes", "mine")
    with pytest.raises(DataError, match="x has dtype uint8; expected float32, that of the training examples"):
        contract.open_test(with_(test=lambda: ((X * 255).astype(np.uint8), Y)), "mine")


def test_the_same_arrays_are_other_data_for_another_task() -> None:
    y = (Y > 0).astype(np.float32)[:, None]
    assert with_(y=y, task=Binary(("a", "b"))).digest != with_(y=y, task=Numbers()).digest
