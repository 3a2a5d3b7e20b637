"""Checks the contract between data sets, engines and promotion. No other module checks it."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from src import tasks
from src.datasets import trees
from src.errors import DataError, TrialbookError

if TYPE_CHECKING:
    from src.datasets.dataset import Dataset, Examples
    from src.tasks import Task

FEW = 2  # examples that are read as a test before the first trial


def check(data: "Dataset", task: Any, source: str) -> None:
    """Checks the data set that a loader returned.

    Args:
        task: the task that the YAML of the data set declares: a kind, or output → kind.
        source: name of the loader for the message.

    Raises:
        DataError: the data set breaks the contract; the message has the received and the expected value of every mistake.
    """
    if not tasks.kind_of(data.task):
        received = f"{data.task!r:.100}"
        raise DataError(f"{source}:\n  task is {received}; expected a task of src/tasks/, such as Classes(('cat', 'dog')).")
    mistakes = []
    found = tasks.declared(data.task)
    if found != task:
        mistakes.append(f"its task is {found}, its YAML says task: {task}; expected the same: loss, metrics and objective come from there")
    mistakes += _example_mistakes(data.x, data.y, data.task, read=data.read is not None)
    if not mistakes:
        mistakes += [*_split_mistakes(data), *_weight_mistakes(data)]
    if not mistakes and data.read:
        mistakes += _read_mistakes(data)
    if not callable(data.test):
        mistakes.append(f"test is {data.test!r}; expected a function that loads the test examples (x, y)")
    try:
        if json.loads(json.dumps(dict(data.facts))) != dict(data.facts):
            mistakes.append("facts: JSON would change them, such as keys that are numbers, or tuples; expected names, lists and numbers")
    except (TypeError, ValueError) as error:
        mistakes.append(f"facts: {error}; expected a dict that JSON can hold")
    _refuse(mistakes, source)


def open_test(data: "Dataset", source: str) -> "Examples":
    """Loads the test examples and checks them against the data set. Only promotion calls this function.

    Args:
        source: name of the loader for the message.

    Returns:
        x as it is stored, y encoded by the task.

    Raises:
        DataError: the examples break the contract, or have other shapes than the training examples.
    """
    x, y = data.test()
    mistakes = list(_example_mistakes(x, y, data.task, read=data.read is not None))
    if not mistakes:
        known, found = trees.shapes(data.x), trees.shapes(x)
        if known != found:
            expected = f"expected {trees.text(known)}, the shape of the training examples"
            mistakes.append(f"x has examples of shape {trees.text(found)}; {expected}")
        else:
            mistakes += _other_types(data.x, x)
        y = data.task.encoded(y)
        known, found = data.outputs, data.task.outputs(y)
        if known != found:
            mistakes.append(f"y has labels of shape {trees.text(found)}; expected {trees.text(known)}, that of the training examples")
    _refuse(mistakes, f"{source}, the test split")
    return x, y


def checked(predicted: Any, examples: int, task: "Task", outputs: Any) -> Any:
    """Returns the outputs of a model if they are predictions of a task.

    Args:
        outputs: shape of one prediction, or a tree of shapes.

    Raises:
        TrialbookError: the outputs have another shape, or are not predictions, for example not probabilities.
    """
    if mistake := output_mistake(predicted, examples, task, outputs):
        raise TrialbookError(f"the model {mistake}")
    return predicted


def output_mistake(predicted: Any, examples: int, task: "Task", outputs: Any) -> str:
    """Returns why the outputs of a model are not predictions of a task; empty if they are. Arguments are those of `checked`."""
    received = trees.mapped(lambda array: tuple(array.shape), predicted)
    expected = trees.over_shapes(lambda shape: (examples, *shape), outputs)
    if received != expected:
        words = f"expected {trees.text(expected)} for the task {tasks.declared(task)}"
        return f"gives shape {trees.text(received)} for {examples} examples; {words}"
    return task.output_mistake(predicted)


def _refuse(mistakes: list[str], source: str) -> None:
    if mistakes:
        raise DataError("\n  ".join([f"{source}:", *mistakes]))


def _example_mistakes(x: Any, y: Any, task: "Task", *, read: bool) -> Iterator[str]:
    if isinstance(x, list | dict | tuple):
        values = x.values() if isinstance(x, dict) else x
        wrong = sorted({type(one).__name__ for one in values if type(one) is not np.ndarray})
        if wrong or isinstance(x, list):
            yield f"x is a {type(x).__name__} of {', '.join(wrong) or 'arrays'}; expected a numpy array, or a dict or tuple of numpy arrays"
            return
    lengths = {}
    for name, array in _named("x", x):
        if not isinstance(array, np.ndarray) or not array.ndim:
            yield f"{name} is of type {type(array).__name__}; expected a numpy array, or a dict or tuple of numpy arrays"
            continue
        lengths[name] = len(array)
        yield from _input_mistakes(name, array, alone=name == "x" and not read)
    lengths |= {name: len(array) for name, array in _named("y", y) if isinstance(array, np.ndarray) and array.ndim}
    if len(set(lengths.values())) > 1:
        yield f"{', '.join(f'{name} has {count} examples' for name, count in lengths.items())}; expected as many"
    yield from task.mistakes(y)


def _input_mistakes(name: str, array: np.ndarray, *, alone: bool) -> Iterator[str]:
    """Yields the mistakes of an array of inputs. If it is the only one (`alone`), an example must be more than one number."""
    if array.dtype.kind == "O":
        yield f"{name} has dtype object; expected numbers, or texts: {name}.astype(str)"
    elif array.dtype.kind not in "biufU":
        hint = f": {name}.astype(str)" if array.dtype.kind == "S" else ""
        yield f"{name} has dtype {array.dtype}; expected numbers or texts{hint}"
    elif not array.size or (alone and array.ndim < 2 and array.dtype.kind in "biuf"):
        yield f"{name} has shape {array.shape}; expected (n, …) with at least one example and one number in each"
    elif array.dtype.kind == "f" and not np.isfinite([array.min(), array.max()]).all():  # an array as large as x only if one is not
        yield f"{name} holds {int((~np.isfinite(array)).sum())} values that are NaN or infinite; expected finite numbers"


def _other_types(known: Any, found: Any) -> Iterator[str]:
    """Yields a mistake for each input whose dtype differs from that of the training examples."""
    for (name, first), (_, second) in zip(_named("x", known), _named("x", found), strict=True):
        if first.dtype != second.dtype and not (first.dtype.kind == second.dtype.kind and first.dtype.kind in "fU"):
            yield f"{name} has dtype {second.dtype}; expected {first.dtype}, that of the training examples"


def _named(name: str, tree: Any) -> list[tuple[str, Any]]:
    """Returns (name, array) of each array, such as x['age']; an object that is not a tree keeps the name."""
    try:
        found = trees.arrays(tree)
    except Exception:  # optree calls methods of the object
        found = {}
    return [(f"{name}[{place!r}]" if place else name, array) for place, array in found.items()] or [(name, tree)]


def _split_mistakes(data: "Dataset") -> Iterator[str]:
    valid, n = [], trees.length(data.x)
    for name in ("train_index", "validation_index"):
        index = getattr(data, name)
        if not isinstance(index, np.ndarray) or index.dtype.kind not in "iu" or index.ndim != 1:
            received = f"dtype {index.dtype} and shape {index.shape}" if isinstance(index, np.ndarray) else f"type {type(index).__name__}"
            yield f"{name} has {received}; expected whole numbers of shape (n,)"
        elif not index.size:
            yield f"{name} is empty; expected at least one example"
        elif index.min() < 0 or index.max() >= n:
            yield f"{name} holds positions from {index.min()} to {index.max()}; expected 0 to {n - 1}"
        elif repeated := index.size - np.unique(index).size:
            yield f"{name} repeats {repeated} positions; expected each once"
        else:
            valid.append(index)
    if len(valid) == 2 and (both := np.intersect1d(valid[0], valid[1])).size:
        yield f"train_index and validation_index share {both.size} examples, such as {both[0]}; expected none"


def _weight_mistakes(data: "Dataset") -> Iterator[str]:
    weight, n = data.weight, trees.length(data.x)
    if weight is None:
        return
    if several := [shape for shape in trees.flat_shapes(data.task.outputs(data.task.encoded(data.y))) if len(shape) > 1]:
        yield f"weight: a label has the shape {several[0]}, and Keras would apply the weight along another axis; expected no weights"
    if not isinstance(weight, np.ndarray) or weight.shape != (n,) or weight.dtype.kind not in "biuf":
        received = f"shape {weight.shape} and dtype {weight.dtype}" if isinstance(weight, np.ndarray) else f"type {type(weight).__name__}"
        yield f"weight has {received}; expected a number for each example, shape ({n},)"
    elif not np.isfinite(weight).all() or weight.min() < 0:
        yield f"weight holds values from {weight.min()} to {weight.max()}; expected finite numbers, at least 0"
    elif not (weight[data.train_index].any() and weight[data.validation_index].any()):
        yield "weight is 0 for all examples of training or of validation; expected some above 0"


def _read_mistakes(data: "Dataset") -> Iterator[str]:
    """Yields the mistakes of the inputs that `read` returns for a few examples."""
    index = data.train_index[:FEW]
    try:
        read = data.inputs(index)
    except Exception as error:
        yield f"read raises {type(error).__name__}: {error}; expected the model's inputs for x[:{len(index)}]"
        return
    for name, array in _named("read(x)", read):
        if not isinstance(array, np.ndarray) or array.shape[:1] != index.shape:
            received = f"shape {array.shape}" if isinstance(array, np.ndarray) else f"type {type(array).__name__}"
            yield f"{name} has {received}; expected a numpy array with a row for each of {len(index)} examples"
        else:
            yield from _input_mistakes(name, array, alone=False)
