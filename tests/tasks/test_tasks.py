"""What every kind of task says of labels, of predictions, and of how right they are."""

import json
import re
from typing import Any

import numpy as np
import pytest

from src import tasks
from src.errors import ConfigError
from src.tasks.binary import Binary
from src.tasks.classes import Classes
from src.tasks.labels import Labels
from src.tasks.numbers import Numbers
from src.tasks.several import Several

COLORS, YES, TAGS, SIZES = Classes(("red", "green", "blue")), Binary(("no", "yes")), Labels(("new", "big")), Numbers(("u", "v"))
BOTH = Several({"color": COLORS, "size": SIZES}, "color")
ALL = [COLORS, YES, TAGS, SIZES, Numbers(), BOTH, Several({"a": YES, "b": Several({"c": TAGS}, "c")}, "b")]


def test_all_kinds_are_found() -> None:
    assert tasks.KINDS == ("binary", "classes", "labels", "numbers", "several")
    assert [tasks.kind_of(task) for task in (COLORS, YES, TAGS, SIZES, BOTH)] == ["classes", "binary", "labels", "numbers", "several"]
    for nothing in ("classes", Classes, None, np.float32(1)):
        assert tasks.kind_of(nothing) == ""
    with pytest.raises(ConfigError, match=r"data\.task=class: no such task; did you mean 'classes'\? Tasks: binary, classes"):
        tasks.find("class")


@pytest.mark.parametrize("task", ALL, ids=str)
def test_a_task_is_made_again_from_its_description(task: Any) -> None:
    assert tasks.restored(json.loads(json.dumps(tasks.described(task)))) == task


@pytest.mark.parametrize("name", ["kind", "names", "tasks", "judge"])
def test_an_output_may_have_any_name(name: str) -> None:
    task = Several({name: COLORS, "size": SIZES}, name)
    assert tasks.restored(json.loads(json.dumps(tasks.described(task)))) == task


def test_only_classes_of_this_folder_are_made() -> None:
    for kind in ("os", "__init__", "trees", "src.models"):
        with pytest.raises(ConfigError, match="no such task"):
            tasks.restored({"kind": kind})


def test_what_is_declared_is_a_kind_or_one_for_each_output() -> None:
    assert [tasks.declared(task) for task in ALL[:5]] == ["classes", "binary", "labels", "numbers", "numbers"]
    assert tasks.declared(BOTH) == {"color": "classes", "size": "numbers"}
    assert tasks.is_several(BOTH) and not tasks.is_several(COLORS)


Y = {
    "classes": np.array([0, 2, 1]),
    "binary": np.array([0, 1, 1]),
    "labels": np.array([[0, 1], [1, 1], [0, 0]]),
    "numbers": np.ones((3, 2)),
}
RIGHT: dict[str, tuple[Any, Any]] = {kind: (task, Y[kind]) for kind, task in zip(Y, (COLORS, YES, TAGS, SIZES), strict=True)}
RIGHT |= {
    "positions": (COLORS, np.array([[0, 1], [2, 2], [1, 0]])),
    "yes and no": (YES, np.array([0, 1, 1], np.uint8)),
    "bools": (TAGS, Y["labels"].astype(bool)),
    "a column": (Numbers(), np.array([1.0, 2.0, 3.0])),
    "pictures": (Numbers(), np.ones((3, 4, 4))),
    "several": (BOTH, {"color": Y["classes"], "size": Y["numbers"]}),
}


@pytest.mark.parametrize("case", RIGHT)
def test_right_labels_have_no_mistakes(case: str) -> None:
    task, y = RIGHT[case]
    assert list(task.mistakes(y)) == []


WRONG = [
    (COLORS, Y["classes"] - 1, "y holds labels from -1 to 1; expected class numbers, whole numbers from 0 to 2, one for each class name"),
    (COLORS, Y["classes"] + 1, "labels from 1 to 3"),
    (COLORS, Y["classes"] * 0.5, "Other tasks than one class per example are named by data.task"),
    (COLORS, Y["classes"] * 1.0, "If they are class numbers: y.astype('int64')"),
    (COLORS, np.eye(3, dtype=int), "one-hot rows"),
    (COLORS, Y["classes"][:, None], "y[:, 0]"),
    (COLORS, [0, 1], "y is of type list"),
    (COLORS, np.array(1), "y is of type ndarray"),
    (Classes(("red",)), Y["classes"] * 0, "1 distinct names of 1 (red); expected at least 2, all distinct"),
    (Classes(("a", "b", "a")), Y["classes"], "2 distinct names of 3"),
    (Classes(("a", "class", "probability")), Y["classes"], "class, probability is a column of a registered model's answer"),
    (Binary(("a", "b", "c")), Y["binary"], "names: 3 (a, b, c); expected two for data.task=binary"),
    (YES, Y["classes"], "labels from 0 to 2"),
    (YES, np.array([[0, 1], [1, 1]]), "y has shape (2, 2); expected (n,)"),
    (YES, np.array([[0, 1, 1], [1, 1, 0]]), "y has shape (2, 3); expected (n,)"),
    (TAGS, Y["labels"][:, :1], "y has shape (3, 1); expected shape (n, 2) of 0 and 1, a column for each label"),
    (TAGS, Y["labels"] * 2, "y holds other values, such as 2"),
    (TAGS, Y["labels"] * 0.5, "y holds other values, such as 0.5"),
    (TAGS, Y["labels"].astype(str), "y is <U"),
    (TAGS, [[0, 1]], "y is list"),
    (Labels(("labels", "big")), Y["labels"], "labels is a column of a registered model's answer"),
    (SIZES, Y["numbers"] * np.nan, "y holds 6 values that are NaN or infinite"),
    (SIZES, Y["numbers"] * 1e300, "y holds 6 values that are NaN or infinite in float32"),
    (SIZES, np.ones((3, 5)), "names: 2 for labels of shape (3, 5); expected 5"),
    (SIZES, np.ones(3), "names: 2 for labels of shape (3,); expected 1"),
    (SIZES, Y["numbers"].astype(str), "expected an array of numbers"),
    (Numbers(("u", "u")), Y["numbers"], "1 distinct names of 2"),
    (BOTH, Y["classes"], "y has ndarray; expected a dict with color, size"),
    (BOTH, {"color": Y["classes"]}, "y has color; expected a dict with color, size"),
    (BOTH, {"color": Y["classes"] + 1, "size": Y["numbers"]}, "color: y holds labels from 1 to 3"),
    (Several({"color": COLORS}, "size"), {"color": Y["classes"]}, "judge='size'; expected one of the outputs color"),
]


@pytest.mark.parametrize(("task", "y", "message"), WRONG, ids=[message for *_, message in WRONG])
def test_wrong_labels_are_told_with_what_was_received_and_expected(task: Any, y: Any, message: str) -> None:
    assert re.search(re.escape(message), "\n".join(task.mistakes(y)))


def test_all_mistakes_of_several_outputs_are_told() -> None:
    found = list(BOTH.mistakes({"color": Y["classes"] + 1, "size": Y["numbers"] * np.inf}))
    assert len(found) == 2 and found[0].startswith("color: ") and found[1].startswith("size: ")


@pytest.mark.parametrize(
    ("task", "y", "dtype", "shape", "outputs"),
    [
        (COLORS, Y["classes"].astype(np.uint8), np.int64, (3,), (3,)),
        (COLORS, RIGHT["positions"][1], np.int64, (3, 2), (2, 3)),
        (YES, Y["binary"], np.float32, (3, 1), (1,)),
        (TAGS, Y["labels"], np.float32, (3, 2), (2,)),
        (SIZES, Y["numbers"], np.float32, (3, 2), (2,)),
        (Numbers(), np.array([1.0, 2.0, 3.0]), np.float32, (3, 1), (1,)),
        (Numbers(), np.ones((3, 4, 4)), np.float32, (3, 4, 4), (4, 4)),
    ],
)
def test_labels_are_encoded_for_engines(task: Any, y: np.ndarray, dtype: type, shape: tuple, outputs: tuple) -> None:
    found = task.encoded(y)
    assert (found.dtype, found.shape, task.outputs(found)) == (dtype, shape, outputs)
    assert np.array_equal(found.ravel(), y.ravel()) and np.array_equal(task.encoded(found), found), "encoded twice is the same"


def test_several_outputs_are_encoded_each() -> None:
    found = BOTH.encoded({"color": Y["classes"], "size": Y["numbers"]})
    assert {name: array.dtype for name, array in found.items()} == {"color": np.int64, "size": np.float32}
    assert BOTH.outputs(found) == {"color": (3,), "size": (2,)}


SURE = np.array([[0.9, 0.1, 0.0], [0.2, 0.2, 0.6], [0.5, 0.3, 0.2]])  # red, blue, red


def scores(task: Any, y: Any, predicted: Any) -> list[float]:
    found = task.score(task.encoded(y), predicted)
    assert found.shape == (3,) and found.dtype.kind == "f"
    return found.tolist()


def test_a_score_says_how_right_an_example_is_and_higher_is_better() -> None:
    assert scores(COLORS, Y["classes"], SURE) == [1, 1, 0]
    assert scores(COLORS, np.array([[0, 0], [2, 1], [1, 1]]), np.stack([SURE, SURE], axis=1)) == [1, 0.5, 0]
    assert scores(YES, Y["binary"], np.array([[0.1], [0.7], [0.5]])) == [1, 1, 0]
    assert scores(TAGS, Y["labels"], np.array([[0.2, 0.9], [0.9, 0.1], [0.9, 0.9]])) == [1, 0.5, 0]
    assert scores(SIZES, Y["numbers"], np.array([[1, 1], [2, 0], [1, 4]])) == [0, -1, -4.5]
    assert scores(Numbers(), np.ones(3), np.array([[1], [2], [4]])) == [0, -1, -9]
    assert scores(Numbers(), np.ones((3, 2, 2)), np.zeros((3, 2, 2))) == [-1, -1, -1]
    both = {"color": SURE, "size": np.array([[1, 1], [2, 0], [1, 4]])}
    y = {"color": Y["classes"], "size": Y["numbers"]}
    assert scores(BOTH, y, both) == [1, 1, 0]
    assert scores(Several(BOTH.tasks, "size"), y, both) == [0, -1, -4.5]


def test_large_errors_of_half_precision_stay_finite() -> None:
    assert scores(Numbers(), np.zeros(3), np.full((3, 1), 60000, np.float16)) == [-3.6e9] * 3


def test_the_name_of_the_score_is_the_tasks() -> None:
    assert [task.measure for task in (COLORS, YES, TAGS, SIZES)] == [
        "accuracy",
        "accuracy",
        "label accuracy",
        "negative mean squared error",
    ]
    assert BOTH.measure == "accuracy of color"


def test_outputs_that_are_no_probabilities_are_told() -> None:
    for task, layer in ((COLORS, "a softmax layer"), (YES, "one sigmoid unit"), (TAGS, "a sigmoid unit for each label")):
        width = len(task.outputs(task.encoded(RIGHT[tasks.kind_of(task)][1])))
        right = np.full((3, width), 0.5)
        assert task.output_mistake(right) == task.output_mistake(right * np.nan) == task.output_mistake(right * 2.0005) == ""
        assert task.output_mistake(right * 4) == f"gives values from 2 to 2; expected probabilities. End it in {layer}."
        assert "gives values from -0.5 to -0.5" in task.output_mistake(-right)
    assert SIZES.output_mistake(np.full((3, 2), -1e9)) == ""
    assert BOTH.output_mistake({"color": SURE, "size": -SURE[:, :2]}) == ""
    assert BOTH.output_mistake({"color": SURE * 3, "size": SURE}).startswith("color gives values from 0 to 2.7; expected probabilities")


def answered(task: Any, predicted: Any) -> list[dict]:
    return task.answer(predicted).to_dict("records")


def test_an_answer_has_a_row_for_each_example() -> None:
    assert answered(COLORS, SURE[:1]) == [{"class": "red", "probability": 0.9, "red": 0.9, "green": 0.1, "blue": 0.0}]
    assert answered(COLORS, np.stack([SURE, SURE], axis=1)[1:]) == [
        {"class": ["blue", "blue"], "probability": [0.6, 0.6]},
        {"class": ["red", "red"], "probability": [0.5, 0.5]},
    ]
    assert answered(YES, np.array([[0.25], [0.75]])) == [
        {"class": "no", "probability": 0.75, "no": 0.75, "yes": 0.25},
        {"class": "yes", "probability": 0.75, "no": 0.25, "yes": 0.75},
    ]
    assert answered(TAGS, np.array([[0.6, 0.9], [0.1, 0.5]])) == [
        {"labels": ["new", "big"], "new": 0.6, "big": 0.9},
        {"labels": [], "new": 0.1, "big": 0.5},
    ]
    assert answered(SIZES, np.array([[1.5, -2.0]])) == [{"u": 1.5, "v": -2.0}]
    assert answered(Numbers(("price",)), np.array([[3.0], [4.0]])) == [{"price": 3.0}, {"price": 4.0}]
    assert answered(Numbers(), np.array([[3.0, 4.0]])) == [{"value": [3.0, 4.0]}]
    assert answered(Numbers(), np.array([[[3.0], [4.0]]])) == [{"value": [[3.0], [4.0]]}]
    both = answered(BOTH, {"color": SURE[:1], "size": np.array([[1.5, -2.0]])})
    assert both == [
        {
            "color: class": "red",
            "color: probability": 0.9,
            "color: red": 0.9,
            "color: green": 0.1,
            "color: blue": 0.0,
            "size: u": 1.5,
            "size: v": -2.0,
        }
    ]


def test_an_answer_can_be_said_as_json() -> None:
    for task, predicted in ((COLORS, SURE), (YES, SURE[:, :1]), (TAGS, SURE[:, :2]), (SIZES, SURE[:, :2]), (Numbers(), SURE)):
        for values in (predicted, predicted.astype(np.float32)):
            assert len(json.loads(task.answer(values).to_json(orient="records"))) == 3
