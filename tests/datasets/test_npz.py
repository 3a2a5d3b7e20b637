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
