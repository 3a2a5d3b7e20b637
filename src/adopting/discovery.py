"""Finds the hyperparameters of a hypermodel by building its model, with the conditions under which it asks for each."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras_tuner as kt

Try = Callable[[kt.HyperParameters], object]
"""Has the hypermodel ask for hyperparameters: builds its model, and trains it for a moment where its `fit` asks, too."""
MOST_TRIES = 120
MOST_VALUES = 30  # of a whole number that are tried one by one; of others the ends
Parameter = Any  # one of KerasTuner's: Int, Float, Choice, Boolean, Fixed


@dataclass(frozen=True)
class Found:
    """A hyperparameter.

    Attributes:
        kind: Int, Float, Choice, Boolean or Fixed.
        condition: (name of another one, its values) under which it is asked for; None if always.
        lines: for people, about what a sweep cannot say of it.
    """

    name: str
    kind: str
    parameter: Parameter
    condition: tuple[str, tuple[Any, ...]] | None = None
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Attempt:
    """Hyperparameter → its value, for all that were asked for in one try."""

    values: dict[str, Any]


def discover(
    attempt: Try, given: kt.HyperParameters | None, *, closed: bool, known: Collection[str] = (), most: int = MOST_TRIES
) -> list[Found]:
    """Returns the hyperparameters in the order in which they are asked for.

    Each value of a choice and of a small whole number is tried once, so that what is asked for under some values alone is found.

    Args:
        given: those of the tuner, which replace the hypermodel's own of the same names.
        closed: the search leaves those that are not among them at their defaults.
        known: names of those whose values need not be tried.
        most: tries.

    Raises:
        Exception: of the hypermodel, where it fails with its defaults.
    """
    parameters: dict[str, Parameter] = {}
    attempts: list[Attempt] = []
    differing: set[str] = set()
    waiting: list[dict[str, Any]] = [{}]
    while waiting and len(attempts) < most:
        values = waiting.pop(0)
        hyperparameters = given.copy() if given else kt.HyperParameters()
        hyperparameters.values |= values
        try:
            attempt(hyperparameters)
        except Exception:
            if not attempts:
                raise
            continue  # these values do not go together; a trial with them would fail, too
        asked = {one.name: one for one in hyperparameters.space if hyperparameters.is_active(one)}
        attempts.append(Attempt({name: hyperparameters.values[name] for name in asked}))
        for name, one in asked.items():
            if name in parameters and one.get_config() != parameters[name].get_config():
                differing.add(name)
            if name not in parameters:
                parameters[name] = one
                waiting += [{**attempts[-1].values, name: value} for value in _others(one) if name not in known]
    cut = ("more values may ask for hyperparameters that were not found: it has very many",) if waiting else ()
    fixed = set(parameters) - set(_names(given)) if closed and given else set()
    found = []
    for name, one in parameters.items():
        kind = "Fixed" if name in fixed else type(one).__name__
        condition, line = _condition(one, attempts, [] if waiting else list(parameters.values()))
        lines = (
            *line,
            *cut,
            *([f"{name} is asked for with other values, too; as in KerasTuner, the first ones count"] if name in differing else []),
        )
        found.append(Found(name, kind, one, condition, lines))
    return found


def _names(given: kt.HyperParameters | None) -> Sequence[str]:
    return [one.name for one in given.space] if given else []


def values_of(parameter: Parameter) -> Sequence[Any]:
    """Returns the values of a hyperparameter in their order; empty for a continuous one."""
    kind = type(parameter).__name__
    if kind == "Choice":
        return list(parameter.values)
    if kind == "Boolean":
        return [False, True]
    if kind == "Fixed":
        return [parameter.value]
    low, high, step = parameter.min_value, parameter.max_value, parameter.step
    if kind == "Int" and parameter.sampling in (None, "linear"):
        return range(low, high + 1, step or 1)
    if step is None:
        return []
    found, number = [low], 1
    while (following := low * step**number if parameter.sampling == "log" else low + number * step) <= high * (1 + 1e-12):
        found.append(following if kind == "Int" else float(f"{following:.12g}"))
        number += 1
    return found


def _others(parameter: Parameter) -> list[Any]:
    """Returns the values to try beside the default."""
    values = values_of(parameter)
    if type(parameter).__name__ in ("Int", "Float") and not 0 < len(values) <= MOST_VALUES:
        values = [parameter.min_value, parameter.max_value]
    return [value for value in values if value != parameter.default]


def _condition(
    parameter: Parameter, attempts: list[Attempt], everything: list[Parameter]
) -> tuple[tuple[str, tuple[Any, ...]] | None, tuple[str, ...]]:
    """Returns the condition of a hyperparameter, and a line if there is one that cannot be said.

    Args:
        everything: hyperparameters in the order in which they are asked for, of which all values that decide were tried.
    """
    name = parameter.name
    if all(name in one.values for one in attempts):
        return None, ()
    said = {one.name: tuple(one.values) for one in parameter.conditions}
    before = everything[: next((number for number, one in enumerate(everything) if one.name == name), 0)]
    for parent in sorted(before, key=lambda one: one.name != next(reversed(said), "")):
        having = _values(parent.name, [one for one in attempts if name in one.values])
        without = _values(parent.name, [one for one in attempts if name not in one.values])
        everywhere = all(parent.name in one.values for one in attempts if name in one.values)
        if everywhere and not set(having) & set(without) and 0 < len(values_of(parent)) <= MOST_VALUES:
            return (parent.name, tuple(value for value in values_of(parent) if value in having)), ()
    if said:
        return list(said.items())[-1], ()
    return None, (f"{name} is asked for in some models alone, for which no listed hyperparameter decides; it is searched in all",)


def _values(name: str, attempts: list[Attempt]) -> Mapping[Any, None]:
    """Returns the values that a hyperparameter had, each once."""
    return dict.fromkeys(one.values[name] for one in attempts if name in one.values)
