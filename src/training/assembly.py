"""What a trial's configuration says about its training: the engine with its arguments, and what a model is compiled with."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from src import training
from src.config.targets import build
from src.datasets import Dataset
from src.errors import ConfigError, collecting
from src.training import scoring
from src.training.callbacks import build_callbacks


def engine(config: dict[str, Any], data: Dataset, folder: Path) -> tuple[Callable[..., training.Fitted], dict[str, Any]]:
    """The engine of a trial, and its own arguments.

    Args:
        folder: the trial's own, for what callbacks write.

    Raises:
        ConfigError: with every mistake in them.
    """
    name = training.engine_of(config)
    found = training.find_engine(name)
    arguments = training.own_arguments(found, config)
    mistakes: list[str] = []
    if "callbacks" in arguments:
        with collecting(mistakes):
            arguments["callbacks"] = build_callbacks(arguments["callbacks"], folder, per_batch=name == "keras")
    if (batch_size := arguments.get("batch_size", 1)) > len(data.train_index):
        mistakes.append(f"training.batch_size={batch_size}: there are {len(data.train_index)} training examples; expected at most as many.")
    if mistakes:
        raise ConfigError(mistakes)
    return found, arguments


def compile_arguments(config: dict[str, Any]) -> dict[str, Any]:
    """The optimizer, the loss and the metrics of a trial, as `keras.Model.compile` takes them.

    Raises:
        ConfigError: with every mistake in them.
    """
    found: dict[str, Any] = {"metrics": []}
    mistakes: list[str] = []
    with collecting(mistakes):
        found["optimizer"] = build("optimizer", config["optimizer"])
    with collecting(mistakes):
        found["loss"] = scoring.build_loss(config["training"]["loss"])
    for metric in config["training"]["metrics"]:
        with collecting(mistakes):
            found["metrics"].append(scoring.build_metric(metric))
    if mistakes:
        raise ConfigError(mistakes)
    return found
