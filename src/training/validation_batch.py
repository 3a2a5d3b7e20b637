"""Chooses how many examples are validated at once, so that examples of any size fit into a small memory."""

import math
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

from src.datasets import trees

MOST = 1000  # examples
BYTES = 2**27  # size of the largest array between two layers; a program holds a few of that size


def batch_size(requested: int | str, model: keras.Model, example: trees.Tree) -> int:
    """Returns the requested number of examples, or for "auto" as many as `BYTES` has room for.

    Args:
        example: a batch of inputs.
    """
    if requested != "auto":
        return int(requested)
    numbers = max([*(math.prod(shape) for shape in trees.flat_shapes(trees.shapes(example))), *sizes(model, example)])
    return max(1, min(MOST, int(BYTES // (4 * max(1, numbers)))))


def sizes(model: keras.Model, example: trees.Tree) -> Iterator[int]:
    """Yields, for each array that a model computes, its size per example."""
    layers = [layer for layer in model._flatten_layers() if layer is not model]
    if all(layer._inbound_nodes for layer in layers):  # layers inside of others do not know their outputs
        outputs: Iterator[Any] = (output for layer in layers for node in layer._inbound_nodes for output in node.output_tensors)
    else:
        function = tf.function(lambda x: model(x, training=False))
        specs = trees.mapped(lambda array: tf.TensorSpec((None, *array.shape[1:]), tf.as_dtype(array.dtype)), example)
        graph = function.get_concrete_function(specs).graph
        outputs = (output for operation in graph.get_operations() for output in operation.outputs)
    for output in outputs:
        shape = tf.TensorShape(output.shape)
        if shape.rank and shape[0] is None and shape[1:].is_fully_defined():  # the first axis is the batch
            yield shape[1:].num_elements()
