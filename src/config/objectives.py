"""Mistakes of two objectives, `objective=[val_accuracy,min:model/parameters]`. Trials have the first one, the sweep keeps the second."""

from collections.abc import Iterator, Mapping, Sequence

from src.config.limits import KNOWN
from src.config.paths import Options
from src.config.request import Request
from src.errors import ConfigError, did_you_mean
from src.objective import Objective

KEY = "objective"
TAKING = ("src.oracles.grid.Grid", "src.oracles.random.Random", "src.oracles.bayesian.Bayesian")
STOPS = ("stop.target", "stop.patience", "stop.trial")  # rules that need a single score
SECONDS = ("seconds", "seconds_per_epoch")  # logged for every trial


def mistakes(request: Request, options: Options) -> Iterator[str]:
    """Yields lists that are not two objectives, and settings that work with a single objective only."""
    for one in (*request.everything, *(one for point in request.first for one in point)):
        if one.key == KEY and any(isinstance(value, list) for value in one.values):
            yield f"{one.origin}: expected one objective, or two for all trials: '{KEY}=[val_accuracy,min:model/parameters]'."
    if isinstance(request.catalog.top[KEY], list):
        yield f"conf/config.yaml: {KEY}: two objectives belong to a sweep; expected them on the command line, or in a file of sweeps/."
    if not request.second:
        return
    given = [one for one in request.assignments if one.key == KEY]
    origin, first = given[-1].origin, given[-1].values[0]
    if len(given) > 1:
        yield f"{KEY} is given {len(given)} times; expected it once: '{KEY}=[val_accuracy,min:model/parameters]'"
    if not request.multirun:
        yield f"{origin}: two objectives order the trials of a sweep; expected -m in front, or one objective."
    if first.rpartition(":")[2] == request.second.rpartition(":")[2]:
        yield f"{origin}: the same metric twice; expected two."
    [oracle] = options["oracle"]
    if request.catalog.readable("oracle").get(oracle, {}).get("oracle._target_") not in TAKING:
        yield f"{origin}: oracle={oracle} goes by one objective; expected {KEY}={first}, or oracle=grid, random or bayesian."
    for key in STOPS:
        value = request.setting(key, request.catalog.top.get(key))
        if value is not None:
            yield f"{key}={value}: it goes by one objective, of which {origin} names two; expected {key}=null, or {KEY}={first}."
    if request.reported:
        yield f"{origin}: reported figures are compared by one objective; expected {KEY}={first}."


def unreported(request: Request, known: Mapping[str, Sequence[str]], *, function: bool) -> Iterator[str]:
    """Yields the mistake if no trial reports the second objective, or if its direction is not known.

    Args:
        known: first objective → names that its trials report; empty if only a step of the model can tell them.
        function: True if trials are functions, of which nothing is known before they return.
    """
    origin = next(one.origin for one in request.assignments if one.key == KEY)
    name = request.second.rpartition(":")[2]
    if function and name in KNOWN:
        yield f"{origin}: no model is built, so there is no {name!r}; expected what the function returns, or {' or '.join(SECONDS)}."
    for names in known.values():
        possible = [*dict.fromkeys(names), *KNOWN, *SECONDS]
        if names and name not in possible and not function:
            yield f"{origin}: no metric {name!r} is reported{did_you_mean(name, possible)} Metrics: {', '.join(possible)}"
            return
    try:
        Objective.parse(request.second)
    except ConfigError as error:
        yield from error.mistakes
