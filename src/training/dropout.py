"""Dropout whose rate is an input of a compiled program, and whose masks cost next to nothing.

Inside an XLA program on a CPU TensorFlow's default generator takes longer than the training itself; threefry takes a hundredth of it.
The layers stay Keras' own: they are changed only while a program is traced, so a saved model holds a stock `Dropout`.
"""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf


def layers_of(model: keras.Model) -> list[keras.layers.Dropout]:
    """The stock Dropout layers of a model that drop anything, nested ones included."""
    return [layer for layer in model._flatten_layers() if type(layer) is keras.layers.Dropout and layer.rate > 0]


@contextmanager
def traced(model: keras.Model, rates: list[tf.Variable]) -> Iterator[None]:
    """While it is entered, calls of the model's Dropout layers use these rates, and threefry."""
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
    seed = tf.cast(layer.seed_generator.next(), tf.int32)
    whole = tf.shape(inputs)
    shape = [whole[axis] if size is None else size for axis, size in enumerate(layer.noise_shape or [None] * inputs.shape.rank)]
    return tf.nn.experimental.stateless_dropout(inputs, tf.cast(rate, inputs.dtype), seed, rng_alg="threefry", noise_shape=shape)
