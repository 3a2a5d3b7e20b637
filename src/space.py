"""What a sweep goes through: axes, explicit trials, and the rule that trials equal in their active keys are one trial."""

import hashlib
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from src.config.asked import Asked
from src.config.catalog import Catalog
from src.config.overrides import Assignment
from src.config.paths import TRIAL_GROUPS, TRIAL_KEYS, active_leaves

Point = dict[str, str]  # {"optimizer": "sgd", "model.units": "64"}: what Hydra is told, in words


@dataclass(frozen=True)
class Space:
    """The axes of a sweep, its fixed assignments and explicit trials."""

    axes: tuple[Assignment, ...]
    fixed: tuple[Assignment, ...]
    trials: tuple[tuple[Assignment, ...], ...]
    catalog: Catalog

    @classmethod
    def of(cls, asked: Asked, catalog: Catalog) -> "Space":
        """The space that was asked for; what belongs to the sweep and not to a trial is left out."""
        own = [one for one in asked.assignments if one.group in TRIAL_KEYS]
        axes, fixed = (tuple(one for one in own if one.swept is swept) for swept in (True, False))
        return cls(axes, fixed, tuple(map(tuple, asked.trials)), catalog)

    def points(self) -> Iterator[Point]:
        """Every distinct trial, in the order of Hydra's own product: the last axis varies fastest.

        A point holds the active keys alone, so pasting it behind `python -m src.sweep` repeats the trial.
        """
        return iter(self._points)

    @cached_property
    def _points(self) -> list[Point]:
        points: dict[str, Point] = {}  # by the active configuration, which makes a trial what it is
        for trial in self.trials or ((),):
            for indices in itertools.product(*(range(len(axis.texts)) for axis in self.axes)):
                chosen = [*((one, 0) for one in (*self.fixed, *trial)), *zip(self.axes, indices, strict=True)]
                point, leaves = self._active(chosen)
                points.setdefault(json.dumps(leaves, sort_keys=True, default=str), point)
        return list(points.values())

    def _active(self, chosen: list[tuple[Assignment, int]]) -> tuple[Point, dict[str, Any]]:
        """The override texts of the active keys, and the whole active configuration as leaves."""
        choices = {**self.catalog.defaults, **{one.key: one.values[i] for one, i in chosen if one.key in self.catalog.groups}}
        resting = self.catalog.inactive(choices["model"])
        used = [(one, i) for one, i in chosen if self.catalog.has(choices, one.key) or (one.prefix and one.group not in resting)]
        leaves = {"seed": self.catalog.top["seed"], "objective": self.catalog.top["objective"]}
        for group in TRIAL_GROUPS:
            if group not in resting:
                leaves |= self.catalog.keys(group, choices[group])
        leaves |= {one.key: one.values[i] for one, i in used if one.key not in self.catalog.groups}
        return {f"{one.prefix}{one.key}": one.texts[i] for one, i in used}, leaves

    @cached_property
    def swept(self) -> list[str]:
        """The keys that vary between trials, in the order in which they were written."""
        texts: dict[str, set[str | None]] = {axis.key: set(axis.texts) for axis in self.axes if len(axis.texts) > 1}
        for key in dict.fromkeys(one.key for trial in self.trials for one in trial):
            texts[key] = {next((one.texts[0] for one in trial if one.key == key), None) for trial in self.trials}
        return [key for key, values in texts.items() if len(values) > 1]

    def described(self) -> list[list[Any]]:
        """Axes, fixed assignments and each explicit trial, as JSON."""
        return [[[one.key, *one.values] for one in group] for group in (self.axes, self.fixed, *self.trials)]

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the space, however it was written."""
        return hashlib.sha256(json.dumps(self.described(), default=str).encode()).hexdigest()


def overrides(point: Point) -> list[str]:
    """The overrides that compose a trial.

    >>> overrides({"optimizer": "sgd", "model.units": "64"})
    ['optimizer=sgd', 'model.units=64']
    """
    return [f"{key}={text}" for key, text in point.items()]


def active_hash(config: dict[str, Any], *, seed: bool = True) -> str:
    """SHA-256 of a trial's active leaves; without the seed it names the configuration that seeds repeat."""
    named = sorted(f"{key}={value}" for key, value in active_leaves(config).items() if seed or key != "seed")
    return hashlib.sha256("\n".join(named).encode()).hexdigest()
