"""The user's own arrays in one .npz file that fits in memory."""

import zipfile
import zlib
from functools import partial
from pathlib import Path

import numpy as np

from src.datasets import Dataset, Examples, split
from src.errors import DataError


def load(*, path: str, validation_split: float, split_seed: int) -> Dataset:
    """Arrays `x_train` (n, …), `y_train` (n,), and if there are any `x_test`, `y_test`, `class_names` (classes,).

    uint8 is scaled to [0, 1]; other numbers are taken as they are.

    Raises:
        DataError: the file is not a plain .npz, or an array has a wrong shape, dtype or value.
    """
    arrays = _read(path)
    x, y = _examples(arrays, path, "train")
    names = tuple(map(str, arrays["class_names"])) if "class_names" in arrays else tuple(str(label) for label in range(int(y.max()) + 1))
    if len(set(names)) < len(names) or len(names) <= y.max():
        raise DataError(f"{path}: class_names has {len(set(names))} distinct names for labels 0 to {y.max()}; expected one name per class.")
    return split(x, y, names, partial(_test, path), validation_split=validation_split, split_seed=split_seed)


def _read(path: str) -> dict[str, np.ndarray]:
    try:
        if not Path(path).is_file():  # a pipe would never end
            raise OSError("there is no such file")
        with np.load(path, allow_pickle=False) as file:
            comments = [one.filename for one in file.zip.infolist() if one.comment]  # a damaged length hides the arrays behind it
            if damaged := file.zip.testzip() or "".join(comments):  # numpy stops checking where a damaged header says that the array ends
                raise ValueError(f"{damaged} is damaged")
            return {name: file[name] for name in file.files}
    except (OSError, EOFError, TypeError, ValueError, MemoryError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{path}: {error}. Expected an .npz of numbers: numpy.savez(path, x_train=…, y_train=…)") from error


def _test(path: str) -> Examples:
    return _examples(_read(path), path, "test")


def _examples(arrays: dict[str, np.ndarray], path: str, part: str) -> Examples:
    names = f"x_{part}", f"y_{part}"
    if missing := [name for name in names if name not in arrays]:
        raise DataError(
            f"{path}: no {' and no '.join(missing)} among {', '.join(arrays) or 'nothing'}; expected arrays x_{part} and y_{part}."
        )
    x, y = arrays[names[0]], arrays[names[1]]
    say = f"{path}: {names[0]} has shape {x.shape} and dtype {x.dtype}, {names[1]} has {y.shape} and {y.dtype}"
    if x.ndim < 2 or y.ndim != 1 or len(x) != len(y) or not len(x):
        raise DataError(f"{say}; expected (n, …) and (n,) with the same n.")
    if x.dtype.kind not in "uif" or y.dtype.kind not in "ui":
        raise DataError(f"{say}; expected numbers, and whole numbers as labels.")
    x = x / np.float32(255) if x.dtype == np.uint8 else x
    if not np.isfinite(x).all():
        raise DataError(
            f"{path}: {names[0]} holds {int((~np.isfinite(x)).sum())} values that are NaN or infinite; expected finite numbers."
        )
    if y.min() < 0:
        raise DataError(f"{path}: {names[1]} holds the label {y.min()}; expected labels from 0 to classes - 1.")
    return x.astype(np.float32), y
