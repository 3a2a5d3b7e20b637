"""What a sweep goes through: axes, explicit trials, and the rule that trials equal in their active keys are one trial."""

import hashlib
import itertools
import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

from src.config.catalog import Catalog
from src.config.overrides import Assignment, Interval
from src.config.paths import TRIAL_GROUPS, TRIAL_KEYS, active_leaves, fraction, leaves
from src.config.request import Request
from src.errors import ConfigError
from src.space import checks
from src.space.axes import Axis, Choice, axes_of
from src.space.values import canonical

__all__ = ["Axis", "Choice", "Interval", "Point", "Space", "active_hash", "overrides"]
Point = dict[str, str]  # {"optimizer": "sgd", "model.units": "64"}: what Hydra is told, in words
MOST_LISTED = 100_000  # points; a larger space is not listed


@dataclass(frozen=True)
class Space:
    """The axes of a sweep, its fixed assignments and explicit trials, and what is left out.

    Attributes:
        absent: keys of the sweep's file that belong to options which the command line left out.
    """

    axes: tuple[Axis, ...]
    fixed: tuple[Assignment, ...]
    trials: tuple[tuple[Assignment, ...], ...]
    exclude: tuple[tuple[Assignment, ...], ...]
    catalog: Catalog
    absent: tuple[str, ...] = ()

    @classmethod
    def of(cls, request: Request) -> "Space":
        """The space of a request, without assignments that concern the sweep instead of its trials.

        Raises:
            ConfigError: no trial has a key of the request, or a trial does not report the objective.
        """
        fixed = tuple(one for one in request.assignments if one.group in TRIAL_KEYS and not one.swept)
        trials, exclude = tuple(map(tuple, request.trials)), tuple(map(tuple, request.exclude))
        space = cls(axes_of(request), fixed, trials, exclude, request.catalog)
        missing = list(checks.absent(space, request))
        left_out = {one.key for one in missing if request.chooses and one.origin.startswith("sweeps/")}
        if mistakes := list(checks.mistakes(space, [one for one in missing if one.key not in left_out])):
            raise ConfigError(mistakes)
        return replace(space, absent=tuple(sorted(left_out))) if left_out else space

    @property
    def written(self) -> float:
        """The number of points as written, before trials that are equal become one; infinite with an interval of fractions."""
        return math.prod(axis.length for axis in self.axes) * (len(self.trials) or 1)

    @cached_property
    def size(self) -> int | None:
        """The number of distinct points; None when there are too many to list."""
        return len(self.listed) if self.written <= MOST_LISTED else None

    def points(self) -> Iterator[Point]:
        """Every distinct trial, in the order of Hydra's own product: the last axis varies fastest.

        A point holds the active keys alone, so pasting it behind `python -m src.sweep` repeats the trial.

        Raises:
            ConfigError: there are too many to list.
        """
        if self.size is None:
            keys = " ".join(dict.fromkeys(axis.key for axis in self.axes))
            raise ConfigError([f"{keys}: the space has {self.written:,.0f} points; expected at most {MOST_LISTED:,}, or oracle=random."])
        return iter(self.listed.values())

    @cached_property
    def listed(self) -> dict[str, Point]:
        """Every distinct trial by its identity."""
        points: dict[str, Point] = {}
        for trial in self.trials or ((),):
            for values in _product(self._free(trial), {}):
                if (point := self.point(values, trial)) is not None:
                    points.setdefault(self.identity(point), point)
        return points

    def samples(self) -> Iterator[Point]:
        """Points that hold every word of every axis, the smallest and the largest of its numbers, and every explicit trial."""
        wanted: list[dict[str, str]] = [{}]
        for axis in self.axes:
            wanted += [self._parents(axis) | {axis.key: text} for text in axis.edges]
        seen = []
        for trial, wish in itertools.product(self.trials or ((),), wanted):
            values: dict[str, str] = {}
            for axis in self._free(trial):
                if axis.exists(values):
                    values[axis.key] = wish.get(axis.key, axis.edges[0])
            if (point := self.point(values, trial)) is not None and point not in seen:
                seen.append(point)
                yield point

    def _parents(self, axis: Axis) -> dict[str, str]:
        """Texts of other axes with which an axis exists."""
        found: dict[str, str] = {}
        for key, texts in axis.conditions:
            for parent in (parent for parent in self.axes if parent.key == key):
                found = self._parents(parent) | found
            found[key] = texts[0]
        return found

    def _free(self, trial: tuple[Assignment, ...]) -> tuple[Axis, ...]:
        """The axes of an explicit trial: what it sets itself is not varied."""
        own = {one.key for one in trial}
        return tuple(axis for axis in self.axes if axis.key not in own)

    def point(self, values: dict[str, str], trial: tuple[Assignment, ...] = ()) -> Point | None:
        """The override texts of the active keys; None when the trial is excluded.

        Args:
            values: key of an axis → its text, for the axes that exist; also other keys, such as the epochs of a rung.
            trial: the explicit trial, where there are some.
        """
        prefixes = {one.key: one.prefix for one in (*trial, *self.fixed)} | {axis.key: axis.prefix for axis in self.axes}
        texts = {one.key: one.texts[0] for one in (*self.fixed, *trial)} | values
        choices = self._choices(texts)
        resting = self.catalog.inactive(choices["model"])
        used = {
            f"{prefixes.get(key, '')}{key}": text
            for key, text in texts.items()
            if self.catalog.has(choices, key) or (prefixes.get(key) and key.partition(".")[0] not in resting)
        }
        active = {**self.leaves(used), **{group: option for group, option in choices.items() if group not in resting}}
        excluded = any(all(rule.key in active and active[rule.key] in rule.values for rule in rules) for rules in self.exclude)
        return None if excluded else used

    def identity(self, point: Point) -> str:
        """Equal for points that are the same trial."""
        return json.dumps({key: _ordered(value) for key, value in self.leaves(point).items()}, sort_keys=True, default=str)

    def _choices(self, texts: dict[str, str]) -> dict[str, str]:
        return {**self.catalog.defaults, **{key: self._value(key, text) for key, text in texts.items() if key in self.catalog.groups}}

    def leaves(self, point: Point) -> dict[str, Any]:
        """The whole active configuration of a point."""
        texts = {key.lstrip("+"): text for key, text in point.items()}
        choices = self._choices(texts)
        resting = self.catalog.inactive(choices["model"])
        found = {"seed": self.catalog.top["seed"], "objective": self.catalog.top["objective"]}
        for group in TRIAL_GROUPS:
            if group not in resting:
                found |= self.catalog.keys(group, choices[group])
        for key, text in texts.items():
            if key not in self.catalog.groups:
                given = leaves(self._value(key, text), key)
                if key not in given:
                    found.pop(key, None)  # nothing, which becomes a mapping
                found |= {path: fraction(value, found.get(path)) for path, value in given.items()}
        return found

    def _value(self, key: str, text: str) -> Any:
        known = self._values.get((key, text))
        return known if known is not None or (key, text) in self._values else float(text) if set(text) & set(".e") else int(text)

    @cached_property
    def _values(self) -> dict[tuple[str, str], Any]:
        """The parsed values of all texts that are listed; those of an interval are numbers."""
        assigned = [*self.fixed, *(one for trial in self.trials for one in trial)]
        listed = [(one.key, one.texts, one.values) for one in assigned]
        listed += [(axis.key, axis.domain.texts, axis.domain.values) for axis in self.axes if isinstance(axis.domain, Choice)]
        return {(key, text): value for key, texts, values in listed for text, value in zip(texts, values, strict=True)}

    @cached_property
    def swept(self) -> list[str]:
        """The keys that vary between trials, in the order in which they were written."""
        keys = dict.fromkeys(axis.key for axis in self.axes if axis.length > 1)
        for key in dict.fromkeys(one.key for trial in self.trials for one in trial):
            if len({next((repr(one.values[0]) for one in trial if one.key == key), None) for trial in self.trials}) > 1:
                keys[key] = None
        return list(keys)

    def described(self) -> dict[str, Any]:
        """Axes, fixed assignments, explicit trials and exclusions, as JSON; alike however the space was written."""
        axes = [
            [axis.key, asdict(axis.domain) if isinstance(axis.domain, Interval) else axis.domain.values, axis.conditions]
            for axis in self.axes
        ]
        groups = {name: [[[one.key, *one.values] for one in group] for group in getattr(self, name)] for name in ("trials", "exclude")}
        return {"axes": axes, "fixed": [[one.key, *one.values] for one in self.fixed], **groups}

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the space, however it was written."""
        return hashlib.sha256(json.dumps(self.described(), default=str).encode()).hexdigest()


def _product(axes: tuple[Axis, ...], chosen: dict[str, str]) -> Iterator[dict[str, str]]:
    """Every combination; an axis that does not exist is not varied."""
    if not axes:
        yield chosen
        return
    for text in axes[0].texts if axes[0].exists(chosen) else (None,):
        yield from _product(axes[1:], chosen if text is None else {**chosen, axes[0].key: text})


def _ordered(value: Any) -> Any:
    """A value with its mappings as sorted pairs, because JSON sorts no keys of several types."""
    if isinstance(value, dict):
        return sorted([repr(key), _ordered(item)] for key, item in value.items())
    return [_ordered(item) for item in value] if isinstance(value, list) else value


def overrides(point: Point) -> list[str]:
    """The overrides that compose a trial.

    >>> overrides({"optimizer": "sgd", "model.units": "64"})
    ['optimizer=sgd', 'model.units=64']
    """
    return [f"{key}={text}" for key, text in point.items()]


def active_hash(config: dict[str, Any], *, seed: bool = True) -> str:
    """SHA-256 of the values of a trial's active leaves; without the seed it names the configuration that seeds repeat."""
    named = {key: value for key, value in active_leaves(config).items() if seed or key != "seed"}
    return hashlib.sha256(canonical(named).encode()).hexdigest()
