"""Finds the reason why Keras' plain `fit` must train a model, instead of a compiled program."""

import math

import keras

from src.datasets import Dataset, trees
from src.training import Schedule, runtime

MOST_PRODUCTS = 25_000  # of all convolutions, per example; beyond it the gradients of XLA on a CPU took 2 to 14 times as long as plain fit


def obstacle(model: keras.Model, data: Dataset, schedule: Schedule) -> str:
    """Returns the reason why a program cannot train a model on a data set, or not as fast; empty if it can."""
    if data.read:
        return "its inputs are read while it trains"
    if any(array.dtype.kind == "U" for array in trees.arrays(data.x).values()):
        return "its inputs are texts"
    if schedule.phases:
        return "it has phases"
    if _excludes_weights(getattr(model, "optimizer", None)):
        return "its optimizer excludes weights from decay, which a copy of it would not do"
    if runtime.device() == "CPU":
        products = sum(_products(layer) for layer in model._flatten_layers())
        if products > MOST_PRODUCTS:
            return f"on a CPU, convolutions of {products:,} products per example are slower in a program"
    return ""


def _excludes_weights(optimizer: object) -> bool:
    """True after `exclude_from_weight_decay`, which the configuration of an optimizer does not record."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    return any(getattr(inner, name, None) for name in ("_exclude_from_weight_decay", "_exclude_from_weight_decay_pattern"))


def _products(layer: keras.Layer) -> int:
    """Returns the number of multiplications per example in a convolution; 0 for other layers, above the limit for an unknown output."""
    kernels = [weight for weight in layer.weights if weight.name.endswith("kernel")]
    if not kernels or "Conv" not in type(layer).__name__:
        return 0
    shape = layer._inbound_nodes[0].output_tensors[0].shape if layer._inbound_nodes else (None, None)
    positions = shape[1:-1] if layer.data_format == "channels_last" else shape[2:]
    if None in positions:
        return MOST_PRODUCTS + 1
    return sum(math.prod(positions) * math.prod(kernel.shape) for kernel in kernels)
