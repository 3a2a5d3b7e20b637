"""Builds losses and metrics from conf/training/, and refuses those that would misread the labels of the task.

Keras broadcasts a label of one shape against predictions of another without an error, so a wrong loss is a number like any other.
"""

from types import ModuleType
from typing import Any

import keras

from src.config.metrics import name_mistake
from src.config.targets import build
from src.errors import ConfigError, collecting, did_you_mean
from src.tasks import OWN

BY_SHAPE = {"loss": ("crossentropy", "ce"), "metrics": ("accuracy", "acc")}  # names that Keras interprets by the shape of the labels
OF_CLASSES = ("sparse", "categorical", "topk", "onehot", "accuracy", "acc")
OF_DISTRIBUTIONS = ("kldivergence", "kld", "cosinesimilarity")
THRESHOLDED = ("auc", "binaryaccuracy", "binaryiou", "f1", "fbeta", "iou", "meaniou", "precision", "recall", "sensitivity", "specificity")
COUNTED = ("truepositives", "truenegatives", "falsepositives", "falsenegatives")
MISREAD = {  # kind of task → its labels, and beginnings of names (without underscores) that expect other labels
    "binary": ("a class of two, with one probability", (*OF_CLASSES, *OF_DISTRIBUTIONS)),
    "labels": ("0 or 1 for each label", (*OF_CLASSES, *OF_DISTRIBUTIONS)),
    "numbers": ("numbers", (*OF_CLASSES, *THRESHOLDED, *COUNTED)),
}


def build_loss(node: Any, task: Any) -> Any:
    """Returns the loss of a configuration: a name, a Keras object, one of them per output, or None for a model's own.

    Args:
        task: a kind, or output → kind.

    Raises:
        ConfigError: there is no such loss, or it does not take the labels of the task.
    """
    if node == OWN:
        return None
    return _per_output("loss", node, task, lambda one, kind: _checked("loss", one, kind, keras.losses, keras.losses.Loss))


def build_metrics(nodes: Any, task: Any) -> Any:
    """Returns the metrics of a configuration: names or Keras objects, of several outputs a list for each.

    Raises:
        ConfigError: there is no such metric, it does not take the labels of the task, or another value has its name.
    """
    return _per_output("metrics", nodes, task, _built_metrics)


def _built_metrics(nodes: list[Any], kind: str) -> list[Any]:
    built, mistakes = [], list[str]()
    for node in nodes:
        with collecting(mistakes):
            metric = _checked("metrics", node, kind, keras.metrics, (keras.metrics.Metric, keras.losses.Loss))
            if mistake := name_mistake(metric if isinstance(metric, str) else metric.name):
                raise ConfigError([f"training.metrics: {mistake}"])
            built.append(metric)
    if mistakes:
        raise ConfigError(mistakes)
    return built


def _per_output(key: str, node: Any, task: Any, make: Any) -> Any:
    """Returns `make(node, kind)` for one output, or a mapping of output → `make(its node, its kind)` for several."""
    several = isinstance(node, dict) and "_target_" not in node
    if not isinstance(task, dict):
        if several:
            raise ConfigError([f"training.{key}: {', '.join(node)}: these data have one output; expected one {key} for it."])
        return make(node, task)
    if not several or node.keys() - task.keys() or (key == "loss" and task.keys() - node.keys()):
        hint = did_you_mean(next((name for name in node if name not in task), ""), task) if several else ""
        raise ConfigError([f"training.{key}={node}: expected a mapping with {', '.join(task)}{hint}"])
    made, mistakes = {}, list[str]()
    for name, one in node.items():
        with collecting(mistakes):
            made[name] = make(one, task[name])
    if mistakes:
        raise ConfigError(mistakes)
    return made


def _checked(key: str, node: Any, kind: str, module: ModuleType, kinds: Any) -> Any:
    """Returns a name or an object for Keras, which would check a name only when training begins."""
    if isinstance(node, dict):
        built = build("training", node)
        name = type(built).__name__
        if not isinstance(built, kinds):
            raise ConfigError([f"training.{key}: {node['_target_']} is none; expected one of {module.__name__}."])
        if str(node["_target_"]).startswith("src."):
            return built
    else:
        built = name = str(node)
        if kind in ("classes", "binary") and name.lower() in BY_SHAPE[key]:
            return name
    labels, misread = MISREAD.get(kind, ("", ()))
    if name.lower().replace("_", "").startswith(misread):
        raise ConfigError([f"training.{key}: {name} does not take what data.task={kind} has as labels: {labels}."])
    if not isinstance(node, dict):
        try:
            module.get(name)
        except ValueError as error:
            raise ConfigError([f"training: {module.__name__} has no {node!r}; expected a name of Keras or a _target_."]) from error
    if kind == "classes" and not name.lower().startswith("sparse"):
        known = ", ".join([BY_SHAPE[key][0], *(member for member in dir(module) if member.lower().startswith("sparse"))])
        raise ConfigError([f"training.{key}: {name} does not take class numbers; expected one of {known}."])
    if kind != "numbers" and isinstance(node, dict) and node.get("from_logits"):
        layer = "softmax" if kind == "classes" else "sigmoid"
        why = f"what a model gives is shown as probabilities; expected a {layer} at its end, and a loss without it"
        raise ConfigError([f"training.{key}: {name} with from_logits is not supported yet: {why}."])
    return built
