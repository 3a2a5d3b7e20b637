"""Engines: how a trial trains. One function per file, named in `training.engine` or in the `engine:` of a model's YAML.

An engine is `fit(model, data, *, seed, objective, monitor, …) -> Fitted`: it trains a compiled Keras model and leaves the
kept epoch's weights in it. What else it needs it names as keyword arguments: they are keys of the model's `engine:`, or of
the training's YAML.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hydra.utils import get_object

from src.config.rules import ENGINES
from src.errors import ConfigError, did_you_mean
from src.training.checkpoint import Checkpoint, History

Report = Callable[[int, dict[str, float]], None]
"""`report(epoch, metrics)` after each epoch, counted from 1."""
GIVEN = ("seed", "objective", "monitor")  # to every engine
TRAINING = ("engine", "threads", "loss", "metrics")  # keys of conf/training/ that are no engine's


@dataclass(frozen=True)
class Monitor:
    """Whom an engine tells how far it is. Each call may raise errors.Stop.

    Attributes:
        report: after each epoch.
        alive: about once a second, where the engine can.
        save: takes a checkpoint now and then; None where nobody wants it.
        checkpoint: where to go on; None at the beginning.
    """

    report: Report
    alive: Callable[[], None]
    save: Callable[[Checkpoint], None] | None = None
    checkpoint: Checkpoint | None = None


@dataclass(frozen=True)
class Fitted:
    """What an engine leaves behind, beside the weights in the model.

    Attributes:
        history: metric → its value per epoch.
        kept_epoch: the epoch, counted from 1, whose weights the model holds.
        metrics: values that belong to no epoch, such as `cv/accuracy`.
        latest: the training after its last epoch; None where it can not go on.
    """

    history: History
    kept_epoch: int
    metrics: dict[str, float] = field(default_factory=dict)
    latest: Checkpoint | None = None


def find_engine(name: str) -> Callable[..., Fitted]:
    """The function `fit` of an engine's module.

    Raises:
        ConfigError: there is no such engine.
    """
    if name not in ENGINES:
        raise ConfigError([f"engine={name}: there is no such engine; expected one of {', '.join(ENGINES)}"])
    fit: Callable[..., Fitted] = get_object(f"src.training.{ENGINES[name]}.fit")
    return fit


def engine_of(config: dict[str, Any]) -> str:
    """The name of the engine that trains a configuration: the model's own one, or that of the training.

    Raises:
        ConfigError: the model's `engine:` is no mapping with a name.
    """
    node = config["model"].get("engine", {"name": config["training"]["engine"]})
    if not isinstance(node, dict) or "name" not in node:
        example = "{name: sgd_classifier, max_iter: 100, folds: 5}"
        raise ConfigError([f"model.engine={node}: expected a mapping of its name and its arguments, such as {example}."])
    return str(node["name"])


def own_arguments(fit: Callable[..., Fitted], config: dict[str, Any]) -> dict[str, Any]:
    """What an engine is called with beside GIVEN: the keys of `model.engine`, and those of `training:` that it names.

    Raises:
        ConfigError: it needs others, or does not read one.
    """
    own = {key: value for key, value in config["model"].get("engine", {}).items() if key != "name"}
    named = _named(fit)
    found = {key: value for key, value in config["training"].items() if key in named} | own
    mistakes = [f"model.engine: {fit.__module__} has no {key!r}{did_you_mean(key, named)}" for key in own if key not in named]
    if "engine" not in config["model"]:
        known = {*named, *_named(find_engine("keras")), *TRAINING}
        unread = [key for key in config["training"] if key not in known]
        mistakes += [f"training: {fit.__module__} does not read {key!r}{did_you_mean(key, known)}" for key in unread]
    if needed := [name for name, default in named.items() if default is inspect.Parameter.empty and name not in found]:
        mistakes.append(f"{fit.__module__} needs {' and '.join(needed)}; expected them in the model's engine: or in the training's YAML.")
    if mistakes:
        raise ConfigError(mistakes)
    return found


def _named(fit: Callable[..., Fitted]) -> dict[str, Any]:
    """Keyword argument that an engine names → its default; without GIVEN."""
    parameters = inspect.signature(fit).parameters.values()
    return {one.name: one.default for one in parameters if one.kind is one.KEYWORD_ONLY and one.name not in GIVEN}
