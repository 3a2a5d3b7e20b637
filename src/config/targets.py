"""`_target_` names code. Only the kinds that conf/ is made of may be named, and only what those packages define themselves."""

from typing import Any

from hydra.utils import get_object, instantiate

from src.errors import ConfigError, TrialbookError

ALLOWED = {
    "data": ("src.datasets.",),
    "model": ("src.models.",),
    "optimizer": ("keras.optimizers.",),
    "oracle": ("src.oracles.",),
    "executor": ("src.executors.",),
    "training": ("keras.losses.", "keras.metrics.", "keras.callbacks.", "keras.optimizers."),
}


def find(group: str, target: str) -> Any:
    """The function or class that a `_target_` of a group names.

    Raises:
        ConfigError: the name lies outside what the group may use, or does not exist.
    """
    if not target.startswith(ALLOWED[group]):
        names = " or ".join(f"{prefix}*" for prefix in ALLOWED[group])
        raise ConfigError([f"{group}: _target_ {target!r} is not allowed; expected {names}"])
    try:
        found = get_object(target)
    except Exception as error:
        raise ConfigError([f"{group}: _target_ {target!r} can not be found: {error}"]) from error
    prefix = next(prefix for prefix in ALLOWED[group] if target.startswith(prefix))
    home = getattr(found, "__module__", "") or ""
    if not callable(found) or not f"{home}.".startswith("keras." if prefix.startswith("keras.") else prefix):
        raise ConfigError([f"{group}: _target_ {target!r} is {home or 'no function or class'}; expected what {prefix}* itself defines."])
    return found


def build(group: str, node: Any, **arguments: Any) -> Any:
    """Instantiates a node of conf/ after every `_target_` in it was found to be allowed.

    Raises:
        ConfigError: a target is not allowed, or rejects its arguments.
        TrialbookError: what the target itself raises, for example a DataError.
    """
    _check(group, node)
    try:
        return instantiate(node, _convert_="all", **arguments)
    except Exception as error:
        cause = error.__cause__ or error
        if isinstance(cause, TrialbookError):  # a data set's own words
            raise cause from None
        if isinstance(cause, TypeError | ValueError):
            raise ConfigError([f"{group}: {node.get('_target_')} says: {cause}"]) from error
        raise


def _check(group: str, node: Any) -> None:
    if isinstance(node, dict):
        if "_target_" in node:
            find(group, str(node["_target_"]))
        for child in node.values():
            _check(group, child)
    elif isinstance(node, list):
        for child in node:
            _check(group, child)
