"""Builds, from the configuration of a trial, its engine with arguments, and the arguments of `compile`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from src import training
from src.config.auto import task_of
from src.config.targets import build
from src.datasets import Dataset
from src.errors import ConfigError, collecting
from src.tasks import OWN
from src.training import losses_and_metrics
from src.training.callbacks import build_callbacks


def engine(config: dict[str, Any], data: Dataset, folder: Path) -> tuple[Callable[..., training.Fitted], dict[str, Any]]:
    """Returns the engine of a trial, and its arguments other than training.FROM_TRIAL.

    Args:
        folder: the folder of the trial, into which callbacks write.

    Raises:
        ConfigError: lists every mistake in the engine and its arguments.
    """
    name = training.engine_of(config)
    fit = training.find_engine(name)
    arguments = training.extra_arguments(fit, config)
    mistakes: list[str] = []
    if mistake := training.refusal(name, data):
        mistakes.append(mistake)
    if config["training"]["loss"] == OWN and "compile" not in config["model"] and data.weights(training=True) is not None:
        mistakes.append(
            "training.loss=own: the model computes its loss itself and would ignore weights; expected a loss of Keras, or none."
        )
    if "callbacks" in arguments:
        with collecting(mistakes):
            arguments["callbacks"] = build_callbacks(arguments["callbacks"], folder, per_batch=name == "keras")
        if (size := training.scheduled(config).get("batch_size", 1)) > len(data.train_index):
            mistakes.append(f"training.batch_size={size}: there are {len(data.train_index)} training examples; expected at most as many.")
    if mistakes:
        raise ConfigError(mistakes)
    return fit, arguments


def compile_arguments(config: dict[str, Any]) -> dict[str, Any]:
    """Returns optimizer, loss and metrics of a trial, as arguments of `keras.Model.compile`.

    Raises:
        ConfigError: lists every mistake in them.
    """
    arguments: dict[str, Any] = {}
    mistakes: list[str] = []
    task, node = task_of(config["data"]), config["training"]
    with collecting(mistakes):
        arguments["optimizer"] = build("optimizer", config["optimizer"])
    with collecting(mistakes):
        arguments["loss"] = losses_and_metrics.build_loss(node["loss"], task)
    with collecting(mistakes):
        arguments["metrics"] = losses_and_metrics.build_metrics(node["metrics"], task)
    if mistakes:
        raise ConfigError(mistakes)
    return arguments


def ignored(config: dict[str, Any]) -> list[str]:
    """Returns the mistakes of a model that compiles itself: settings of optimizer, loss and metrics without effect."""
    found = []
    if "optimizer" not in config["model"].get("inactive", []):
        found.append("model: it has compile: false, so the optimizer is its own; expected inactive: [optimizer] in its YAML, too.")
    if config["training"]["loss"] != OWN or config["training"]["metrics"]:
        found.append("training.loss, training.metrics: the model has its own (compile: false); expected auto, or to leave them out.")
    return found
