"""Replaces operations that TensorFlow compiles to loops over examples or over trials.

On a GPU each turn of a loop is one launch or more: with these loops an epoch of 8 stacked trials took 5.3 s on an H200, without them 0.1 s.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf
from tensorflow.python.ops.parallel_for import pfor

# Operations that draw random numbers and keep a state of their own.
DRAWING = {"Multinomial", "ParameterizedTruncatedNormal", "RandomGamma", "RandomPoissonV2", "RandomShuffle", "RandomStandardNormal"}
DRAWING |= {"RandomUniform", "RandomUniformInt", "TruncatedNormal"}


@contextmanager
def without_loops() -> Iterator[None]:
    """Traces sparse cross entropy as TensorFlow's fused operation, until it exits.

    With op determinism TensorFlow uses a gather, and the gradient of a gather is a scatter. For the fused operation XLA uses comparisons
    instead of both, which is as deterministic.
    """
    original = tf.nn.sparse_softmax_cross_entropy_with_logits
    tf.nn.sparse_softmax_cross_entropy_with_logits = _cross_entropy
    try:
        yield
    finally:
        tf.nn.sparse_softmax_cross_entropy_with_logits = original


def refuse_hidden_state(program: Any, known: Iterable[Any]) -> None:
    """Checks that a program depends only on the state of a trial.

    Args:
        program: a concrete function.
        known: the variables of Keras or TensorFlow that are set for each trial.

    Raises:
        ValueError: the program reads another variable, such as the one that `keras.random` shares among all models, or draws random
            numbers from TensorFlow's own generator.
    """
    known_ids = {id(variable._value if isinstance(variable, keras.Variable) else variable) for variable in known}
    if others := [variable.name for variable in program.variables if id(variable) not in known_ids]:
        raise ValueError(f"it uses {others[0]}, which belongs neither to the model nor to its optimizer")
    graph = program.graph.as_graph_def()
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    if drawn := {node.op for node in nodes} & DRAWING:
        raise ValueError(
            f"it draws from TensorFlow's own generator ({', '.join(sorted(drawn))}); expected keras.random with a SeedGenerator"
        )


def _cross_entropy(labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    rows = tf.reshape(logits, [-1, logits.shape[-1]])
    loss = tf.raw_ops.SparseSoftmaxCrossEntropyWithLogits(features=rows, labels=tf.reshape(labels, [-1])).loss
    return tf.reshape(loss, tf.shape(labels))


@pfor.RegisterPFor("Bitcast")  # type: ignore[untyped-decorator]
def _bitcast(operation: Any) -> Any:
    """Vectorisation rule for Bitcast, which Keras' argmax (and so its accuracy) needs."""
    return pfor.wrap(tf.bitcast(operation.stacked_input(0), operation.get_attr("type")), True)
