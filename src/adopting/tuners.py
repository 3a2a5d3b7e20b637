"""Tuners of KerasTuner that record the search that a script starts, in place of running it."""

import contextlib
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import keras
import keras_tuner as kt

from src.errors import ConfigError

TUNERS = ("RandomSearch", "BayesianOptimization", "Hyperband", "GridSearch", "SklearnTuner", "Tuner")
METHODS = ("run_trial", "on_epoch_begin", "on_epoch_end", "on_batch_begin", "on_batch_end", "on_trial_begin", "on_trial_end", "load_model")


@dataclass
class Search:
    """A search that a script starts.

    Attributes:
        kind: the class of the tuner.
        line: of the script, where it starts.
        hypermodel: builds the models that it searches.
        settings: the arguments of the tuner, with its defaults.
        given: names of those that the script gives.
        own: methods of a tuner of the script's own, which no sweep calls.
        arguments: those of `search`, by the names that `fit` has for them.
        positional: so many of them were given without their names.
        test: the test examples of the script, if it has them.
    """

    kind: str
    line: int
    hypermodel: Any
    settings: dict[str, Any]
    given: set[str]
    own: list[str]
    arguments: dict[str, Any] = field(default_factory=dict)
    positional: int = 0
    test: tuple[Any, Any] | None = None


class Started(BaseException):
    """Ends a script when its search begins; no `except Exception` of the script catches it."""


@contextlib.contextmanager
def recording(path: str, is_target: Callable[[Any], bool]) -> Iterator[list[Search]]:
    """Has all tuners record, by whatever name a script imports them. A search of the target ends the script.

    Args:
        path: of the script, as its frames have it.
        is_target: tells the hypermodel that is looked for.

    Yields:
        The searches of other hypermodels.

    Raises:
        Started: with the Search.
        ConfigError: the tuner does what no sweep can.
    """
    others: list[Search] = []

    def search(self: Any, *args: Any, **kwargs: Any) -> None:
        kind, settings, given = self.recorded
        frame = inspect.currentframe()
        own = [f"{type(self).__name__}.{name}" for name in METHODS if _is_own(type(self), name)]
        found = Search(kind, _line(frame, path), settings.get("hypermodel"), settings, given, own, _named(args, kwargs), len(args))
        if not is_target(found.hypermodel):
            others.append(found)
            return
        if kind == "SklearnTuner":
            raise ConfigError([f"{kind} searches models of scikit-learn; expected a function of trials: docs/adding.md#a-function"])
        if _is_own(type(self), "run_trial"):
            raise ConfigError(
                [f"{type(self).__name__} has a run_trial of its own; expected a HyperModel whose fit does that: docs/adopt.md#your-own-fit"]
            )
        raise Started(found)

    before: list[tuple[type, str, Any]] = []
    tuners = {kind: getattr(kt, kind) for kind in TUNERS}
    base = kt.Tuner.__mro__[1]  # BaseTuner, of which SklearnTuner is one, too
    try:
        for kind, tuner in tuners.items():
            _replace(tuner, "__init__", _init(kind, tuner.__init__), before)
        for one in (base, *tuners.values()):
            for name in [name for name, value in vars(one).items() if not name.startswith("_") and callable(value)]:
                _replace(one, name, search if name == "search" else _nothing, before)
        base.__getattr__ = _attribute  # what only a tuner that runs would have
        yield others
    finally:
        with contextlib.suppress(AttributeError):
            del base.__getattr__
        for owner, name, original in reversed(before):
            setattr(owner, name, original)


def _replace(owner: type, name: str, made: Any, before: list[tuple[type, str, Any]]) -> None:
    before.append((owner, name, vars(owner)[name]))
    setattr(owner, name, made)


def _init(kind: str, original: Callable[..., None]) -> Callable[..., None]:
    """Returns a constructor that keeps its arguments."""
    signature = inspect.signature(original)

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        bound = signature.bind(self, *args, **kwargs)
        given = set(bound.arguments) | set(bound.arguments.get("kwargs", {}))
        bound.apply_defaults()
        self.recorded = (kind, dict(bound.arguments) | bound.arguments.get("kwargs", {}), given)
        self.hypermodel = self.recorded[1].get("hypermodel")

    return init


def _nothing(*_: Any, **__: Any) -> None:
    """Stands for the methods of a tuner."""


def _attribute(_: Any, name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return _nothing


def _is_own(tuner: type, name: str) -> bool:
    """True if a class of the script's own defines a method."""
    return any(name in vars(one) for one in tuner.__mro__ if not one.__module__.startswith("keras_tuner"))


def _line(frame: FrameType | None, path: str) -> int:
    """Returns the last line of the script on the way to a frame."""
    while frame and frame.f_code.co_filename != path:
        frame = frame.f_back
    return frame.f_lineno if frame else 0


def _named(args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    names = list(inspect.signature(keras.Model.fit).parameters)[1:]
    return dict(zip(names, args, strict=False)) | kwargs
