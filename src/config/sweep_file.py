"""Checks the names and shapes in the `hydra:` node of a sweep file."""

from collections.abc import Callable, Iterator
from typing import Any

from src.errors import did_you_mean


def wrong_shapes(hydra: Any) -> Iterator[str]:
    """Yields descriptions of the parts of a sweep file's `hydra:` node that have a wrong name or shape."""
    if not isinstance(hydra, dict):
        yield f"hydra is {hydra!r}; expected a mapping with sweeper."
        return
    for key in hydra.keys() - {"mode", "run", "sweep", "sweeper"}:
        yield f"hydra.{key} is not supported; expected hydra.mode or hydra.sweeper."
    if (mode := hydra.get("mode")) not in (None, "RUN", "MULTIRUN"):
        yield f"hydra.mode is {mode!r}{did_you_mean(str(mode), ('RUN', 'MULTIRUN'))} Expected MULTIRUN or RUN."
    sweeper = hydra.get("sweeper", {})
    if not isinstance(sweeper, dict):
        yield f"hydra.sweeper is {sweeper!r}; expected a mapping of {', '.join(SHAPES)}."
        return
    for key, (words, holds) in SHAPES.items():
        if key in sweeper and not holds(sweeper[key]):
            yield f"hydra.sweeper.{key} is {sweeper[key]!r}; expected {words}."


def _is_list_of(kind: type, value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, kind) for one in value)


def _are_figures(value: Any) -> bool:
    return _is_list_of(dict, value) and all(type(number) in (int, float) for figures in value for number in figures.values())


SHAPES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "params": ("a mapping of keys to values", lambda value: isinstance(value, dict)),
    "trials": (
        "a list of trials, each a list of overrides",
        lambda value: _is_list_of(list, value) and all(_is_list_of(str, trial) for trial in value),
    ),
    "when": ("a mapping of KEY=VALUE to params", lambda value: isinstance(value, dict) and _is_list_of(dict, list(value.values()))),
    "exclude": ("a list of mappings of keys to values", lambda value: _is_list_of(dict, value)),
    "reported": ("a list of mappings of metrics to numbers, one per trial", _are_figures),
}
