"""Feeds examples to programs and to Keras' `fit`, in the same order everywhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numpy as np
import tensorflow as tf

from src.datasets import Dataset, trees
from src.errors import DataError, TrialError
from src.training import runtime

ALIGNMENT = 64  # bytes; TensorFlow's kernels need memory that is aligned to it
AHEAD = 2  # batches that are ready before they are needed
_failures: list[Exception] = []  # of `read`, in the threads of TensorFlow
Batch = tuple[trees.Tree, ...]
"""(inputs, y), or (inputs, y, weight), as Keras takes it."""


def on_device(data: Dataset, *, training: bool) -> Batch:
    """Returns all examples as one batch of tensors, which programs share; it has the weights of training or of validation."""
    x, y = _tensors(data)
    weights = data.weights(training=training)
    return (x, y) if weights is None else (x, y, tf.constant(weights))


@lru_cache(maxsize=1)
def _tensors(data: Dataset) -> tuple[trees.Tree, trees.Tree]:
    return trees.mapped(_tensor, data.x), trees.mapped(tf.constant, data.y)


def _tensor(array: np.ndarray) -> tf.Tensor:
    """Returns an array as a tensor; on a CPU, numbers are not copied from a mapped file."""
    if runtime.device() != "CPU" or array.dtype.kind not in "iuf" or array.ctypes.data % ALIGNMENT or not array.flags.carray:
        return tf.constant(array)
    return tf.experimental.dlpack.from_dlpack(array.__dlpack__())


def rows(batch: Batch, positions: Any) -> Batch:
    """Returns the examples at some positions; positions may have several axes."""
    found: Batch = tf.nest.map_structure(lambda tensor: tf.gather(tensor, positions), batch)
    return found


def order(data: Dataset, seed: int, epoch: int) -> np.ndarray:
    """Returns the training positions in the order of an epoch, counted from 0, equal in every engine."""
    return data.train_index[np.random.default_rng([seed, epoch]).permutation(len(data.train_index))]


def orders(data: Dataset, seed: int, start: int, dtype: Any = np.int64) -> tf.data.Dataset:
    """Returns the orders of examples of the epochs from `start` on, one element per epoch, without end."""

    def endless() -> Iterator[np.ndarray]:
        epoch = start
        while True:
            yield order(data, seed, epoch).astype(dtype)
            epoch += 1

    return tf.data.Dataset.from_generator(endless, output_signature=tf.TensorSpec(data.train_index.shape, dtype))


def training(data: Dataset, batch_size: int, seed: int, start: int = 0) -> tf.data.Dataset:
    """Returns endless batches of the epochs from `start` on; the last of an epoch may be smaller."""
    epochs = orders(data, seed, start)
    indices = epochs.flat_map(lambda positions: tf.data.Dataset.from_tensor_slices(positions).batch(batch_size))
    return _read(data, indices, training=True)


def validation(data: Dataset, batch_size: int) -> tf.data.Dataset:
    """Returns the batches of the validation split, in its order."""
    indices = tf.data.Dataset.from_tensor_slices(data.validation_index).batch(batch_size)
    return _read(data, indices, training=False)


@contextmanager
def failures_of_read() -> Iterator[None]:
    """Replaces TensorFlow's error about a failed `read` of a data set.

    Raises:
        TrialError: it names the exception that `read` raised.
    """
    _failures.clear()
    try:
        yield
    except tf.errors.OpError as error:
        if not _failures:
            raise
        raise TrialError(f"the data set's read: {type(_failures[0]).__name__}: {_failures[0]}") from error


def _read(data: Dataset, indices: tf.data.Dataset, *, training: bool) -> tf.data.Dataset:
    """Returns the batches at positions, in order; `read` makes several of them at the same time."""
    if not data.read:
        batch = on_device(data, training=training)
        return indices.map(lambda positions: rows(batch, positions)).prefetch(AHEAD)
    example = data.batch(data.train_index[:1], training=training)
    specs = trees.mapped(lambda array: tf.TensorSpec((None, *array.shape[1:]), tf.as_dtype(array.dtype)), example)
    flat = tf.nest.flatten(specs)

    def read_arrays(positions: np.ndarray) -> list[np.ndarray]:
        try:
            found = data.batch(positions, training=training)
            for (name, array), known in zip(trees.arrays(found).items(), trees.arrays(example).values(), strict=True):
                if array.dtype != known.dtype or array.shape != (len(positions), *known.shape[1:]):
                    expected = f"{(len(positions), *known.shape[1:])} and {known.dtype}, as of the first example"
                    raise DataError(f"read gives {name} of shape {array.shape} and dtype {array.dtype}; expected {expected}")
        except Exception as error:  # TensorFlow's own error would hide it
            _failures.append(error)
            raise
        flat_arrays: list[np.ndarray] = tf.nest.flatten(found)
        return flat_arrays

    def read(positions: tf.Tensor) -> Batch:
        tensors = tf.numpy_function(read_arrays, [positions], [spec.dtype for spec in flat])
        for tensor, spec in zip(tensors, flat, strict=True):
            tensor.set_shape(spec.shape)
        batch: Batch = tf.nest.pack_sequence_as(specs, tensors)
        return batch

    return indices.map(read, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).prefetch(AHEAD)
