"""The space of a sweep: its axes and explicit trials. Points with equal active keys are one trial."""

import hashlib
import itertools
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

from src.config import links
from src.config.catalog import Catalog
from src.config.overrides import Assignment, Interval, number
from src.config.paths import REPEATS, TRIAL_GROUPS, TRIAL_KEYS, active_leaves, fraction, leaves
from src.config.request import Request
from src.errors import ConfigError
from src.space import checks
from src.space.axes import Axis, Choice, axes_of
from src.space.first import completed
from src.space.point import Point, overrides
from src.space.values import canonical, ordered

__all__ = ["Axis", "Choice", "Interval", "Point", "Space", "active_hash", "overrides"]
MOST_LISTED = 100_000  # points; larger spaces are not listed


@dataclass(frozen=True)
class Space:
    """The axes, fixed assignments, explicit trials and exclusions of a sweep.

    Attributes:
        exclude: rules; a trial is excluded if it has one of the values of every assignment of a rule.
        absent: keys of the sweep file that no trial has, because the command line does not choose their options.
        first: known points, with a value for every axis; an axis need not list the value.
    """

    axes: tuple[Axis, ...]
    fixed: tuple[Assignment, ...]
    trials: tuple[tuple[Assignment, ...], ...]
    exclude: tuple[tuple[Assignment, ...], ...]
    catalog: Catalog
    absent: tuple[str, ...] = ()
    first: tuple[tuple[Assignment, ...], ...] = ()

    @classmethod
    def of(cls, request: Request) -> "Space":
        """Returns the space of a request.

        Raises:
            ConfigError: no trial has a key of the request, or a trial does not report the objective.
        """
        fixed = tuple(item for item in request.assignments if item.group in TRIAL_KEYS and not item.swept)
        trials, exclude = tuple(map(tuple, request.trials)), tuple(map(tuple, request.exclude))
        space = cls(axes_of(request), fixed, trials, exclude, request.catalog)
        first, mistakes = completed(replace(space, first=tuple(map(tuple, request.first))), request.first)
        space = replace(space, first=first)
        missing = list(checks.absent(space, request))
        left_out = {item.key for item in missing if request.chooses and item.origin.startswith("sweeps/")}
        mistakes += checks.mistakes(space, [item for item in missing if item.key not in left_out], request)
        if mistakes:
            raise ConfigError(mistakes)
        return replace(space, absent=tuple(sorted(left_out))) if left_out else space

    @property
    def raw_size(self) -> float:
        """The number of points, with equal points counted several times; infinite if an axis is an interval of floats."""
        return sum(math.prod(axis.length for axis in self._free(trial)) for trial in self.trials or ((),)) + len(self.first)

    @cached_property
    def size(self) -> int | None:
        """The number of distinct points; None if there are too many to list."""
        return len(self.listed) if self.raw_size <= MOST_LISTED else None

    @cached_property
    def first_points(self) -> list[Point]:
        """The known points that are not excluded."""
        return [point for point in map(self.point_of, self.first) if point is not None]

    def points(self) -> Iterator[Point]:
        """Returns an iterator over all distinct points: known points, then Hydra's product, in which the last axis varies fastest.

        A point has only active keys; its overrides after `python -m src.sweep` repeat the trial.

        Raises:
            ConfigError: there are too many points to list.
        """
        if self.size is None:
            keys = " ".join(dict.fromkeys(axis.key for axis in self.axes))
            raise ConfigError([f"{keys}: the space has {self.raw_size:,.0f} points; expected at most {MOST_LISTED:,}, or oracle=random."])
        return iter(self.listed.values())

    @cached_property
    def listed(self) -> dict[str, Point]:
        """All distinct points: identity → point."""
        points: dict[str, Point] = {self.identity(point): point for point in self.first_points}
        for trial in self.trials or ((),):
            for values in _product(self._free(trial), {}):
                point = self.point(values, trial)
                if point is not None:
                    points.setdefault(self.identity(point), point)
        return points

    def samples(self) -> Iterator[Point]:
        """Yields distinct points that together have every edge of every axis, for each explicit trial; then known points."""
        required: list[dict[str, str]] = [{}]
        for axis in self.axes:
            required += [self._parents(axis) | {axis.key: text} for text in axis.edges]
        seen = []
        for trial, texts in itertools.product(self.trials or ((),), required):
            values: dict[str, str] = {}
            for axis in self._free(trial):
                if axis.exists(values):
                    values[axis.key] = texts.get(axis.key, axis.edges[0])
            point = self.point(values, trial)
            if point is not None and point not in seen:
                seen.append(point)
                yield point
        yield from (point for point in self.first_points if point not in seen)

    def _parents(self, axis: Axis) -> dict[str, str]:
        """Returns key → text of other axes, with which an axis exists."""
        required: dict[str, str] = {}
        for key, texts in axis.conditions:
            for parent in self.axes:
                if parent.key == key:
                    required = self._parents(parent) | required
            required[key] = texts[0]
        return required

    def _free(self, trial: tuple[Assignment, ...]) -> tuple[Axis, ...]:
        set_keys = {item.key for item in trial}
        return tuple(axis for axis in self.axes if axis.key not in set_keys)

    def point(self, values: dict[str, str], trial: tuple[Assignment, ...] = ()) -> Point | None:
        """Returns the point with the active keys of a trial; None if the trial is excluded.

        Args:
            values: key → text, for the axes that exist, and for other keys, such as the epochs of a rung.
            trial: the explicit trial; empty without explicit trials.
        """
        prefixes = {item.key: item.prefix for item in (*trial, *self.fixed)} | {axis.key: axis.prefix for axis in self.axes}
        texts = {item.key: item.texts[0] for item in (*self.fixed, *trial)} | values
        choices = self._choices(texts)
        texts = links.followed(texts, choices, self.catalog)
        used = {key: text for key, text in texts.items() if self.catalog.has(choices, key, added=bool(prefixes.get(key)))}
        point = Point(used, prefixes)
        return None if self.exclude and self._is_excluded(point, choices) else point

    def point_of(self, known: Iterable[Assignment]) -> Point | None:
        """Returns the point that has the values of assignments; None if it is excluded."""
        return self.point({one.key: one.texts[0] for one in known})

    def _is_excluded(self, point: Point, choices: dict[str, str]) -> bool:
        inactive = self.catalog.inactive(choices["model"], choices["trial"])
        active = {**self.leaves(point), **{group: option for group, option in choices.items() if group not in inactive}}
        return any(all(item.key in active and active[item.key] in item.values for item in rule) for rule in self.exclude)

    def identity(self, point: Mapping[str, str]) -> str:
        """Returns a text that is equal for points that are the same trial."""
        return json.dumps({key: ordered(value) for key, value in self.leaves(point).items()}, sort_keys=True, default=str)

    def _choices(self, texts: Mapping[str, str]) -> dict[str, str]:
        return {**self.catalog.defaults, **{key: self._value(key, text) for key, text in texts.items() if key in self.catalog.groups}}

    def leaves(self, point: Mapping[str, str]) -> dict[str, Any]:
        """Returns the active configuration of a point: config path → value."""
        choices = self._choices(point)
        inactive = self.catalog.inactive(choices["model"], choices["trial"])
        values = {"seed": self.catalog.top["seed"], "objective": self.catalog.top["objective"]}
        for group in TRIAL_GROUPS:
            if group not in inactive:
                values |= self.catalog.keys(group, choices[group])
        for key, text in point.items():
            if key not in self.catalog.groups:
                assigned = leaves(self._value(key, text), key)
                if key not in assigned:
                    values.pop(key, None)  # a null or empty default, which a mapping replaces
                values |= {path: fraction(value, values.get(path)) for path, value in assigned.items()}
        return values

    def _value(self, key: str, text: str) -> Any:
        return self._values[key, text] if (key, text) in self._values else number(text)

    @cached_property
    def _values(self) -> dict[tuple[str, str], Any]:
        """(key, text) → parsed value, for all listed texts. Texts from an interval are numbers and not listed."""
        assignments = [*self.fixed, *(item for trial in (*self.trials, *self.first) for item in trial)]
        listed = [(item.key, item.texts, item.values) for item in assignments]
        listed += [(axis.key, axis.domain.texts, axis.domain.values) for axis in self.axes if isinstance(axis.domain, Choice)]
        found = {(key, text): value for key, texts, values in listed for text, value in zip(texts, values, strict=True)}
        return found | links.values(found, assignments, self.catalog)

    @cached_property
    def swept(self) -> list[str]:
        """The keys that vary between trials, in the order in which they were written."""
        keys = dict.fromkeys(axis.key for axis in self.axes if axis.length > 1 or self.first)
        trials = [{item.key: repr(item.values[0]) for item in trial} for trial in self.trials]
        for key in dict.fromkeys(key for trial in trials for key in trial):
            if len({trial.get(key) for trial in trials}) > 1:
                keys[key] = None
        return list(keys)

    def described(self) -> dict[str, Any]:
        """Returns axes, fixed assignments, explicit trials and exclusions as JSON; equal however the space was written."""

        def pairs(items: Iterable[Assignment]) -> list[list[Any]]:
            return [[item.key, *item.values] for item in items]

        domains = [asdict(axis.domain) if isinstance(axis.domain, Interval) else axis.domain.values for axis in self.axes]
        axes = [[axis.key, domain, axis.conditions] for axis, domain in zip(self.axes, domains, strict=True)]
        return {"axes": axes, "fixed": pairs(self.fixed), "trials": [*map(pairs, self.trials)], "exclude": [*map(pairs, self.exclude)]}

    @cached_property
    def fingerprint(self) -> str:
        """The SHA-256 of the space; equal however the space was written."""
        return hashlib.sha256(json.dumps(self.described(), default=str).encode()).hexdigest()


def _product(axes: Sequence[Axis], chosen: dict[str, str]) -> Iterator[dict[str, str]]:
    """Yields every combination, key → text; a combination has only the axes that exist in it."""
    if not axes:
        yield chosen
        return
    first, *others = axes
    if not first.exists(chosen):
        yield from _product(others, chosen)
        return
    for text in first.texts:
        yield from _product(others, {**chosen, first.key: text})


def active_hash(config: dict[str, Any], *, repeats: bool = True) -> str:
    """Returns the SHA-256 of the active values of a trial.

    Args:
        repeats: False leaves out seed and fold, so that the repeats of a configuration have equal hashes.
    """
    values = {key: value for key, value in active_leaves(config).items() if repeats or key not in REPEATS}
    return hashlib.sha256(canonical(values).encode()).hexdigest()
