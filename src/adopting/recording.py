"""Runs a script up to its search, and records the tuner and the arguments of that search. No trial runs."""

import contextlib
import inspect
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType
from typing import Any

import keras_tuner as kt

from src.adopting import slicing
from src.errors import ConfigError, did_you_mean, raised_at

TEST = ("x_test", "y_test")  # names under which scripts keep the examples that no search sees
TUNERS = ("RandomSearch", "BayesianOptimization", "Hyperband", "GridSearch", "Tuner")
OWN = "a tuner with a run_trial of its own"


@dataclass
class Search:
    """A search that a script starts.

    Attributes:
        kind: the class of the tuner.
        settings: the arguments of the tuner, with its defaults.
        given: names of those that the script gives.
        arguments: those of `search`, by the names that `fit` has for them.
        positional: so many of them were given without their names.
        test: the test examples of the script, if it has them.
    """

    kind: str
    settings: dict[str, Any]
    given: set[str]
    arguments: dict[str, Any] = field(default_factory=dict)
    positional: int = 0
    test: tuple[Any, Any] | None = None


@dataclass
class Script:
    """A script of the user's.

    Attributes:
        target: the name of its hypermodel: a function of hyperparameters, a class, or an instance.
    """

    path: Path
    target: str
    statements: list[slicing.Statement]

    @classmethod
    def read(cls, words: str) -> "Script":
        """Reads `FILE.py:NAME`.

        Raises:
            ConfigError: there is no such file or name in it.
        """
        file, _, target = words.partition(":")
        path = Path(file)
        try:
            found = slicing.statements(path.read_text())
        except SyntaxError as error:
            raise ConfigError([f"{file}, line {error.lineno}: {error.msg}. Expected Python."]) from error
        except (OSError, UnicodeError) as error:
            raise ConfigError([f"{file}: {error}. Expected FILE.py:NAME, a Python file and the hypermodel in it."]) from error
        known = list(dict.fromkeys(name for one in found for name in one.binds))
        if target not in known:
            hint = f"{target!r} is not there{did_you_mean(target, known)} " if target else ""
            likely = [
                name for one in found for name in one.binds if "hp" in ast_arguments(one) or "HyperModel" in one.uses or "build" in name
            ]
            names = ", ".join(dict.fromkeys(likely)) or "none that looks like one"
            raise ConfigError([f"{words}: {hint}Expected {file}:NAME of a function of hyperparameters or a HyperModel: {names}."])
        return cls(path, target, found)

    @property
    def model_part(self) -> list[slicing.Statement]:
        """The statements that the hypermodel needs."""
        return slicing.needed(self.statements, [self.target])

    def search(self) -> Search | None:
        """Runs the part of the script that starts a search of the hypermodel; None if no search of it is found.

        Raises:
            ConfigError: this part of the script fails.
        """
        failure = ""
        for part in slicing.searching(self.statements, TEST):
            with _recording(self.target) as recorder:
                namespace = {"__name__": "__main__", "__file__": str(self.path)}
                recorder.namespace = namespace
                try:
                    with _as_script(self.path):
                        for one in part:
                            exec(_code(one, self.path), namespace)  # noqa: S102  the file that the user names
                except _Found as found:
                    search: Search = found.args[0]
                    both = [namespace.get(name) for name in TEST]
                    search.test = None if any(one is None for one in both) else (both[0], both[1])
                    return search
                except (Exception, SystemExit) as error:
                    failure = f"{self.path}: {type(error).__name__}: {error}  ({raised_at(error)})"
        if failure:
            raise ConfigError([f"{failure}. Expected a script that runs up to its search in the folder of this command."])
        return None

    def hypermodel(self) -> Any:
        """Runs the part of the script that the hypermodel needs, and returns it; of a class an instance.

        Raises:
            ConfigError: this part fails.
        """
        namespace: dict[str, Any] = {"__name__": self.path.stem, "__file__": str(self.path)}
        try:
            with _as_script(self.path):
                for one in self.model_part:
                    exec(_code(one, self.path), namespace)  # noqa: S102  the file that the user names
                found = namespace[self.target]
                return found() if isinstance(found, type) else found
        except (Exception, SystemExit) as error:
            raise ConfigError([f"{self.path}:{self.target}: {type(error).__name__}: {error}  ({raised_at(error)})"]) from error


def ast_arguments(statement: slicing.Statement) -> list[str]:
    """Returns the names of the arguments of a function that a statement defines."""
    arguments = getattr(statement.node, "args", None)
    return [one.arg for one in arguments.args] if arguments else []


def _code(statement: slicing.Statement, path: Path) -> CodeType:
    import ast

    return compile(ast.Module([statement.node], []), str(path), "exec")


class _Found(BaseException):
    """Ends a script when its search begins; no `except Exception` of the script catches it."""


class _Recorder:
    """Stands for the classes of tuners while a script runs."""

    def __init__(self, target: str) -> None:
        self.target, self.namespace = target, dict[str, Any]()

    def is_target(self, hypermodel: Any) -> bool:
        """True if a tuner was given the hypermodel."""
        named = self.namespace.get(self.target)
        is_instance = isinstance(named, type) and isinstance(hypermodel, named)
        return hypermodel is not None and (hypermodel is named or is_instance or getattr(hypermodel, "__name__", "") == self.target)

    def tuner(self, kind: str, original: type) -> type:
        """Makes the class that records in place of a tuner's."""
        recorder, signature = self, inspect.signature(original.__init__)  # type: ignore[misc]

        class Recorded:
            def __init__(self, *args: Any, **kwargs: Any) -> None:
                bound = signature.bind(self, *args, **kwargs)
                self.settings = dict(bound.arguments) | bound.arguments.get("kwargs", {})
                self.given = set(self.settings)
                bound.apply_defaults()
                self.settings = dict(bound.arguments) | bound.arguments.get("kwargs", {})

            def search(self, *args: Any, **kwargs: Any) -> None:
                if recorder.is_target(self.settings.get("hypermodel")):
                    if any("run_trial" in vars(one) for one in type(self).__mro__):
                        raise ConfigError([f"{type(self).__name__} is {OWN}; expected a function of trials: docs/adding.md#a-function"])
                    raise _Found(Search(kind, self.settings, self.given, _named(args, kwargs), len(args)))

            def __getattr__(self, name: str) -> Any:
                return lambda *args, **kwargs: None

        return Recorded


def _named(args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    import keras

    names = list(inspect.signature(keras.Model.fit).parameters)[1:]
    return dict(zip(names, args, strict=False)) | kwargs


@contextlib.contextmanager
def _recording(target: str) -> Iterator[_Recorder]:
    """Puts recorders in the place of KerasTuner's tuners."""
    recorder, before = _Recorder(target), list[tuple[Any, str, Any]]()
    for kind in TUNERS:
        made = recorder.tuner(kind, getattr(kt, kind))
        for module in (kt, kt.tuners):
            if hasattr(module, kind):
                before.append((module, kind, getattr(module, kind)))
                setattr(module, kind, made)
    try:
        yield recorder
    finally:
        for module, kind, original in before:
            setattr(module, kind, original)


@contextlib.contextmanager
def _as_script(path: Path) -> Iterator[None]:
    """Lets modules beside a script be imported, and gives it no arguments of ours."""
    arguments, places = sys.argv, list(sys.path)
    sys.argv = [str(path)]
    sys.path.insert(0, os.path.abspath(path.parent))
    try:
        yield
    finally:
        sys.argv, sys.path[:] = arguments, places
