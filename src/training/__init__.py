"""Engines: how a trial trains. One function per file, named in `training.engine` or by a model's YAML.

An engine is `fit(model, data, *, seed, objective, monitor, …) -> Fitted`: it trains a compiled Keras model and leaves the
kept epoch's weights in it. What else it needs it names as keyword arguments: they are keys of the model's or of the
training's YAML.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hydra.utils import get_object

from src.config.rules import ENGINES
from src.errors import ConfigError
from src.training.checkpoint import Checkpoint, History

Report = Callable[[int, dict[str, float]], None]
"""`report(epoch, metrics)` after each epoch, counted from 1."""
GIVEN = ("seed", "objective", "monitor")  # to every engine


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
    """The engine `fit` of src/training/<name>.py.

    Raises:
        ConfigError: there is none.
    """
    if name not in ENGINES:
        raise ConfigError([f"engine={name}: there is no such engine; expected one of {', '.join(ENGINES)}"])
    fit: Callable[..., Fitted] = get_object(f"src.training.{name}.fit")
    return fit


def own_arguments(fit: Callable[..., Fitted], *nodes: dict[str, Any]) -> dict[str, Any]:
    """The keys of the YAML nodes that an engine names as keyword arguments.

    Raises:
        ConfigError: the nodes lack one that it needs.
    """
    named = {name: parameter for name, parameter in inspect.signature(fit).parameters.items() if parameter.kind is parameter.KEYWORD_ONLY}
    found = {key: value for node in nodes for key, value in node.items() if key in named}
    needed = [name for name, parameter in named.items() if parameter.default is parameter.empty and name not in (*found, *GIVEN)]
    if needed:
        raise ConfigError([f"{fit.__module__} needs {' and '.join(needed)}; expected them in the YAML of the model or of the training."])
    return found
