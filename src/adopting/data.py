"""The data of a search as arrays for `data=npz`, and their task."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from src.adopting.examples import first_example, input_names, read
from src.datasets import trees
from src.datasets.npz import NUMBERED_TASKS
from src.errors import ConfigError

TASKS = {
    "sparse_categorical_crossentropy": "classes",
    "categorical_crossentropy": "classes",
    "binary_crossentropy": "binary",
    **dict.fromkeys(("mse", "mean_squared_error", "mae", "mean_absolute_error", "huber", "log_cosh", "mape", "msle"), "numbers"),
    **dict.fromkeys(("mean_absolute_percentage_error", "mean_squared_logarithmic_error", "poisson"), "numbers"),
}


@dataclass(frozen=True)
class Data:
    """Arrays with the names that `data=npz` expects.

    Attributes:
        numbered: True if labels were one-hot rows and are class numbers now.
        batch_size: batch size of a tf.data.Dataset; None for arrays.
    """

    arrays: dict[str, np.ndarray]
    task: str
    numbered: bool
    batch_size: int | None


def data_of(arguments: dict[str, Any], test: tuple[Any, Any] | None, model: keras.Model) -> Data:
    """Returns the data of a search.

    Args:
        arguments: x, y, validation_data, validation_split and sample_weight, as Keras' `fit` takes them.
        test: the test examples; left out if they do not fit.
        model: the model with the hypermodel's defaults.

    Raises:
        ConfigError: the data are not arrays, or their task is not known.
    """
    loss, names = _loss_name(model), input_names(model)
    if arguments.get("steps_per_epoch") and hasattr(arguments.get("x"), "element_spec") and int(arguments["x"].cardinality()) < 0:
        raise ConfigError(["x is a data set without end; expected one that ends, or a data set of its own: docs/data.md"])
    x, y, weight, batch_size = read(arguments.get("x"), arguments.get("y"), arguments.get("sample_weight"), "x", names)
    task = TASKS.get(loss) or _task_of_labels(y)
    if task == "binary" and set(np.unique(y)) - {0, 1}:
        task = "numbers"  # for example those of an autoencoder
    if not task:
        raise ConfigError([f"loss={loss}: no task is known for it; expected one of {', '.join(TASKS)}, or a data set: docs/data.md"])
    shape = getattr(model, "output_shape", None) or tuple(model(first_example(arguments["x"])).shape)
    units = shape[-1] if isinstance(shape, tuple) and len(shape) > 1 else None
    if task == "binary" and units and units > 1:
        task = "labels"
    parts = {"train": (x, y, weight)}
    held_out, share = arguments.get("validation_data"), arguments.get("validation_split")
    if held_out is not None:
        given = list(held_out) if isinstance(held_out, tuple | list) else [held_out]
        x_held_out, y_held_out, its_weight = [*given, None, None][:3]
        parts["validation"] = read(x_held_out, y_held_out, its_weight, "validation_data", names)[:3]
    elif share:
        first = int(len(y) * (1 - share))  # Keras validates with the last examples
        parts = {name: trees.take((x, y, weight), rows) for name, rows in (("train", slice(first)), ("validation", slice(first, None)))}
    numbered = loss == "categorical_crossentropy"
    for _, labels, _ in parts.values() if numbered else []:
        if labels.shape[-1] < 2 or not (np.isin(labels, (0, 1)).all() and (labels.sum(axis=-1) == 1).all()):
            raise ConfigError(["y: rows that are shares of classes; expected one-hot rows, or numbers of classes."])
    _weigh(parts, arguments.get("class_weight"), task)
    if test is not None and not _fits(test, x, y):
        test = None
    if test is not None:
        parts["test"] = (*read(test[0], test[1], None, "x_test", names)[:2], None)
    arrays: dict[str, np.ndarray] = {}
    for part, (inputs, labels, weights) in parts.items():
        for name, array in inputs.items() if isinstance(inputs, dict) else [("", inputs)]:
            arrays[f"x_{part}/{name}" if name else f"x_{part}"] = _unscaled(array)
        arrays[f"y_{part}"] = _labels(labels, task, numbered=numbered)
        if weights is not None:
            arrays[f"weight_{part}"] = np.asarray(weights, np.float32)
    if task == "classes" and units:
        arrays["class_names"] = np.arange(units).astype(str)
    return Data(arrays, task, numbered, batch_size)


def shown(data: Data) -> str:
    """Returns a line with the number and the shape of the examples."""
    counts = [f"{len(data.arrays[f'y_{part}']):,} {part}" for part in ("train", "validation", "test") if f"y_{part}" in data.arrays]
    shapes = {name: array.shape[1:] for name, array in data.arrays.items() if name.startswith("x_train")}
    return f"{', '.join(counts)}; {', '.join(f'{name} {shape}' for name, shape in shapes.items())}"


def _weigh(parts: dict[str, Any], class_weight: dict[int, float] | None, task: str) -> None:
    """Multiplies the weights of training examples by the class weights, as Keras does; if one part has weights, all parts get them."""
    if class_weight:
        if task not in NUMBERED_TASKS:
            raise ConfigError([f"class_weight: the task is {task}; expected labels that are classes"])
        x, y, weight = parts["train"]
        numbers = _labels(y, task, numbered=y.ndim > 1 and y.shape[-1] > 1)
        weights = np.array([float(class_weight.get(int(number), 1.0)) for number in numbers.flat]).reshape(numbers.shape)
        parts["train"] = (x, y, weights if weight is None else weights * np.asarray(weight))
    if any(part[2] is not None for part in parts.values()):
        for name, (x, y, weight) in parts.items():
            parts[name] = (x, y, np.ones(len(y)) if weight is None else weight)


def _loss_name(model: keras.Model) -> str:
    loss = model.loss if model.compiled else None
    if isinstance(loss, dict | list):
        raise ConfigError(["the model has several losses; data of several outputs are a data set of their own: docs/data.md"])
    name = loss if isinstance(loss, str) else getattr(loss, "__name__", None) or getattr(loss, "name", "")
    return str(name or "")


def _task_of_labels(y: np.ndarray) -> str:
    """Returns the task of labels if the loss does not name one: whole numbers are classes, others numbers; empty if there is none."""
    if y.dtype.kind in "iu" and (y.ndim == 1 or y.shape[1:] == (1,)):
        return "classes"
    return "numbers" if y.dtype.kind == "f" else ""


def _fits(test: tuple[Any, Any], x: Any, y: np.ndarray) -> bool:
    """Returns True if test examples are arrays like those of training, also in their range, because the script may scale them later."""
    if isinstance(x, dict) or not all(isinstance(one, np.ndarray) for one in test):
        return False
    x_test, y_test = test
    if x_test.shape[1:] != x.shape[1:] or y_test.shape[1:] != y.shape[1:] or x_test.dtype != x.dtype or len(x_test) != len(y_test):
        return False
    return x.dtype.kind not in "iuf" or bool(0.1 < (np.abs(x_test).max() + 1e-9) / (np.abs(x).max() + 1e-9) < 10)


def _unscaled(array: np.ndarray) -> np.ndarray:
    """Converts inputs so that `data=npz`, which scales uint8, leaves them unchanged."""
    if array.dtype.kind in "OS":
        return array.astype(str)
    return array.astype(np.float32) if array.dtype == np.uint8 else array


def _labels(y: np.ndarray, task: str, *, numbered: bool) -> np.ndarray:
    """Returns labels in the form of the task: class numbers (n,), not one-hot rows or a column."""
    if task not in NUMBERED_TASKS:
        return y
    if numbered:
        y = y.argmax(axis=-1)
    elif y.shape[1:] == (1,):
        y = y.reshape(len(y))
    if y.dtype.kind not in "biu" and (y.dtype.kind != "f" or not np.array_equal(y, np.round(y))):
        raise ConfigError([f"y has dtype {y.dtype}; expected whole numbers, those of the classes"])
    return y.astype(np.int64)
