"""Checks that a sweep can start: some trial has every key, every trial reports the objective, and exclusions leave some trial."""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from src.config.metrics import reported
from src.config.overrides import Assignment
from src.config.paths import TRIAL_KEYS, nested
from src.config.request import Request
from src.space.axes import text_of

if TYPE_CHECKING:
    from src.space import Point, Space

EPOCHS, PHASES = "training.epochs", "training.phases"
MOST_COMPARED = 10_000  # points; a larger space is not listed again for each rule
SCORED = ("objective", "data", "data.task", "training", "training.loss", "training.metrics")
"""The keys that decide which objective a trial needs and which metrics it reports."""


def absent(space: "Space", request: Request) -> Iterator[Assignment]:
    """Yields assignments whose key no trial has; for an assignment of an explicit trial, only that trial counts."""
    parts = [replace(space, trials=(trial,)) for trial in space.trials] or [space]
    keys_of_parts = [{key for point in _points(part) for key in point} for part in parts]
    all_keys = set[str]().union(*keys_of_parts)
    expected = [(item, all_keys) for item in [*request.assignments, *(item for _, item in request.when)]]
    expected += [(item, keys) for trial, keys in zip(space.trials, keys_of_parts, strict=False) for item in trial]
    yield from (item for item, keys in expected if item.group in TRIAL_KEYS and keys and item.key not in keys)


def mistakes(space: "Space", missing: Iterable[Assignment], request: Request) -> Iterator[str]:
    """Yields the reasons why the sweep cannot start.

    Args:
        missing: assignments whose key no trial has.
    """
    if space.exclude and space.size == 0:
        yield "exclude: it leaves no trial; expected rules that leave some."
    yield from (*idle(space, request), *late_phases(space, request))
    for item in missing:
        yield f"{item.origin}: no trial of this sweep has {item.key}; expected an option that has it, or leave it out."
    seen = set()
    crossed = len([axis for axis in space.axes if axis.key in SCORED]) > 1
    for point in _points(space, crossed=crossed):
        values = space.leaves(point)
        parts = {group: nested(values, group) for group in ("data", "training", "model", "trial")}
        objective, names = reported({"objective": str(values["objective"]), **parts})
        if not names or (objective, *names) in seen:
            continue
        seen.add((objective, *names))
        if objective.rpartition(":")[2].removeprefix("val_") not in names:
            words = " ".join(f"{key}={text}" for key, text in point.items())
            yield f"objective={objective}: a trial does not report it ({words}); its metrics are {', '.join(names)}"


def idle(space: "Space", request: Request) -> Iterator[str]:
    """Yields rules of `exclude` that match no trial, unless the command line sets a group that they mention."""
    own = {one.group for one in request.assignments if not one.origin.startswith("sweeps/")}
    everything = replace(space, exclude=())
    for rule in space.exclude:
        one = replace(space, exclude=(rule,))
        few = everything.raw_size <= MOST_COMPARED
        matches = len(one.listed) < len(everything.listed) if few else all(_may_be(item, everything) for item in rule)
        if not matches and own.isdisjoint(item.group for item in rule):
            place = rule[0].origin.partition("exclude: ")[0] + "exclude: "
            words = " and ".join(item.origin.removeprefix(place) for item in rule)
            yield f"{place}{words}: no trial of this sweep has it; expected what some have, or no such rule."


def _may_be(item: Assignment, space: "Space") -> bool:
    """True if some trial may have one of the values of a rule's assignment."""
    axes = [axis for axis in space.axes if axis.key == item.key]
    if not axes and item.key in space.catalog.groups:
        own = [other.values[0] for other in (*space.fixed, *itertools.chain(*space.trials)) if other.key == item.key]
        return any(option in item.values for option in (*own, space.catalog.defaults[item.key]))
    if not axes:
        return any(space.leaves(point).get(item.key) in item.values for point in space.samples())
    return any(text_of(axis, value) is not None for axis in axes for value in item.values)


def late_phases(space: "Space", request: Request) -> Iterator[str]:
    """Yields phases of a training that start after its last epoch."""
    most = request.of_oracle("oracle.max_epochs")
    keys = [axis.key for axis in space.axes if axis.key == EPOCHS or axis.key.startswith(PHASES)]
    seen = set()
    for point in _points(space, crossed=len(keys) > 1):
        values = space.leaves(point)
        epochs = most or values.get(EPOCHS)
        for key, start in values.items():
            if not key.startswith(f"{PHASES}.") or not key.endswith(".start"):
                continue
            if type(start) is int and type(epochs) is int and start > epochs and (key, start, epochs) not in seen:
                seen.add((key, start, epochs))
                name = "oracle.max_epochs" if most else EPOCHS
                yield f"{key}={start}: the phase would never begin, because {name} is {epochs}; expected at most that, or no such phase."


def _points(space: "Space", *, crossed: bool = False) -> Iterable["Point"]:
    """Returns all points if there are exclusions or if combinations of axes matter (`crossed`); otherwise a sample.

    If there are too many to list, it returns none if there are exclusions, otherwise a sample.
    """
    if not space.exclude and not crossed:
        return space.samples()
    if space.size is not None:
        return space.listed.values()
    return () if space.exclude else space.samples()
