from pathlib import Path

import numpy as np
import pytest

from src import datasets
from src.datasets import npz
from src.errors import DataError
from src.tasks import kind_of

X, Y = np.zeros((20, 3), np.float32), np.arange(20) % 4
SETTINGS = {"task": "classes", "validation_split": 0.25, "split_seed": 0}


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x_train": X}, "no y_train among x_train"),
        ({"x_train": X, "y_train": Y[:5]}, "with the same n"),
        ({"x_train": X, "y_train": Y[:0]}, r"expected \(n, …\) and \(n, …\) with the same n"),
        ({"x_train": X, "y_train": Y.astype(float)}, "whole numbers as labels"),
        ({"x_train": X.astype(complex), "y_train": Y}, "expected numbers or texts as x"),
        ({"x_train": np.where(np.eye(20, 3), np.nan, X), "y_train": Y}, "3 values that are NaN or infinite"),
        ({"x_train": X, "y_train": Y - 1}, "label -1"),
        ({"x_train": X, "y_train": Y, "class_names": np.array(["a", "b"])}, "expected one name per class"),
        ({"x_train": X, "y_train": Y, "class_names": np.array(["a", "b", "a", "d"])}, "3 distinct names"),
        ({"x_train": X, "y_train": np.array([None] * 20)}, "pickle"),
        ({"x_train": X, "y_train": Y, "x_val": X, "y_val": Y}, r"x_val would not be read(?s:.*)y_val would not be read"),
        ({"x_train": X, "y_train": Y, "sample_weight": X[:, 0]}, "Expected no arrays but .*, weight_train, weight_validation"),
        ({"x_train": X, "y_train": Y, "class_name": Y}, "did you mean 'class_names'"),
        ({"x_train": X, "y_train": Y, "x_test": X}, "no y_test among x_train, y_train, x_test"),
        ({"x_train": X, "y_train": Y, "y_test": Y}, "no x_test among"),
        ({"x_train": X, "y_train": Y, "x_test": X[:, :2], "y_test": Y}, r"x_train has examples of shape \(3,\), x_test of \(2,\)"),
        ({"x_train": X.astype(np.uint8), "y_train": Y, "x_test": X.astype(int), "y_test": Y}, "dtype uint8, x_test int64"),
        ({"x_train": X, "y_train": Y, "x_test": X, "y_test": Y + 1}, "1 labels that the training does not know, such as 4"),
        ({"x_train": X, "y_train": Y * 20240101}, "label 60720303, which is no class"),
        ({"x_train": X, "y_train": np.arange(20)}, "20 distinct labels in 20 examples"),
        ({"x_train": X, "y_train": Y + 1, "class_names": np.array(list("abcd"))}, "labels 1 to 4; expected one name per class"),
        ({"x_train": X, "y_train": Y, "class_names": np.array([list("abcd")])}, r"class_names, of shape \(1, 4\)"),
        ({"x_train": X, "y_train": Y, "class_names": np.array("abcd")}, r"class_names, of shape \(\)"),
        ({"x_train": X.astype(float) + 1e300, "y_train": Y}, "infinite in float32"),
    ],
)
def test_a_malformed_file_is_explained(arrays: dict, message: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "own.npz", **arrays)
    with pytest.raises(DataError, match=message):
        npz.load(path=str(tmp_path / "own.npz"), **SETTINGS)


def test_a_file_that_is_no_npz_is_explained(tmp_path: Path) -> None:
    (tmp_path / "own.npz").write_text("not an archive")
    with pytest.raises(DataError, match=r"numpy\.savez"):
        npz.load(path=str(tmp_path / "own.npz"), **SETTINGS)


def test_bytes_are_scaled_and_numbers_are_taken_as_they_are(tmp_path: Path) -> None:
    for values, largest in ((np.full((20, 2), 255, np.uint8), 1.0), (np.full((20, 2), 7.0), 7.0)):
        np.savez(tmp_path / "own.npz", x_train=values, y_train=Y)
        data = npz.load(path=str(tmp_path / "own.npz"), **SETTINGS)
        assert data.x.max() == largest
        assert data.task.names == ("0", "1", "2", "3")
    with pytest.raises(DataError, match="no x_test and no y_test"):
        data.test()


def test_the_distinct_labels_of_the_training_name_the_classes_of_both_splits(tmp_path: Path) -> None:
    for labels in (Y + 1, np.array([0, 1, 3, 500])[Y], np.array([200, 301, 404, 500], np.uint16)[Y]):
        np.savez(tmp_path / "own.npz", x_train=X, y_train=labels, x_test=X[:2], y_test=labels[2:4])
        data = npz.load(path=str(tmp_path / "own.npz"), **SETTINGS)
        assert data.task.names == tuple(map(str, sorted(set(labels.tolist()))))
        assert data.y.tolist() == Y.tolist() and data.test()[1].tolist() == [2, 3]
        assert data.y.dtype == data.test()[1].dtype == np.int64


def test_names_may_be_bytes_and_classes_absent(tmp_path: Path) -> None:
    np.savez(tmp_path / "own.npz", x_train=X, y_train=Y, class_names=np.array([b"a", b"b", b"c", b"d", b"e"]))
    assert npz.load(path=str(tmp_path / "own.npz"), **SETTINGS).task.names == tuple("abcde")


def test_both_splits_are_scaled_by_one_rule(tmp_path: Path) -> None:
    np.savez(tmp_path / "own.npz", x_train=X + 2, y_train=Y, x_test=(X + 2).astype(np.float64), y_test=Y)
    data = npz.load(path=str(tmp_path / "own.npz"), **SETTINGS)
    assert data.test()[0].max() == data.x.max() == 2


def saved(folder: Path, **arrays: np.ndarray) -> str:
    np.savez(folder / "own.npz", **{name.replace("__", "/"): array for name, array in arrays.items()})
    return str(folder / "own.npz")


def test_labels_in_a_column_are_refused_by_the_contract(tmp_path: Path) -> None:
    node = {"_target_": "src.datasets.npz.load", "path": saved(tmp_path, x_train=X, y_train=Y[:, None]), **SETTINGS}
    with pytest.raises(DataError, match=r"y has shape \(20, 1\); expected class numbers, .*shape \(n,\): y\[:, 0\]"):
        datasets.load(node)


def test_numbers_and_labels_have_names_of_their_own(tmp_path: Path) -> None:
    prices, tags = np.linspace(0, 1, 20), np.eye(20, 3, dtype=int)
    for task, y, given, names in (
        ("numbers", prices, {}, ("value",)),
        ("numbers", prices, {"names": np.array(["price"])}, ("price",)),
        ("labels", tags, {}, ("0", "1", "2")),
        ("labels", tags, {"names": np.array([b"new", b"used", b"red"])}, ("new", "used", "red")),
    ):
        data = npz.load(path=saved(tmp_path, x_train=X, y_train=y, x_test=X[:2], y_test=y[:2], **given), **{**SETTINGS, "task": task})
        assert kind_of(data.task) == task and data.task.names == names
        assert np.array_equal(data.y, y) and np.array_equal(data.test()[1], y[:2])


def test_the_names_of_another_task_would_not_be_read(tmp_path: Path) -> None:
    for task, name, y in (("classes", "names", Y), ("numbers", "class_names", Y * 0.5)):
        path = saved(tmp_path, x_train=X, y_train=y, **{name: np.array(list("abcd"))})
        with pytest.raises(DataError, match=f"^[^\n]*\n  {name} would not be read for data.task={task}"):
            npz.load(path=path, **{**SETTINGS, "task": task})


def test_several_inputs_are_a_dict_and_texts_stay_as_they_are(tmp_path: Path) -> None:
    inputs = {
        "x_train__age": np.arange(20),
        "x_train__photo": np.full((20, 2, 2), 255, np.uint8),
        "x_train__word": np.array(["a", "bcd"] * 10),
    }
    data = npz.load(path=saved(tmp_path, y_train=Y, **inputs), **SETTINGS)
    assert {name: array.dtype.kind for name, array in data.x.items()} == {"age": "f", "photo": "f", "word": "U"}
    assert data.x["photo"].max() == 1 and data.x["word"].tolist() == ["a", "bcd"] * 10
    assert data.input_shape == {"age": (), "photo": (2, 2), "word": ()}
    for more, message in (
        ({"x_train": X}, "x_train beside x_train/NAME"),
        ({"x_test__age": X[:, 0], "y_test": Y}, "x_train has the inputs age, photo, word, x_test age; expected the same"),
    ):
        with pytest.raises(DataError, match=message):
            npz.load(path=saved(tmp_path, y_train=Y, **inputs, **more), **SETTINGS)


def test_a_validation_set_of_ones_own_is_the_validation_split(tmp_path: Path) -> None:
    path = saved(tmp_path, x_train=X, y_train=Y, x_validation=X[:6] + 1, y_validation=Y[:6])
    data = npz.load(path=path, **SETTINGS)
    assert data.train_index.tolist() == list(range(20)) and data.validation_index.tolist() == list(range(20, 26))
    assert np.array_equal(data.validation[0], X[:6] + 1) and np.array_equal(data.validation[1], Y[:6])
    with pytest.raises(DataError, match=r"data\.folds=3, data\.fold=0: it has a validation set of its own; expected no other split"):
        npz.load(path=path, **SETTINGS, folds=3, fold=0)


def test_weights_follow_their_examples(tmp_path: Path) -> None:
    weight = np.arange(20) + 1.0
    data = npz.load(path=saved(tmp_path, x_train=X, y_train=Y, weight_train=weight), **SETTINGS)
    assert np.array_equal(data.weights(training=True), weight) and np.array_equal(data.weights(training=False), weight)
    parts = {"x_validation": X[:6], "y_validation": Y[:6]}
    path = saved(tmp_path, x_train=X, y_train=Y, **parts, weight_train=weight, weight_validation=weight[:6])
    assert npz.load(path=path, **SETTINGS).weight.tolist() == [*weight, *weight[:6]]
    for arrays, message in (
        ({**parts, "weight_train": weight}, "expected weight_train and weight_validation, or neither"),
        ({"weight_train": weight[:5]}, r"weight_train has shape \(5,\); expected \(20,\), one for each of y_train"),
    ):
        with pytest.raises(DataError, match=message):
            npz.load(path=saved(tmp_path, x_train=X, y_train=Y, **arrays), **SETTINGS)


def test_the_examples_of_a_group_stay_together(tmp_path: Path) -> None:
    groups = np.arange(20) // 5
    data = npz.load(path=saved(tmp_path, x_train=X, y_train=Y, groups_train=groups), **SETTINGS, split_by="group")
    assert not set(groups[data.train_index]) & set(groups[data.validation_index])
