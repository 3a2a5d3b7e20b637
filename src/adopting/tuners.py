"""Makes KerasTuner's tuners record the search that a script starts, instead of running it."""

import contextlib
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import FrameType
from typing import Any
from unittest.mock import patch

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
        line: the line of the script that starts it.
        hypermodel: builds the models.
        settings: the arguments of the tuner, including its defaults.
        given: names of the arguments that the script gives.
        own: methods that the script overrides in its own tuner, which no sweep calls.
        arguments: the arguments of `search`, by their names in `fit`.
        positional: number of these that are positional.
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
    """Makes all tuners record, by whatever name a script imports them. A search of the target ends the script.

    Args:
        path: path of the script, as in its frames.
        is_target: returns True for the hypermodel that is adopted.

    Yields:
        The searches of other hypermodels.

    Raises:
        Started: with the Search.
        ConfigError: a sweep cannot do what the tuner does.
    """
    others: list[Search] = []

    def search(self: Any, *args: Any, **kwargs: Any) -> None:
        kind, settings, given = self.recorded
        line = _line(inspect.currentframe(), path)
        own = [f"{type(self).__name__}.{name}" for name in METHODS if _is_own(type(self), name)]
        names = list(inspect.signature(keras.Model.fit).parameters)[1:]
        arguments = dict(zip(names, args, strict=False)) | kwargs
        found = Search(kind, line, settings.get("hypermodel"), settings, given, own, arguments, len(args))
        if not is_target(found.hypermodel):
            others.append(found)
            return
        if kind == "SklearnTuner":
            raise ConfigError([f"{kind} searches models of scikit-learn; expected a function of trials: docs/adding.md#a-function"])
        if _is_own(type(self), "run_trial"):
            expected = "expected a HyperModel whose fit does that: docs/adopt.md#your-own-fit"
            raise ConfigError([f"{type(self).__name__} has a run_trial of its own; {expected}"])
        raise Started(found)

    tuners = {kind: getattr(kt, kind) for kind in TUNERS}
    base = kt.Tuner.__mro__[1]  # BaseTuner, which is also a base class of SklearnTuner
    with contextlib.ExitStack() as patches:
        for kind, tuner in tuners.items():
            patches.enter_context(patch.object(tuner, "__init__", _init(kind, tuner.__init__)))
        for one in (base, *tuners.values()):
            for name in [name for name, value in vars(one).items() if not name.startswith("_") and callable(value)]:
                patches.enter_context(patch.object(one, name, search if name == "search" else _nothing))
        patches.enter_context(patch.object(base, "__getattr__", _attribute, create=True))  # attributes of a tuner that runs
        yield others


def _init(kind: str, original: Callable[..., None]) -> Callable[..., None]:
    """Returns a constructor that only records its arguments."""
    signature = inspect.signature(original)

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        bound = signature.bind(self, *args, **kwargs)
        given = set(bound.arguments) | set(bound.arguments.get("kwargs", {}))
        bound.apply_defaults()
        settings = dict(bound.arguments) | bound.arguments.get("kwargs", {})
        self.recorded = (kind, settings, given)
        self.hypermodel = settings.get("hypermodel")

    return init


def _nothing(*_: Any, **__: Any) -> None:
    """Takes the place of a tuner's methods."""


def _attribute(_: Any, name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return _nothing


def _is_own(tuner: type, name: str) -> bool:
    """Returns True if a class of the script defines a method."""
    return any(name in vars(one) for one in tuner.__mro__ if not one.__module__.startswith("keras_tuner"))


def _line(frame: FrameType | None, path: str) -> int:
    """Returns the line of the script from which a frame was reached; 0 if there is none."""
    while frame and frame.f_code.co_filename != path:
        frame = frame.f_back
    return frame.f_lineno if frame else 0
