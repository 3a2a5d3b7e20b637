"""Finds the hyperparameters that a hypermodel uses, and the condition of each, by building its model with different values."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import keras_tuner as kt

Try = Callable[[kt.HyperParameters], object]
"""Builds the hypermodel's model; also trains it briefly if the hypermodel has its own `fit`."""
MOST_TRIES = 120
MOST_VALUES = 30  # of a whole number that are tried one by one; of a longer range, only its ends
Parameter = Any  # a hyperparameter of KerasTuner: Int, Float, Choice, Boolean, Fixed
Attempt = dict[str, Any]  # hyperparameter → its value, for all that were used in one try


@dataclass(frozen=True)
class Found:
    """A hyperparameter.

    Attributes:
        kind: Int, Float, Choice, Boolean or Fixed.
        condition: (name of another hyperparameter, its values) under which this one is used; None if always.
        lines: lines for people about its properties that a sweep cannot express.
    """

    name: str
    kind: str
    parameter: Parameter
    condition: tuple[str, tuple[Any, ...]] | None = None
    lines: tuple[str, ...] = ()


def discover(
    attempt: Try, given: kt.HyperParameters | None, *, closed: bool, known: Collection[str] = (), most: int = MOST_TRIES
) -> list[Found]:
    """Returns the hyperparameters in the order in which they are used.

    Tries each value of a choice and of a small whole number once, to find hyperparameters that are used only with some values.

    Args:
        given: hyperparameters of the tuner, which replace those of the hypermodel with the same names.
        closed: True if the search leaves all others at their defaults.
        known: names of hyperparameters whose values need not be tried.
        most: largest number of tries.

    Raises:
        Exception: an exception of the hypermodel, if it fails with its defaults.
    """
    parameters: dict[str, Parameter] = {}
    attempts: list[Attempt] = []
    differing: set[str] = set()
    waiting: list[dict[str, Any]] = [{}]
    while waiting and len(attempts) < most:
        hyperparameters = given.copy() if given else kt.HyperParameters()
        hyperparameters.values |= waiting.pop(0)
        try:
            attempt(hyperparameters)
        except Exception:
            if not attempts:
                raise
            continue  # these values do not fit together; a trial with them would fail, too
        used = [one for one in hyperparameters.space if hyperparameters.is_active(one)]
        values = {one.name: hyperparameters.values[one.name] for one in used}
        attempts.append(values)
        for one in used:
            if one.name not in parameters:
                parameters[one.name] = one
                waiting += [{**values, one.name: value} for value in _others(one) if one.name not in known]
            elif one.get_config() != parameters[one.name].get_config():
                differing.add(one.name)
    fixed = set(parameters) - {one.name for one in given.space} if closed and given else set()
    found = []
    for name, one in parameters.items():
        kind = "Fixed" if name in fixed else type(one).__name__
        condition, lines = _condition(one, attempts, [] if waiting else list(parameters.values()))
        if waiting:
            lines.append("more values may use hyperparameters that were not found: there are very many values")
        if name in differing:
            lines.append(f"{name} is used with other values, too; as in KerasTuner, the first ones count")
        found.append(Found(name, kind, one, condition, tuple(lines)))
    return found


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
    found = [low]  # not rounded, because it may be the default, whose conditions are found by comparing values
    while True:
        following = low * step ** len(found) if parameter.sampling == "log" else low + len(found) * step
        if following > high + 1e-12 * abs(high):
            return found
        found.append(following if kind == "Int" else float(f"{following:.12g}"))


def _others(parameter: Parameter) -> list[Any]:
    values = values_of(parameter)
    if type(parameter).__name__ in ("Int", "Float") and not 0 < len(values) <= MOST_VALUES:
        values = [parameter.min_value, parameter.max_value]
    return [value for value in values if value != parameter.default]


def _condition(
    parameter: Parameter, attempts: list[Attempt], everything: list[Parameter]
) -> tuple[tuple[str, tuple[Any, ...]] | None, list[str]]:
    """Returns the condition of a hyperparameter, and a line if it has one that cannot be expressed.

    Args:
        everything: hyperparameters in the order in which they are used; empty if not all of their values were tried.
    """
    name = parameter.name
    present = [one for one in attempts if name in one]
    absent = [one for one in attempts if name not in one]
    if not absent:
        return None, []
    declared = list({one.name: tuple(one.values) for one in parameter.conditions}.items())
    parents = list(takewhile(lambda one: one.name != name, everything))
    if declared:
        parents.sort(key=lambda one: one.name != declared[-1][0])  # the one that the script declares comes first
    for parent in parents:
        allowed = {one.get(parent.name) for one in present}
        other = {one[parent.name] for one in absent if parent.name in one}
        always = all(parent.name in one for one in present)
        if always and not allowed & other and 0 < len(values_of(parent)) <= MOST_VALUES:
            return (parent.name, tuple(value for value in values_of(parent) if value in allowed)), []
    if declared:
        return declared[-1], []
    return None, [f"{name} is used in some models only, and no listed hyperparameter decides in which; it is searched in all"]
