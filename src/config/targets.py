"""Imports the code that a `_target_` names: only the kinds listed here, and only what those packages define themselves."""

import re
from typing import Any

from hydra.utils import get_object, instantiate

from src.errors import ConfigError, TrialbookError, TrialError, first_words

ALLOWED = {  # `*` stands for a module, cnn or cnn.small; Class for a name that begins with a capital letter
    "data": ("src.datasets.*.load",),
    "model": ("src.models.*.build",),
    "optimizer": ("keras.optimizers.Class", "keras.optimizers.schedules.Class"),
    "oracle": ("src.oracles.*.Class",),
    "trial": ("src.trials.*.run",),
    "executor": ("src.executors.*.Class",),
    "training": (
        *(f"keras.{kind}.Class" for kind in ("losses", "metrics", "callbacks", "optimizers", "optimizers.schedules")),
        *(f"src.{kind}.*.Class" for kind in ("losses", "metrics", "callbacks")),
    ),
}


def find(group: str, target: str) -> Any:
    """Imports the function or class that a `_target_` of a group names.

    Raises:
        ConfigError: the group may not use the name, or the name does not exist.
    """
    pattern = _pattern(group, target)
    try:
        found = get_object(target)
    except Exception as error:
        raise ConfigError([f"{group}: _target_ {target!r} cannot be found: {error}"]) from error
    home = getattr(found, "__module__", "") or ""
    package = "keras." if pattern.startswith("keras.") else pattern.partition("*")[0]
    if not callable(found) or not home.startswith(package):
        raise ConfigError([f"{group}: _target_ {target!r} is {home or 'no function or class'}; expected what {package}* itself defines."])
    return found


def check_names(group: str, node: Any) -> None:
    """Checks the name of every `_target_` in a node, without importing it.

    Raises:
        ConfigError: the group may not use one of them.
    """
    if isinstance(node, dict) and "_target_" in node:
        _pattern(group, str(node["_target_"]))
    for child in _children(node):
        check_names(group, child)


def _children(node: Any) -> list[Any]:
    if isinstance(node, dict):
        return list(node.values())
    return node if isinstance(node, list) else []


def _pattern(group: str, target: str) -> str:
    """Returns the pattern of the group that a name matches; raises a ConfigError if there is none."""
    for pattern in ALLOWED[group]:
        words = re.escape(pattern).replace(r"\*", r"[a-z]\w*(\.[a-z]\w*)*").replace("Class", r"[A-Z]\w*")
        if re.fullmatch(words, target, re.ASCII):
            return pattern
    raise ConfigError([f"{group}: _target_ {target!r} is not allowed; expected {' or '.join(ALLOWED[group])}"])


def build(group: str, node: Any, **arguments: Any) -> Any:
    """Instantiates a node of conf/, after checking that every `_target_` in it is allowed.

    Raises:
        ConfigError: a target is not allowed, or rejects its arguments.
        TrialError: the code of a model raises; with other values it may not.
        TrialbookError: the target itself raises one, for example a DataError.
    """
    find(group, str(node.get("_target_")))
    _check(group, node)
    try:
        return instantiate(node, _convert_="all", **arguments)
    except Exception as error:
        cause = error.__cause__ or error
        if isinstance(cause, TrialbookError):
            raise cause from None
        if group == "model":
            raise TrialError(f"model: {node.get('_target_')} raises {type(cause).__name__}: {first_words(cause)}") from cause
        if isinstance(cause, TypeError | ValueError | ImportError):
            raise ConfigError([f"{group}: {node.get('_target_')} says: {cause}"]) from error
        raise


def _check(group: str, node: Any) -> None:
    """Raises a ConfigError if instantiating the node would call anything that is not allowed."""
    if isinstance(node, dict):
        if "_target_" in node:
            find(group, str(node["_target_"]))
        if words := [key for key in node if str(key).startswith("_") and key != "_target_"]:
            raise ConfigError([f"{group}: {', '.join(words)} is not allowed; expected _target_ and arguments"])
    elif isinstance(node, str) and "${" in node:  # Hydra would look it up after the check
        raise ConfigError([f"{group}: {node!r} is not allowed; expected a plain value"])
    for child in _children(node):
        _check(group, child)
