"""Engines: the functions that train a trial, one per file.

`training.engine`, or `engine:` in a model's YAML, names the engine of a trial. An engine is a function
`fit(model, data, *, seed, objective, schedule, monitor, …) -> Fitted`. It trains a compiled Keras model and leaves the weights of the
kept epoch in it. Its other keyword arguments are keys of the model's `engine:`, or of the training's YAML file. An engine that trains in
steps takes `callbacks`. The schedule is made from the training's YAML file; keys of the model's `engine:` take precedence.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from types import ModuleType
from typing import Any

from src.config.rules import ENGINES
from src.errors import ConfigError, did_you_mean
from src.training.checkpoint import Checkpoint, History

Report = Callable[[int, dict[str, float]], None]
"""`report(epoch, metrics)` after each epoch, counted from 1."""
FROM_TRIAL = ("seed", "objective", "schedule", "monitor")  # arguments that every engine gets
SCHEDULED = ("epochs", "batch_size", "validation_batch", "patience", "keep", "phases")  # keys of conf/training/ that make the Schedule
OPTIONAL = ("phases",)  # keys of the Schedule that a YAML file may leave out
TRAINING = ("engine", "threads", "precision", "loss", "metrics", "class_weight")  # keys of conf/training/ that no engine takes


@dataclass(frozen=True)
class Phase:
    """A part of a training.

    Attributes:
        start: its first epoch, counted from 1; it lasts until the next phase.
        frozen: names of layers of the model whose weights do not change in it.
        learning_rate: None for the optimizer's own.
    """

    start: int
    frozen: tuple[str, ...]
    learning_rate: float | None


@dataclass(frozen=True)
class Schedule:
    """How long a model trains, in which batches, and which epoch is kept.

    Attributes:
        epochs: the largest number of epochs.
        batch_size: examples per step of training.
        validation_batch: examples that are validated at once.
        patience: epochs without improvement of the objective before stopping; None trains all epochs.
        keep: the epoch whose weights are saved and scored: "best" by the objective, or "last".
        phases: in the order of their starts; patience counts in the last one.
    """

    epochs: int
    batch_size: int
    validation_batch: int
    patience: int | None
    keep: str
    phases: tuple[Phase, ...] = ()


@dataclass(frozen=True)
class Monitor:
    """Callbacks through which an engine reports its progress. Each call may raise errors.Stop.

    After errors.Cancelled, which only `check_stop` raises, an engine finishes the epoch and returns its result: keeper.py does so.

    Attributes:
        report: called after each epoch.
        check_stop: called about once a second, if the engine can.
        save: called with a checkpoint from time to time; None if checkpoints are not wanted.
        checkpoint: the state to continue from; None for a new training.
    """

    report: Report
    check_stop: Callable[[], None]
    save: Callable[[Checkpoint], None] | None = None
    checkpoint: Checkpoint | None = None


@dataclass(frozen=True)
class Fitted:
    """The result of an engine, besides the weights in the model.

    Attributes:
        history: metric → its value per epoch.
        kept_epoch: the epoch, counted from 1, whose weights the model holds.
        metrics: values that belong to no epoch, such as `cv/accuracy`.
        latest: the state after its last epoch; None if the training cannot be continued.
        cancelled: True if it ended before its last epoch because of errors.Cancelled.
    """

    history: History
    kept_epoch: int
    metrics: dict[str, float] = field(default_factory=dict)
    latest: Checkpoint | None = None
    cancelled: bool = False


def find_engine(name: str) -> Callable[..., Fitted]:
    """Returns the function `fit` of an engine's module.

    Raises:
        ConfigError: there is no such engine.
    """
    if name not in ENGINES:
        raise ConfigError([f"engine={name}: there is no such engine; expected one of {', '.join(ENGINES)}"])
    fit: Callable[..., Fitted] = _module(name).fit
    return fit


def refusal(name: str, data: Any) -> str:
    """Returns the reason why an engine cannot train on a data set, from `refusal` of its module; empty if it can."""
    module = _module(name)
    return str(module.refusal(data)) if hasattr(module, "refusal") else ""


def reports(name: str) -> tuple[str, ...]:
    """Returns an engine's own metrics, from REPORTS of its module; empty if it reports loss and metrics of the model."""
    return tuple(getattr(_module(name), "REPORTS", ()))


def _module(name: str) -> ModuleType:
    return import_module(f"{__name__}.{ENGINES[name]}")


def engine_of(config: dict[str, Any]) -> str:
    """Returns the name of a configuration's engine: that of the model, otherwise that of the training.

    Raises:
        ConfigError: the model's `engine:` is not a mapping with a name.
    """
    node = config["model"].get("engine", {"name": config["training"]["engine"]})
    if not isinstance(node, dict) or "name" not in node:
        example = "{name: sgd_classifier, max_iter: 100, folds: 5}"
        raise ConfigError([f"model.engine={node}: expected a mapping of its name and its arguments, such as {example}."])
    return str(node["name"])


def extra_arguments(fit: Callable[..., Fitted], config: dict[str, Any]) -> dict[str, Any]:
    """Returns the arguments of an engine other than FROM_TRIAL.

    They are the keys of `model.engine`, and the keys of `training:` that the engine takes.

    Raises:
        ConfigError: an argument is missing, or the engine does not take one.
    """
    from_model = {key: value for key, value in config["model"].get("engine", {}).items() if key not in ("name", *SCHEDULED)}
    defaults = _defaults(fit)
    arguments = {key: value for key, value in config["training"].items() if key in defaults} | from_model
    mistakes = [f"model.engine: {fit.__module__} has no {key!r}{did_you_mean(key, defaults)}" for key in from_model if key not in defaults]
    if "engine" not in config["model"]:
        known = {*defaults, *_defaults(find_engine("keras")), *SCHEDULED, *TRAINING}
        unread = [key for key in config["training"] if key not in known]
        mistakes += [f"training: {fit.__module__} does not read {key!r}{did_you_mean(key, known)}" for key in unread]
    if missing := [name for name, default in defaults.items() if default is inspect.Parameter.empty and name not in arguments]:
        mistakes.append(f"{fit.__module__} needs {' and '.join(missing)}; expected them in the model's engine: or in the training's YAML.")
    if missing := [name for name in SCHEDULED if name not in (*OPTIONAL, *scheduled(config))]:
        mistakes.append(f"training: {' and '.join(missing)} not given; expected them in the training's YAML: defaults: [default, _self_]")
    if mistakes:
        raise ConfigError(mistakes)
    return arguments


def scheduled(config: dict[str, Any]) -> dict[str, Any]:
    """Returns the keys of the Schedule that a configuration sets: those of the training, or of the model's `engine:`."""
    nodes = {**config["training"], **config["model"].get("engine", {})}
    return {name: nodes[name] for name in SCHEDULED if name in nodes}


def _defaults(fit: Callable[..., Fitted]) -> dict[str, Any]:
    """Returns keyword argument → its default for an engine, without FROM_TRIAL."""
    parameters = inspect.signature(fit).parameters.items()
    return {
        name: parameter.default for name, parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY and name not in FROM_TRIAL
    }
