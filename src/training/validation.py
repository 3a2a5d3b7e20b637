"""How many examples are validated at once: as many as small memory allows, whatever the size of an example."""

import math
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

MOST = 1000
BYTES = 2**27  # of the largest array between two layers; a program holds a few of that size


def batch_size(asked: int | str, model: keras.Model, input_shape: tuple[int, ...]) -> int:
    """The number of examples that are validated at once: what was asked for, or for "auto" what `BYTES` has room for."""
    if asked != "auto":
        return int(asked)
    numbers = max([math.prod(input_shape), *_sizes(model, input_shape)])
    return max(1, min(MOST, BYTES // (4 * numbers)))


def _sizes(model: keras.Model, input_shape: tuple[int, ...]) -> Iterator[int]:
    """Numbers per example of the arrays that a model computes: its layers know them, unless layers are inside of others."""
    layers = [layer for layer in model._flatten_layers() if layer is not model]
    if all(layer._inbound_nodes for layer in layers):
        outputs: Iterator[Any] = (one for layer in layers for node in layer._inbound_nodes for one in node.output_tensors)
    else:
        function = tf.function(lambda x: model(x, training=False))
        graph = function.get_concrete_function(tf.TensorSpec((None, *input_shape), tf.float32)).graph
        outputs = (one for operation in graph.get_operations() for one in operation.outputs)
    for one in outputs:
        shape = tf.TensorShape(one.shape)
        if shape.rank and shape[0] is None and shape[1:].is_fully_defined():  # the first axis is the batch's
            yield shape[1:].num_elements()
