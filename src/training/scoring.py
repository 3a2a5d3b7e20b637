"""Builds losses and metrics from conf/training/.

Labels are class numbers; predictions are one probability per class. If a loss or metric expects a label with one
number per class, Keras broadcasts a class number against the probabilities without an error.
"""

from types import ModuleType
from typing import Any

import keras

from src.config.metrics import name_mistake
from src.config.targets import build
from src.errors import ConfigError

BY_SHAPE = {"loss": ("crossentropy", "ce"), "metrics": ("accuracy", "acc")}  # names that Keras reads as sparse, as labels have one axis


def build_loss(node: Any) -> Any:
    """Returns the loss of a configuration: a name, or a Keras object.

    Raises:
        ConfigError: there is no such loss, or it does not take class numbers.
    """
    return _checked("loss", node, keras.losses, keras.losses.Loss)


def build_metric(node: Any) -> Any:
    """Returns a metric of a configuration: a name, or a Keras object.

    Raises:
        ConfigError: there is no such metric, it does not take class numbers, or another value has its name.
    """
    built = _checked("metrics", node, keras.metrics, (keras.metrics.Metric, keras.losses.Loss))
    if mistake := name_mistake(built if isinstance(built, str) else built.name):
        raise ConfigError([f"training.metrics: {mistake}"])
    return built


def _checked(key: str, node: Any, module: ModuleType, kinds: Any) -> Any:
    """Returns a name or an object for Keras, which would check a name only when training begins."""
    if isinstance(node, dict):
        built = build("training", node)
        name = type(built).__name__
        if not isinstance(built, kinds):
            raise ConfigError([f"training.{key}: {node['_target_']} is none; expected one of {module.__name__}."])
    else:
        built = name = str(node)
        if name.lower() in BY_SHAPE[key]:
            return name
        try:
            module.get(name)
        except ValueError as error:
            raise ConfigError([f"training: {module.__name__} has no {node!r}; expected a name of Keras or a _target_."]) from error
    if not name.lower().startswith("sparse"):
        known = ", ".join([BY_SHAPE[key][0], *(member for member in dir(module) if member.lower().startswith("sparse"))])
        raise ConfigError([f"training.{key}: {name} does not take class numbers; expected one of {known}."])
    if isinstance(node, dict) and node.get("from_logits"):
        why = "what a model gives is shown as probabilities; expected a softmax at its end, and a loss without it"
        raise ConfigError([f"training.{key}: {name} with from_logits is not supported yet: {why}."])
    return built
