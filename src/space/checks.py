"""Checks that a sweep can start: every key is in some trial, every trial reports the objective, and some trial is left."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from src.config.metrics import reported
from src.config.overrides import Assignment
from src.config.paths import TRIAL_KEYS, nested
from src.config.request import Request

if TYPE_CHECKING:
    from src.space import Point, Space

SCORED = ("objective", "data", "data.task", "training", "training.loss", "training.metrics")
"""The keys that decide which metrics are required and reported."""


def absent(space: "Space", request: Request) -> Iterator[Assignment]:
    """Yields assignments whose key no trial has; for an assignment of an explicit trial, only that trial counts."""
    parts = [replace(space, trials=(trial,)) for trial in space.trials] or [space]
    keys_of_parts = [{key.lstrip("+") for point in _points(part) for key in point} for part in parts]
    all_keys = set[str]().union(*keys_of_parts)
    wanted = [(item, all_keys) for item in [*request.assignments, *(item for _, item in request.when)]]
    wanted += [(item, keys) for trial, keys in zip(space.trials, keys_of_parts, strict=False) for item in trial]
    yield from (item for item, keys in wanted if item.group in TRIAL_KEYS and keys and item.key not in keys)


def mistakes(space: "Space", missing: Iterable[Assignment]) -> Iterator[str]:
    """Yields the reasons why the sweep cannot start.

    Args:
        missing: assignments whose key no trial has.
    """
    if space.exclude and space.size == 0:
        yield "exclude: it leaves no trial; expected rules that leave some."
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


def _points(space: "Space", *, crossed: bool = False) -> Iterable["Point"]:
    """Returns the points to check: a sample, or all points if there are exclusions.

    Empty if there are exclusions and too many points to list.

    Args:
        crossed: combinations of axes matter, so all points are needed; still a sample if there are too many to list.
    """
    if space.exclude or crossed:
        if space.size is not None:
            return space.listed.values()
        if space.exclude:
            return ()
    return space.samples()
