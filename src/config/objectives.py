"""Two objectives, `objective=[val_accuracy,min:model/parameters]`: trials have the first one, the sweep remembers the second."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from src.config.limits import KNOWN
from src.config.overrides import as_text
from src.errors import ConfigError, did_you_mean
from src.objective import Objective

if TYPE_CHECKING:
    from src.config.request import Request

KEY = "objective"
TAKING = ("src.oracles.grid.Grid", "src.oracles.random.Random", "src.oracles.bayesian.Bayesian")
STOPS = ("stop.target", "stop.patience", "stop.trial")  # rules that go by one score
SECONDS = ("seconds", "seconds_per_epoch")  # logged of every trial


def split(request: "Request") -> None:
    """Leaves the first of two objectives as that of the trials, which Hydra composes, and keeps the second."""
    for place, one in enumerate(request.assignments):
        if one.key == KEY and not one.swept and _are_two(one.values[0]):
            first, request.second = one.values[0]
            request.assignments[place] = replace(one, texts=(as_text(first),), values=(first,))
            request.plain[one.origin] = f"{KEY}={as_text(first)}"


def _are_two(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(isinstance(one, str) for one in value)


def mistakes(request: "Request", options: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Finds lists that are no two objectives, and what goes by a single one."""
    everything = [*request.everything, *(one for point in request.first for one in point)]
    for one in (one for one in everything if one.key == KEY and any(isinstance(value, list) for value in one.values)):
        yield f"{one.origin}: expected one objective, or two for all trials: '{KEY}=[val_accuracy,min:model/parameters]'."
    if isinstance(request.catalog.top[KEY], list):
        yield f"conf/config.yaml: {KEY}: two objectives belong to a sweep; expected them on the command line, or in a file of sweeps/."
    if not request.second:
        return
    given = {one.key: one for one in request.assignments}
    origin, [first] = given[KEY].origin, given[KEY].values
    if (times := sum(one.key == KEY for one in request.assignments)) > 1:
        yield f"{KEY} is given {times} times; expected it once: '{KEY}=[val_accuracy,min:model/parameters]'"
    if not request.multirun:
        yield f"{origin}: two objectives order the trials of a sweep; expected -m in front, or one objective."
    if first.rpartition(":")[2] == request.second.rpartition(":")[2]:
        yield f"{origin}: the same metric twice; expected two."
    [oracle] = options["oracle"]
    if request.catalog.readable("oracle").get(oracle, {}).get("oracle._target_") not in TAKING:
        yield f"{origin}: oracle={oracle} goes by one objective; expected {KEY}={first}, or oracle=grid, random or bayesian."
    for key in STOPS:
        value = given[key].values[0] if key in given and given[key].values else request.catalog.top.get(key)
        if value is not None:
            yield f"{key}={value}: it goes by one objective, of which {origin} names two; expected {key}=null, or {KEY}={first}."
    if request.reported:
        yield f"{origin}: reported figures are compared by one objective; expected {KEY}={first}."


def unreported(request: "Request", known: Mapping[str, Sequence[str]], *, function: bool) -> Iterator[str]:
    """Finds a second objective that no trial reports, or whose direction is not known.

    Args:
        known: objective → what trials report that have it; nothing if only a step of the model can tell.
        function: trials are functions, of which nothing is known before they return.
    """
    origin, name = next(one.origin for one in request.assignments if one.key == KEY), request.second.rpartition(":")[2]
    if function and name in KNOWN:
        yield f"{origin}: no model is built, so there is no {name!r}; expected what the function returns, or {' or '.join(SECONDS)}."
    for names in () if function else known.values():
        possible = [*dict.fromkeys(names), *KNOWN, *SECONDS]
        if names and name not in possible:
            yield f"{origin}: no metric {name!r} is reported{did_you_mean(name, possible)} Metrics: {', '.join(possible)}"
            return
    try:
        Objective.parse(request.second)
    except ConfigError as error:
        yield from error.mistakes
