"""Dropout whose rate is an input of a compiled program, and whose masks cost next to nothing.

Inside an XLA program on a CPU, TensorFlow's default generator takes longer than the training itself; Threefry takes a hundredth of it.
The layers stay Keras' own: they are changed only while a program is traced, so a saved model holds a stock `Dropout`.
"""

import functools
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf

PARITY = 0x1BD11BDA
ROTATIONS = (17, 29, 16, 24), (13, 15, 26, 6)  # of blocks 2 and 4, and of blocks 1, 3 and 5


def layers_of(model: keras.Model) -> list[keras.layers.Dropout]:
    """Returns the stock Dropout layers of a model whose rate is above 0, nested ones included."""
    return [layer for layer in model._flatten_layers() if type(layer) is keras.layers.Dropout and layer.rate > 0]


def take_rates(source: keras.Model, target: keras.Model) -> None:
    """Copies the rates of a model's Dropout layers into those of its clone."""
    for original, copy in zip(layers_of(source), layers_of(target), strict=True):
        copy.rate = original.rate


@contextmanager
def traced(model: keras.Model, rates: list[tf.Variable]) -> Iterator[None]:
    """Makes calls of the model's Dropout layers use these rates and Threefry, until it exits."""
    layers = layers_of(model)
    for layer, rate in zip(layers, rates, strict=True):
        layer.call = functools.partial(_drop, layer, rate)
    try:
        yield
    finally:
        for layer in layers:
            del layer.call


def _drop(layer: keras.layers.Dropout, rate: tf.Variable, inputs: tf.Tensor, training: bool = False) -> Any:
    if not training:
        return inputs
    seed = tf.cast(layer.seed_generator.next(), tf.uint32)
    sizes = layer.noise_shape or [None] * inputs.shape.rank
    shape = [inputs.shape[axis] if size is None else size for axis, size in enumerate(sizes)]
    keep = 1 - tf.cast(rate, inputs.dtype)
    return tf.where(uniform(seed, shape) < tf.cast(keep, tf.float32), inputs / keep, 0)


def uniform(seed: tf.Tensor, shape: list[int]) -> tf.Tensor:
    """Returns random numbers in [0, 1): Threefry-2x32 with 20 rounds, equal wherever they are drawn.

    It consists of additions, shifts and exclusive ors alone, which `tf.vectorized_map` can vectorise; it would call TensorFlow's own
    generators one after the other. Source: Salmon et al., Parallel random numbers: as easy as 1, 2, 3, SC 2011.

    Args:
        seed: shape (2,), uint32.
        shape: of the result.
    """
    size = math.prod(shape)
    counts = tf.range((size + 1) // 2, dtype=tf.int32)
    words = tf.concat(threefry(seed, tf.cast(counts, tf.uint32), tf.zeros_like(counts, tf.uint32)), 0)[:size]
    upper_24_bits = tf.cast(tf.bitwise.right_shift(words, tf.constant(8, tf.uint32)), tf.int32)
    return tf.reshape(tf.cast(upper_24_bits, tf.float32) * 2**-24, shape)


def threefry(key: tf.Tensor, first: tf.Tensor, second: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns two random words of uint32 for each pair of words in `first` and `second`."""
    keys = key[0], key[1], key[0] ^ key[1] ^ PARITY
    first, second = first + keys[0], second + keys[1]
    for block in range(1, 6):
        for rotation in ROTATIONS[block % 2]:
            first += second
            turned = tf.bitwise.left_shift(second, tf.constant(rotation, tf.uint32))
            second = (turned | tf.bitwise.right_shift(second, tf.constant(32 - rotation, tf.uint32))) ^ first
        first, second = first + keys[block % 3], second + keys[(block + 1) % 3] + block
    return first, second
