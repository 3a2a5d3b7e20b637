"""Runs a script up to its search, and records the tuner and the arguments of that search. Runs no trial."""

import ast
import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import keras

from src.adopting import slicing, tuners
from src.adopting.tuners import Search
from src.errors import ConfigError, did_you_mean, raised_at

TEST = ("x_test", "y_test")  # usual names of the test examples in scripts


@dataclass
class Script:
    """A user's script.

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
            ConfigError: there is no such file, or no such name in it.
        """
        file, _, target = words.rpartition(":") if ":" in words else (words, "", "")
        path = Path(file)
        try:
            found = slicing.statements(path.read_text())
        except SyntaxError as error:
            cell = path.suffix == ".ipynb" or (error.text or "").lstrip().startswith(("%", "!"))
            expected = "the output of jupyter nbconvert --to script" if cell else "Python"
            raise ConfigError([f"{file}, line {error.lineno}: {error.msg}. Expected {expected}."]) from error
        except (OSError, UnicodeError) as error:
            raise ConfigError([f"{file}: {error}. Expected FILE.py:NAME, a Python file and the hypermodel in it."]) from error
        known = list(dict.fromkeys(name for one in found for name in one.binds))
        if target not in known:
            hint = f"{target!r} is not at its top level{did_you_mean(target, known)} " if target else ""
            likely: dict[str, None] = {}
            for one in found:
                builds = "hp" in one.arguments or "HyperModel" in one.uses
                likely |= dict.fromkeys(name for name in one.binds if builds or "build" in name)
            names = ", ".join(likely) or "none that looks like one"
            raise ConfigError([f"{words}: {hint}Expected {file}:NAME of a function of hyperparameters or a HyperModel: {names}."])
        return cls(path, target, found)

    @property
    def model_part(self) -> list[slicing.Statement]:
        """The statements that the hypermodel needs."""
        return slicing.needed(self.statements, [self.target])

    def search(self) -> tuple[Search | None, list[Search]]:
        """Runs the parts of the script that start a search, until the hypermodel is searched.

        Returns:
            The search of the hypermodel, None if there is none; and the searches of other hypermodels before it.

        Raises:
            ConfigError: such a part fails, or a sweep cannot do the search.
        """
        failure, others = "", list[Search]()
        for part in slicing.searching(self.statements, TEST):
            namespace: dict[str, Any] = {"__name__": "__main__", "__file__": str(self.path)}
            with tuners.recording(str(self.path), partial(self._is_target, namespace)) as seen:
                try:
                    self._run(part, namespace)
                except tuners.Started as started:
                    search: Search = started.args[0]
                    x_test, y_test = (namespace.get(name) for name in TEST)
                    search.test = None if x_test is None or y_test is None else (x_test, y_test)
                    return search, others
                except ConfigError:
                    raise
                except (Exception, SystemExit) as error:
                    failure = f"{self.path}: {type(error).__name__}: {error}  ({raised_at(error)})"
                    failure += ". It gets no arguments" if isinstance(error, SystemExit) else ""
                others += seen
        if failure:
            raise ConfigError([f"{failure}. Expected a script that runs up to its search in the current directory."])
        return None, others

    def local_imports(self) -> list[str]:
        """Returns a line for each module of the hypermodel that a sweep does not find, because it is in the script's directory."""
        folder = self.path.resolve().parent
        if folder == Path.cwd():
            return []
        names = sorted({word for one in self.model_part for word in _imported(one.node) if _lies_in(word, folder)})
        words = f"lies beside the script, where a sweep does not look: PYTHONPATH={folder} python -m src.sweep …"
        return [f"import {name}: it {words}" for name in names]

    def _is_target(self, namespace: dict[str, Any], hypermodel: Any) -> bool:
        named = namespace.get(self.target)
        is_instance = isinstance(named, type) and isinstance(hypermodel, named)
        return hypermodel is not None and (hypermodel is named or is_instance or getattr(hypermodel, "__name__", "") == self.target)

    def _run(self, part: list[slicing.Statement], namespace: dict[str, Any]) -> None:
        with _as_script(self.path), _global_settings_unchanged(self.path):
            for one in part:
                exec(compile(ast.Module([one.node], []), str(self.path), "exec"), namespace)  # noqa: S102  the file that the user names

    def hypermodel(self) -> Any:
        """Runs the part of the script that the hypermodel needs, and returns the hypermodel; if it is a class, an instance.

        Raises:
            ConfigError: this part fails.
        """
        place, found = f"{self.path}:{self.target}", None
        namespace: dict[str, Any] = {"__name__": self.path.stem, "__file__": str(self.path)}
        if any("__file__" in one.uses for one in self.model_part):
            raise ConfigError([f"{place} needs __file__, which a copy of it in src/models/ has not; expected a path."])
        try:
            self._run(self.model_part, namespace)
            found = namespace[self.target]
            return found() if isinstance(found, type) else found
        except (Exception, SystemExit) as error:
            hint = f" Expected a name for the instance, {self.path}:NAME, with NAME = {self.target}(…) in it."
            hint = hint if isinstance(found, type) else ""
            raise ConfigError([f"{place}: {type(error).__name__}: {error}  ({raised_at(error)}){hint}"]) from error


@contextlib.contextmanager
def _global_settings_unchanged(path: Path) -> Iterator[None]:
    """Refuses a script that changes Keras' global settings, because each trial resets them. Restores the settings."""

    def settings() -> tuple[str, str, str]:
        return keras.config.dtype_policy().name, keras.config.floatx(), keras.config.image_data_format()

    before = settings()
    try:
        yield
    finally:
        changed = [after for after, value in zip(settings(), before, strict=True) if after != value]
        policy, floatx, image_format = before
        keras.config.set_dtype_policy(policy)
        keras.config.set_floatx(floatx)
        keras.config.set_image_data_format(image_format)
        if changed:
            words = f"{path} sets Keras' global {', '.join(changed)}"
            raise ConfigError([f"{words}; expected it in layers, or training.precision= in a sweep and not there."])


def _imported(node: ast.stmt) -> set[str]:
    """Returns the top-level names of the modules that a statement imports."""
    found = {alias.name for one in ast.walk(node) if isinstance(one, ast.Import) for alias in one.names}
    found |= {one.module for one in ast.walk(node) if isinstance(one, ast.ImportFrom) and one.module}
    return {name.partition(".")[0] for name in found}


def _lies_in(module: str, folder: Path) -> bool:
    file = getattr(sys.modules.get(module), "__file__", None)
    return bool(file) and folder in Path(str(file)).resolve().parents


@contextlib.contextmanager
def _as_script(path: Path) -> Iterator[None]:
    """Sets sys.argv and sys.path as Python does for a script without arguments."""
    arguments, places = sys.argv, list(sys.path)
    sys.argv = [str(path)]
    sys.path.insert(0, os.path.abspath(path.parent))
    try:
        yield
    finally:
        sys.argv, sys.path[:] = arguments, places
