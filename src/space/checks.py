"""What a sweep asks for in vain: keys that no trial of it has, and an objective that a trial does not report."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from src.config.metrics import reported_name
from src.config.overrides import Assignment
from src.config.paths import TRIAL_KEYS
from src.config.request import Request

if TYPE_CHECKING:
    from src.space import Point, Space

SCORED = ("objective", "training", "training.metrics")  # the keys that decide which metric must be there


def absent(space: "Space", request: Request) -> Iterator[Assignment]:
    """Assignments whose key no trial has; those of an explicit trial where this trial has not."""
    parts = [replace(space, trials=(trial,)) for trial in space.trials] or [space]
    held = [{key.lstrip("+") for point in _points(part) for key in point} for part in parts]
    general = [*request.assignments, *(one for _, one in request.when)]
    wanted = [(one, set[str]().union(*held)) for one in general]
    wanted += [(one, keys) for trial, keys in zip(space.trials, held, strict=False) for one in trial]
    yield from (one for one, keys in wanted if one.group in TRIAL_KEYS and keys and one.key not in keys)


def mistakes(space: "Space", missing: Iterable[Assignment]) -> Iterator[str]:
    """Why the sweep can not start."""
    if space.exclude and space.size == 0:
        yield "exclude: it leaves no trial; expected rules that leave some."
    for one in missing:
        yield f"{one.origin}: no trial of this sweep has {one.key}; expected an option that has it, or leave it out."
    seen = set()
    for point in _points(space, crossed=sum(axis.key in SCORED for axis in space.axes) > 1):
        found = space.leaves(point)
        objective, metrics = str(found["objective"]), found.get("training.metrics")
        if metrics is None or (objective, str(metrics)) in seen:  # an engine without metrics of Keras
            continue
        seen.add((objective, str(metrics)))
        names = ["loss", *map(reported_name, metrics)]
        if objective.rpartition(":")[2].removeprefix("val_") not in names:
            words = " ".join(f"{key}={text}" for key, text in point.items())
            yield f"objective={objective}: a trial does not report it ({words}); its metrics are {', '.join(names)}"


def _points(space: "Space", *, crossed: bool = False) -> Iterable["Point"]:
    """Points that hold every word of every axis; all of them where only together they tell, none where those are too many."""
    if not space.exclude and not (crossed and space.size is not None):
        return space.samples()
    return space.listed.values() if space.size is not None else ()
