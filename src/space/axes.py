"""Axes: what varies in a sweep, and for which trials."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from src.config.catalog import Catalog
from src.config.overrides import Assignment, Interval, as_text
from src.config.paths import TRIAL_GROUPS, TRIAL_KEYS
from src.config.request import Request

Conditions = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class Choice:
    """Listed values, as the texts of overrides and parsed."""

    texts: tuple[str, ...]
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Axis:
    """A key that varies.

    Attributes:
        key: its config path; one key may have several axes whose conditions exclude each other.
        conditions: (key of another axis, its texts): all must hold, else the axis does not exist in a trial.
    """

    key: str
    domain: Choice | Interval
    conditions: Conditions = ()
    prefix: str = ""

    @property
    def length(self) -> float:
        """The number of its values."""
        if isinstance(self.domain, Choice):
            return len(self.domain.texts)
        return self.domain.high - self.domain.low + 1 if self.domain.integer else math.inf

    @property
    def texts(self) -> tuple[str, ...]:
        """All values of a finite axis, as texts."""
        if isinstance(self.domain, Choice):
            return self.domain.texts
        return tuple(str(value) for value in range(int(self.domain.low), int(self.domain.high) + 1))

    @property
    def edges(self) -> tuple[str, ...]:
        """Every word, but of numbers the smallest and the largest alone."""
        if isinstance(self.domain, Interval):
            return str(self.domain.low), str(self.domain.high)
        numbers = [value for value in self.domain.values if isinstance(value, int | float) and not isinstance(value, bool)]
        if len(numbers) < len(self.domain.values):
            return self.domain.texts
        return tuple(dict.fromkeys(self.domain.texts[numbers.index(end)] for end in (min(numbers), max(numbers))))

    def exists(self, chosen: dict[str, str]) -> bool:
        """Whether a trial with these texts by key has the axis."""
        return all(chosen.get(key) in texts for key, texts in self.conditions)


def axes_of(request: Request) -> tuple[Axis, ...]:
    """The axes of a request with their conditions; an axis comes after those that its conditions name."""
    catalog = request.catalog
    own = [one for one in request.assignments if one.group in TRIAL_KEYS]
    options: dict[str, tuple[str, ...]] = {group: (option,) for group, option in catalog.defaults.items()}
    options |= {one.key: one.values for one in own if one.key in catalog.groups}
    texts = {group: tuple(map(as_text, names)) for group, names in options.items()}
    axes = []
    for one in own:
        if one.swept:
            conditions = () if request.trials else _of_activity(one, options, catalog)
            others = [condition for condition, own_range in request.when if own_range.key == one.key]
            conditions += tuple((other.key, tuple(text for text in texts[other.key] if text not in other.texts)) for other in others)
            axes.append(_axis(one, conditions))
    for condition, one in request.when:
        conditions = () if request.trials else _of_activity(one, options, catalog)
        axes.append(_axis(one, (*conditions, (condition.key, condition.texts))))
    return tuple(_parents_first(_simplified(axes, texts)))


def _axis(one: Assignment, conditions: Conditions) -> Axis:
    return Axis(one.key, one.interval or Choice(one.texts, one.values), conditions, one.prefix)


def _of_activity(one: Assignment, options: dict[str, tuple[str, ...]], catalog: Catalog) -> Conditions:
    """The models that use the key's group, and the options of the group that have the key."""
    conditions: Conditions = ()
    if one.group in TRIAL_GROUPS and one.group != "model":
        conditions += (("model", tuple(as_text(model) for model in options["model"] if one.group not in catalog.inactive(model))),)
    if one.group in options and one.key != one.group and not one.prefix:
        having = [option for option in options[one.group] if any(_below(key, one.key) for key in catalog.keys(one.group, option))]
        conditions += ((one.group, tuple(map(as_text, having))),)
    return conditions


def _below(path: str, key: str) -> bool:
    return path == key or path.startswith(f"{key}.")


def _simplified(axes: list[Axis], options: dict[str, tuple[str, ...]]) -> Iterator[Axis]:
    """Drops conditions that always hold and axes that can never be active."""
    for axis in axes:
        allowed = dict(options)
        for key, texts in axis.conditions:
            allowed[key] = tuple(text for text in allowed[key] if text in texts)
        if all(allowed.values()):
            yield replace(axis, conditions=tuple((key, texts) for key, texts in allowed.items() if texts != options[key]))


def _parents_first(axes: Iterator[Axis]) -> Iterator[Axis]:
    waiting, seen = list(axes), set[str]()
    parents = {axis.key for axis in waiting}
    while waiting:
        free = next(axis for axis in waiting if all(key in seen or key not in parents for key, _ in axis.conditions))
        waiting.remove(free)
        seen.add(free.key)
        yield free
