"""Axes: the keys that vary in a sweep, each with its values and the conditions under which it exists."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from src.config.catalog import Catalog
from src.config.conditions import meant, possible
from src.config.overrides import Assignment, Interval, as_text
from src.config.paths import TRIAL_GROUPS, TRIAL_KEYS, is_within
from src.config.request import Request
from src.space.values import canonical, is_number

NEAR = 1e-9  # largest relative difference that counts as rounding
Conditions = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class Choice:
    """Listed values.

    Attributes:
        texts: the values in Hydra's grammar.
        values: the same values, parsed.
    """

    texts: tuple[str, ...]
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Axis:
    """A key that varies.

    Attributes:
        key: config path; a key may have several axes, whose conditions exclude each other.
        conditions: (key of another axis, its allowed texts); the axis exists in a trial if all of them hold.
        prefix: as in Assignment.
    """

    key: str
    domain: Choice | Interval
    conditions: Conditions = ()
    prefix: str = ""

    @property
    def length(self) -> float:
        """The number of values; infinite for an interval of floats."""
        if isinstance(self.domain, Choice):
            return len(self.domain.texts)
        if self.domain.integer:
            return self.domain.high - self.domain.low + 1
        return math.inf

    @property
    def texts(self) -> tuple[str, ...]:
        """All values of a finite axis, as texts."""
        if isinstance(self.domain, Choice):
            return self.domain.texts
        return tuple(str(value) for value in range(int(self.domain.low), int(self.domain.high) + 1))

    @property
    def edges(self) -> tuple[str, ...]:
        """The smallest and the largest value if all are numbers, else all values, as texts."""
        if isinstance(self.domain, Interval):
            return str(self.domain.low), str(self.domain.high)
        numbers = [value for value in self.domain.values if is_number(value)]
        if len(numbers) < len(self.domain.values):
            return self.domain.texts
        return tuple(dict.fromkeys(self.domain.texts[numbers.index(end)] for end in (min(numbers), max(numbers))))

    def exists(self, chosen: dict[str, str]) -> bool:
        """True if the axis exists in a trial with these texts, key → text."""
        return all(chosen.get(key) in texts for key, texts in self.conditions)


def axes_of(request: Request) -> tuple[Axis, ...]:
    """Returns the axes of a request with their conditions; an axis comes after those that its conditions name."""
    catalog = request.catalog
    assignments = [item for item in request.assignments if item.group in TRIAL_KEYS]
    options: dict[str, tuple[str, ...]] = {group: (option,) for group, option in catalog.defaults.items()}
    options |= {item.key: item.values for item in assignments if item.key in catalog.groups}
    values: dict[str, dict[str, Any]] = {group: {as_text(name): name for name in names} for group, names in options.items()}
    values |= {condition.key: possible(condition.key, request, options) for condition, _ in request.when if condition.key not in values}
    texts = {key: tuple(known) for key, known in values.items()}
    axes = []
    for item in assignments:
        if item.swept:
            conditions = () if request.trials else _of_activity(item, options, catalog)
            for condition, conditional in request.when:
                if conditional.key == item.key:  # this axis is for the values that `when` does not name
                    named = meant(condition, values[condition.key])
                    conditions += ((condition.key, tuple(text for text in texts[condition.key] if text not in named)),)
            axes.append(_axis(item, conditions))
    for condition, item in request.when:
        conditions = () if request.trials else _of_activity(item, options, catalog)
        axes.append(_axis(item, (*conditions, (condition.key, meant(condition, values[condition.key])))))
    return tuple(_parents_first(_simplified(axes, texts)))


def _axis(assignment: Assignment, conditions: Conditions) -> Axis:
    domain = assignment.interval or Choice(assignment.texts, assignment.values)
    return Axis(assignment.key, domain, conditions, assignment.prefix)


def _of_activity(assignment: Assignment, options: dict[str, tuple[str, ...]], catalog: Catalog) -> Conditions:
    """Returns the conditions under which a key is active: models that use its group, and options of the group that have the key."""
    conditions: Conditions = ()
    key, group = assignment.key, assignment.group
    if group in TRIAL_GROUPS and group not in ("model", "trial"):
        [trial] = options["trial"]
        conditions += (("model", tuple(as_text(model) for model in options["model"] if group not in catalog.inactive(model, trial))),)
    if group in options and key != group and not assignment.prefix:
        having = [option for option in options[group] if any(is_within(path, key) for path in catalog.keys(group, option))]
        conditions += ((group, tuple(map(as_text, having))),)
    return conditions


def _simplified(axes: list[Axis], options: dict[str, tuple[str, ...]]) -> Iterator[Axis]:
    """Drops conditions that always hold and axes that can never be active."""
    for axis in axes:
        allowed = dict(options)
        for key, texts in axis.conditions:
            allowed[key] = tuple(text for text in allowed[key] if text in texts)
        if all(allowed.values()):
            yield replace(axis, conditions=tuple((key, texts) for key, texts in allowed.items() if texts != options[key]))


def _parents_first(axes: Iterator[Axis]) -> Iterator[Axis]:
    waiting = list(axes)
    while waiting:
        keys = {axis.key for axis in waiting}
        following = next(axis for axis in waiting if keys.isdisjoint(key for key, _ in axis.conditions))
        waiting.remove(following)
        yield following


def text_of(axis: Axis, value: Any) -> str | None:
    """Returns the text that an axis has for a value; None if the value is not on the axis.

    >>> axis = Axis("optimizer.rate", Choice(("0.10", "1e-3", "null"), (0.1, 0.001, None)))
    >>> [text_of(axis, value) for value in (0.1, 0.30000000000000004 - 0.2, 0.001, None, True, "0.1")]
    ['0.10', '0.10', '1e-3', 'null', None, None]
    """
    domain = axis.domain
    if isinstance(domain, Choice):
        pairs = list(zip(domain.texts, domain.values, strict=True))
        exact = [text for text, own in pairs if canonical(own) == canonical(value)]
        found = exact or [text for text, own in pairs if same(own, value)]
        return found[0] if found else None
    if not _is_finite(value):
        return None
    inside = min(max(value, domain.low), domain.high)
    if not same(inside, value) or (domain.integer and inside != int(inside)):
        return None
    return str(int(inside)) if domain.integer else repr(float(inside))


def same(one: Any, other: Any) -> bool:
    """True for equal values, and for numbers that differ by rounding alone."""
    if _is_finite(one) and _is_finite(other):
        return math.isclose(one, other, rel_tol=NEAR)
    return canonical(one) == canonical(other)


def _is_finite(value: Any) -> bool:
    return is_number(value) and math.isfinite(value)
