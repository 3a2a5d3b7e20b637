"""Arrays of the user in one .npz file that fits in memory."""

import zipfile
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from src.datasets import Dataset, Examples, split
from src.errors import DataError, did_you_mean

PARTS = ("train", "test")
KNOWN = (*(f"{kind}_{part}" for part in PARTS for kind in "xy"), "class_names")
HIGHEST = 100_000  # label without class_names; public data sets have up to some 20,000 classes
PER_CLASS = 2  # examples per class on average, at least
NUMBERED = "names, y = numpy.unique(y, return_inverse=True) numbers classes; save the names as class_names"


def load(*, path: str, validation_split: float, split_seed: int) -> Dataset:
    """Reads arrays `x_train` (n, …) and `y_train` (n,); optional are `x_test`, `y_test` and `class_names` (classes,).

    Labels are positions in class_names. Without class_names the distinct labels of y_train name the classes, in ascending order.
    uint8 is scaled to [0, 1]; other numbers are taken as they are. The test split is treated in the same way; before
    promotion opens it, only its shapes, dtypes and labels are looked at.

    Raises:
        DataError: the file is not a plain .npz, or its arrays are not as above; the message has every mistake.
    """
    arrays = _read(path)
    parts = [part for part in PARTS if part == "train" or f"x_{part}" in arrays or f"y_{part}" in arrays]
    mistakes = list(_unread(arrays))
    for part in parts:
        mistakes += _malformed(arrays, part)
    if not mistakes:
        mistakes += [*_differing(arrays), *_label_mistakes(arrays)]
    if mistakes:
        raise DataError("\n  ".join([f"{path}:", *mistakes]))
    x, y = _examples(arrays, path, "train")
    return split(x, y, _names(arrays), partial(_test, path), validation_split=validation_split, split_seed=split_seed)


def _read(path: str) -> dict[str, np.ndarray]:
    """Reads all arrays; refuses a damaged file, of which numpy would read a part."""
    try:
        if not Path(path).is_file():  # a pipe would never end
            raise OSError("there is no such file")
        with np.load(path, allow_pickle=False) as file:
            commented = [member.filename for member in file.zip.infolist() if member.comment]  # a damaged length hides later arrays
            # numpy stops checking where a damaged header says that the array ends
            damaged = file.zip.testzip() or "".join(commented)
            if damaged:
                raise ValueError(f"{damaged} is damaged")
            return {name: file[name] for name in file.files}
    except (OSError, EOFError, TypeError, ValueError, MemoryError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{path}: {error}. Expected an .npz of numbers: numpy.savez(path, x_train=…, y_train=…)") from error


def _test(path: str) -> Examples:
    arrays = _read(path)
    if not {"x_test", "y_test"} & set(arrays):
        raise DataError(f"{path}: no x_test and no y_test among {', '.join(arrays)}; promotion opens a test split, expected both.")
    return _examples(arrays, path, "test")


def _unread(arrays: dict[str, np.ndarray]) -> Iterator[str]:
    """Yields a mistake for each array that would not be read."""
    for name in arrays:
        if name not in KNOWN:
            yield (
                f"{name} would not be read{did_you_mean(name, KNOWN)} Expected no arrays but {', '.join(KNOWN)}: a validation split of "
                "your own and weights of examples are not supported yet; data.validation_split takes a share of x_train"
            )


def _malformed(arrays: dict[str, np.ndarray], part: str) -> Iterator[str]:
    """Yields the mistakes of the examples and labels of a part."""
    names = f"x_{part}", f"y_{part}"
    if missing := [name for name in names if name not in arrays]:
        yield f"no {' and no '.join(missing)} among {', '.join(arrays) or 'nothing'}; expected arrays x_{part} and y_{part}"
        return
    x, y = arrays[names[0]], arrays[names[1]]
    received = f"{names[0]} has shape {x.shape} and dtype {x.dtype}, {names[1]} has {y.shape} and {y.dtype}"
    if x.ndim < 2 or y.ndim != 1 or len(x) != len(y) or not x.size:
        yield f"{received}; expected (n, …) and (n,) with the same n"
    if x.dtype.kind not in "uif" or y.dtype.kind not in "ui":
        yield f"{received}; expected numbers, and whole numbers as labels. Other tasks are not supported yet"


def _differing(arrays: dict[str, np.ndarray]) -> Iterator[str]:
    """Yields differences between training and test split that keep a model of one from working on the other."""
    x, x_test = arrays["x_train"], arrays.get("x_test", arrays["x_train"])
    if x.shape[1:] != x_test.shape[1:]:
        yield f"x_train has examples of shape {x.shape[1:]}, x_test of {x_test.shape[1:]}; expected the same"
    if x.dtype != x_test.dtype and not x.dtype.kind == x_test.dtype.kind == "f":
        yield f"x_train has dtype {x.dtype}, x_test {x_test.dtype}; expected the same, for uint8 alone is scaled to [0, 1]"


def _label_mistakes(arrays: dict[str, np.ndarray]) -> Iterator[str]:
    """Yields the mistakes of labels. It allocates nothing that grows with the largest label."""
    y, y_test = arrays["y_train"], arrays.get("y_test", arrays["y_train"])
    labels = np.unique(y)
    if labels[0] < 0:
        yield f"y_train holds the label {labels[0]}; expected labels from 0 on. {NUMBERED}"
    if "class_names" not in arrays:
        if labels[-1] > HIGHEST:
            yield f"y_train holds the label {labels[-1]}, which is no class; expected at most {HIGHEST}. {NUMBERED}"
        if len(labels) * PER_CLASS > len(y):
            yield f"y_train holds {len(labels)} distinct labels in {len(y)} examples; expected at least {PER_CLASS} of each on the average"
        known = labels
    else:
        names = arrays["class_names"]
        distinct = len(np.unique(names)) if names.dtype.kind in "USui" else 0
        if names.ndim != 1 or distinct < len(names) or len(names) <= labels[-1]:
            yield (
                f"class_names, of shape {names.shape} and dtype {names.dtype}, has {distinct} distinct names for labels "
                f"{labels[0]} to {labels[-1]}; expected one name per class, from label 0 on"
            )
        known = np.arange(names.size)
    if (unknown := np.setdiff1d(y_test, known)).size:
        yield f"y_test holds {unknown.size} labels that the training does not know, such as {unknown[0]}; expected those of y_train"


def _names(arrays: dict[str, np.ndarray]) -> tuple[str, ...]:
    """The names of the classes."""
    names = arrays["class_names"] if "class_names" in arrays else np.unique(arrays["y_train"])
    return tuple(name.decode(errors="replace") if isinstance(name, bytes) else str(name) for name in names.tolist())


def _examples(arrays: dict[str, np.ndarray], path: str, part: str) -> Examples:
    """The examples of a part in float32, and their class numbers."""
    x, y = arrays[f"x_{part}"], arrays[f"y_{part}"]
    with np.errstate(over="ignore"):  # values beyond float32 become infinite, which is refused below
        x = x / np.float32(255) if x.dtype == np.uint8 else x.astype(np.float32)
    if wrong := int((~np.isfinite(x)).sum()):
        raise DataError(f"{path}: x_{part} holds {wrong} values that are NaN or infinite in float32; expected finite numbers.")
    return x, y.astype(np.int64) if "class_names" in arrays else np.searchsorted(np.unique(arrays["y_train"]), y)
