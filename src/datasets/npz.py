"""The user's arrays in one .npz file that fits in memory."""

import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from src import tasks
from src.datasets import Dataset, Examples, split
from src.datasets.trees import joined
from src.errors import DataError, did_you_mean
from src.tasks import Tree

KNOWN = ["x_train", "y_train", "x_validation", "y_validation", "x_test", "y_test", "weight_train", "weight_validation", "groups_train"]
NUMBERED_TASKS = ("classes", "binary")  # tasks whose labels are class numbers
HIGHEST = 100_000  # largest label without class_names; public data sets have up to about 20,000 classes
PER_CLASS = 2  # least number of examples per class, on average
NUMBERED = "names, y = numpy.unique(y, return_inverse=True) numbers classes; save the names as class_names"
NO_CLASSES = "If y holds numbers to predict: data.task=numbers; if it has a column of 0 and 1 for each label: data.task=labels"


def load(*, path: str, task: str, **options: Any) -> Dataset:
    """Reads arrays `x_train` (n, …) and `y_train`; each of several inputs is an array `x_train/NAME`.

    Optional are `x_validation` and `y_validation` (otherwise a share of the training examples validates), `x_test` and `y_test`,
    `weight_train` and `weight_validation` (n,), `groups_train` (n,), `class_names` (classes,), and `names` of labels or numbers.

    For classes, y holds positions in class_names; without class_names its distinct values name the classes, in ascending order.
    uint8 is scaled to [0, 1], other numbers become float32, texts stay. The test split is treated in the same way; until promotion
    opens it, only its shapes, dtypes and labels are checked.

    Args:
        task: a kind of task for one output.
        options: arguments of `split`; not used with a validation set.

    Raises:
        DataError: the file is not a plain .npz, or its arrays are not as above; the message has every mistake.
    """
    arrays = _read(path)
    starts = {name.partition("/")[0] for name in arrays}
    parts = ["train", *(part for part in ("validation", "test") if starts & {f"x_{part}", f"y_{part}"})]
    mistakes = list(_unread(arrays, task))
    for part in parts:
        mistakes += _malformed(arrays, part, task)
    if not mistakes:
        mistakes += _differing(arrays, parts)
        mistakes += _label_mistakes(arrays, parts) if task in NUMBERED_TASKS else []
    if mistakes:
        raise DataError("\n  ".join([f"{path}:", *mistakes]))
    kind, names = tasks.find(task), _names(arrays, task)
    data_task: Any = kind(names) if names else kind()  # type: ignore[call-arg]
    x, y = _examples(arrays, path, "train", task)
    test = partial(_test, path, task)
    if "validation" not in parts:
        data = split(x, y, data_task, test, groups=arrays.get("groups_train"), **options)
        return replace(data, weight=arrays.get("weight_train"))
    unused = {"folds": None, "fold": None, "split_by": "random"}
    ignored = [f"data.{name}={options[name]}" for name, default in unused.items() if options.get(name, default) != default]
    if ignored:
        raise DataError(f"{path}: {', '.join(ignored)}: it has a validation set of its own; expected no other split.")
    validation = _examples(arrays, path, "validation", task)
    train_index, validation_index = np.split(np.arange(len(y) + len(validation[1])), [len(y)])
    weights = [arrays[name] for name in ("weight_train", "weight_validation") if name in arrays]
    weight = np.concatenate(weights) if weights else None
    return Dataset(joined([x, validation[0]]), joined([y, validation[1]]), train_index, validation_index, data_task, test, weight)


def _read(path: str) -> dict[str, np.ndarray]:
    """Reads all arrays; refuses a damaged file, which numpy would read in part."""
    try:
        if not Path(path).is_file():  # a pipe would never end
            raise OSError("there is no such file")
        with np.load(path, allow_pickle=False) as file:
            commented = [member.filename for member in file.zip.infolist() if member.comment]  # a damaged length hides later arrays
            # numpy stops checking at the end of an array, which a damaged header may put too early
            damaged = file.zip.testzip() or "".join(commented)
            if damaged:
                raise ValueError(f"{damaged} is damaged")
            return {name: file[name] for name in file.files}
    except (OSError, EOFError, TypeError, ValueError, MemoryError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{path}: {error}. Expected an .npz of numbers: numpy.savez(path, x_train=…, y_train=…)") from error


def _test(path: str, task: str) -> Examples:
    arrays = _read(path)
    if not any(name.startswith(("x_test", "y_test")) for name in arrays):
        raise DataError(f"{path}: no x_test and no y_test among {', '.join(arrays)}; promotion opens a test split, expected both.")
    return _examples(arrays, path, "test", task)


def inputs_of(arrays: dict[str, np.ndarray], part: str) -> dict[str, np.ndarray]:
    """Returns name → input of a part; the name of an only input is empty."""
    return {name.partition("/")[2]: array for name, array in arrays.items() if name.partition("/")[0] == f"x_{part}"}


def _unread(arrays: dict[str, np.ndarray], task: str) -> Iterator[str]:
    """Yields a mistake for each array that would not be read."""
    known = [*KNOWN, "class_names" if task in NUMBERED_TASKS else "names"]
    for name in arrays:
        start, slash, _ = name.partition("/")
        if start not in known or (slash and not start.startswith("x_")):
            expected = f"Expected no arrays but {', '.join(known)}; each of several inputs is an array x_train/NAME"
            yield f"{name} would not be read for data.task={task}{did_you_mean(name, known)} {expected}"
    if "groups_train" in arrays and "x_validation" in arrays:
        yield "groups_train would not be read: there is a validation set"
    only_validation = "weight_validation" in arrays and "weight_train" not in arrays
    only_train = "weight_train" in arrays and "weight_validation" not in arrays
    if only_validation or (only_train and "x_validation" in arrays):
        yield "expected weight_train and weight_validation, or neither, where there is a validation set"


def _malformed(arrays: dict[str, np.ndarray], part: str, task: str) -> Iterator[str]:
    inputs = inputs_of(arrays, part)
    missing = [] if inputs else [f"x_{part}"]
    missing += [] if f"y_{part}" in arrays else [f"y_{part}"]
    if missing:
        yield f"no {' and no '.join(missing)} among {', '.join(arrays) or 'nothing'}; expected arrays x_{part} and y_{part}"
        return
    if "" in inputs and len(inputs) > 1:
        yield f"x_{part} beside x_{part}/NAME; expected one input, or a name for each"
    y, numbered = arrays[f"y_{part}"], task in NUMBERED_TASKS
    for name, x in inputs.items():
        fewest_axes = 1 if name or x.dtype.kind in "US" else 2  # an example of an only input is more than one number
        received = f"x_{part}{'/' if name else ''}{name} has shape {x.shape} and dtype {x.dtype}, y_{part} has {y.shape} and {y.dtype}"
        if x.ndim < fewest_axes or y.ndim < 1 or len(x) != len(y) or not x.size:
            yield f"{received}; expected (n, …) and (n, …) with the same n"
        if x.dtype.kind not in "buifUS" or y.dtype.kind not in ("ui" if numbered else "buif"):
            hint = f", and whole numbers as labels. {NO_CLASSES}" if numbered else ""
            yield f"{received}; expected numbers or texts as x, numbers as y{hint}"
    for name in (f"weight_{part}", f"groups_{part}"):
        if name in arrays and arrays[name].shape != y.shape[:1]:
            yield f"{name} has shape {arrays[name].shape}; expected {y.shape[:1]}, one for each of y_{part}"


def _differing(arrays: dict[str, np.ndarray], parts: list[str]) -> Iterator[str]:
    """Yields the differences between the training inputs and those of another part that a model cannot bridge."""
    known = inputs_of(arrays, "train")
    for part in parts[1:]:
        others = inputs_of(arrays, part)
        if known.keys() != others.keys():
            yield f"x_train has the inputs {', '.join(known)}, x_{part} {', '.join(others)}; expected the same"
            continue
        for name, other in others.items():
            x = known[name]
            if x.shape[1:] != other.shape[1:]:
                yield f"x_train has examples of shape {x.shape[1:]}, x_{part} of {other.shape[1:]}; expected the same"
            if x.dtype != other.dtype and not (x.dtype.kind == other.dtype.kind and x.dtype.kind in "fUS"):
                yield f"x_train has dtype {x.dtype}, x_{part} {other.dtype}; expected the same, for uint8 alone is scaled to [0, 1]"


def _label_mistakes(arrays: dict[str, np.ndarray], parts: list[str]) -> Iterator[str]:
    """Yields the mistakes in class numbers. Allocates nothing that grows with the largest label."""
    y = arrays["y_train"]
    labels = np.unique(y)
    if labels[0] < 0:
        yield f"y_train holds the label {labels[0]}; expected labels from 0 on. {NUMBERED}"
    if "class_names" not in arrays:
        if labels[-1] > HIGHEST:
            yield f"y_train holds the label {labels[-1]}, which is no class; expected at most {HIGHEST}. {NUMBERED}. {NO_CLASSES}"
        if len(labels) * PER_CLASS > y.size:
            received = f"y_train holds {len(labels)} distinct labels in {y.size} examples"
            yield f"{received}; expected at least {PER_CLASS} of each on average. {NO_CLASSES}"
        known = labels
    else:
        names = arrays["class_names"]
        distinct = len(np.unique(names)) if names.dtype.kind in "USui" else 0
        if names.ndim != 1 or distinct < len(names) or len(names) <= labels[-1]:
            received = f"class_names, of shape {names.shape} and dtype {names.dtype}, has {distinct} distinct names"
            yield f"{received} for labels {labels[0]} to {labels[-1]}; expected one name per class, from label 0 on"
        known = np.arange(names.size)
    for part in parts[1:]:
        unknown = np.setdiff1d(arrays[f"y_{part}"], known)
        if unknown.size:
            yield f"y_{part} holds {unknown.size} labels that the training does not know, such as {unknown[0]}; expected those of y_train"


def _names(arrays: dict[str, np.ndarray], task: str) -> tuple[str, ...]:
    """Returns the names of classes, labels or numbers; empty for numbers without names."""
    y = arrays["y_train"]
    if task in NUMBERED_TASKS:
        names = arrays["class_names"] if "class_names" in arrays else np.unique(y)
    elif "names" in arrays:
        names = arrays["names"].ravel()
    elif task == "labels" and y.ndim == 2:
        names = np.arange(y.shape[1])
    else:
        return ()
    return tuple(name.decode(errors="replace") if isinstance(name, bytes) else str(name) for name in names.tolist())


def _examples(arrays: dict[str, np.ndarray], path: str, part: str, task: str) -> Examples:
    """Returns the inputs and labels of a part; labels of classes become class numbers."""
    inputs = {name: _converted(x, f"{path}: x_{part}{'/' if name else ''}{name}") for name, x in inputs_of(arrays, part).items()}
    x: Tree = inputs.get("", inputs)
    y = arrays[f"y_{part}"]
    if task not in NUMBERED_TASKS:
        return x, y
    if "class_names" in arrays:
        return x, y.astype(np.int64)
    return x, np.searchsorted(np.unique(arrays["y_train"]), y)


def _converted(x: np.ndarray, place: str) -> np.ndarray:
    """Returns numbers as float32 and texts unchanged; raises DataError for values that are not finite."""
    if x.dtype.kind in "US":
        return x
    with np.errstate(over="ignore"):  # values beyond float32 become infinite, which is refused below
        x = x / np.float32(255) if x.dtype == np.uint8 else x.astype(np.float32)
    if wrong := int((~np.isfinite(x)).sum()):
        raise DataError(f"{place} holds {wrong} values that are NaN or infinite in float32; expected finite numbers.")
    return x
