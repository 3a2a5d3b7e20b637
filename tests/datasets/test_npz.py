from pathlib import Path

import numpy as np
import pytest

from src.datasets import npz
from src.errors import DataError

X, Y = np.zeros((20, 3), np.float32), np.arange(20) % 4
SETTINGS = {"validation_split": 0.25, "split_seed": 0}


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x_train": X}, "no y_train among x_train"),
        ({"x_train": X, "y_train": Y[:5]}, "with the same n"),
        ({"x_train": X, "y_train": Y[:, None]}, r"expected \(n, …\) and \(n,\)"),
        ({"x_train": X, "y_train": Y.astype(float)}, "whole numbers as labels"),
        ({"x_train": X.astype(str), "y_train": Y}, "expected numbers"),
        ({"x_train": np.where(np.eye(20, 3), np.nan, X), "y_train": Y}, "3 values that are NaN or infinite"),
        ({"x_train": X, "y_train": Y - 1}, "label -1"),
        ({"x_train": X, "y_train": Y, "class_names": np.array(["a", "b"])}, "expected one name per class"),
        ({"x_train": X, "y_train": Y, "class_names": np.array(["a", "b", "a", "d"])}, "3 distinct names"),
        ({"x_train": X, "y_train": np.array([None] * 20)}, "pickle"),
        ({"x_train": X, "y_train": Y, "x_val": X, "y_val": Y}, r"x_val would not be read(?s:.*)y_val would not be read"),
        ({"x_train": X, "y_train": Y, "sample_weight": X[:, 0]}, "weights of examples are not supported yet"),
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
        assert data.class_names == ("0", "1", "2", "3")
    with pytest.raises(DataError, match="no x_test and no y_test"):
        data.test()


def test_the_distinct_labels_of_the_training_name_the_classes_of_both_splits(tmp_path: Path) -> None:
    for labels in (Y + 1, np.array([0, 1, 3, 500])[Y], np.array([200, 301, 404, 500], np.uint16)[Y]):
        np.savez(tmp_path / "own.npz", x_train=X, y_train=labels, x_test=X[:2], y_test=labels[2:4])
        data = npz.load(path=str(tmp_path / "own.npz"), **SETTINGS)
        assert data.class_names == tuple(map(str, sorted(set(labels.tolist()))))
        assert data.y.tolist() == Y.tolist() and data.test()[1].tolist() == [2, 3]
        assert data.y.dtype == data.test()[1].dtype == np.int64


def test_names_may_be_bytes_and_classes_absent(tmp_path: Path) -> None:
    np.savez(tmp_path / "own.npz", x_train=X, y_train=Y, class_names=np.array([b"a", b"b", b"c", b"d", b"e"]))
    assert npz.load(path=str(tmp_path / "own.npz"), **SETTINGS).class_names == tuple("abcde")


def test_both_splits_are_scaled_by_one_rule(tmp_path: Path) -> None:
    np.savez(tmp_path / "own.npz", x_train=X + 2, y_train=Y, x_test=(X + 2).astype(np.float64), y_test=Y)
    data = npz.load(path=str(tmp_path / "own.npz"), **SETTINGS)
    assert data.test()[0].max() == data.x.max() == 2
