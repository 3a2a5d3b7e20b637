"""Finds the points of a space that correspond to old trials."""

from collections import Counter
from collections.abc import Iterable
from functools import cached_property
from typing import Any

from src.adopting.names import argument
from src.adopting.past import PastTrial
from src.space import Axis, Choice, Point, Space
from src.space.axes import same, text_of
from src.space.values import of_texts, value_text
from src.states import TrialState

MOST_NAMED = 6  # values in a message
Mismatch = tuple[str, str, str]  # key or name, reason, value


class Matching:
    """Matches old trials with a space, and collects mismatches.

    A hyperparameter belongs to the key that is equal to its name, that ends with it, or whose last word is its `argument`, in this order.
    The key is an axis, or else a key that the sweep does not vary, which must have the same value. If the conditions of an axis do not
    hold, its value is ignored, as it was in training.

    Attributes:
        points: name of a trial → its point.
        incomplete: names of FAILED trials that ended before they had a value for every axis.
    """

    def __init__(self, space: Space) -> None:
        self.points: dict[str, Point] = {}
        self.incomplete: list[str] = []
        self._space = space
        self._axes = list(dict.fromkeys(axis.key for axis in space.axes))
        self._mismatches: dict[tuple[str, str], Counter[str]] = {}  # key or name, reason → value → number of trials

    def add(self, trial: PastTrial) -> None:
        """Finds the point of a trial."""
        mismatches: list[Mismatch] = []
        names: dict[str, list[str]] = {}  # key of an axis → names of hyperparameters
        fixed: dict[str, Any] = {}
        for name, value in trial.values.items():
            found = _keys(name, self._axes)
            if len(found) > 1:
                mismatches.append((name, f"expected one axis for it, there are {' and '.join(found)}", ""))
            elif found:
                names.setdefault(found[0], []).append(name)
            else:
                fixed[name] = value
        for key, several in names.items():
            if len(several) > 1:
                mismatches.append((key, f"expected one value for it, there are {' and '.join(several)}", ""))
        texts, missing = dict[str, str](), list[str]()
        for axis in self._space.axes:
            if not axis.exists(texts):
                continue
            if axis.key not in names:
                missing.append(axis.key)
                continue
            value = trial.values[names[axis.key][0]]
            text = text_of(axis, value)
            if text is None:
                mismatches.append((axis.key, f"expected {_domain(axis)}", value_text(value)))
            else:
                texts[axis.key] = text
        if missing and trial.state == TrialState.FAILED:
            self.incomplete.append(trial.name)
            return
        mismatches += [(key, "an axis for which the old results have no value; expected a fixed value of it", "") for key in missing]
        point = None if mismatches else self._space.point(texts)
        if point is None and not mismatches:
            overrides = " ".join(f"{key}={text}" for key, text in texts.items())
            mismatches.append(("exclude", "expected a sweep that does not exclude it", overrides))
        mismatches += self._fixed_mismatches(fixed, self._first if point is None else point)
        for subject, reason, shown in mismatches:
            self._mismatches.setdefault((subject, reason), Counter())[shown] += 1
        if point is not None and not mismatches:
            self.points[trial.name] = point

    def _fixed_mismatches(self, values: dict[str, Any], point: Point) -> Iterable[Mismatch]:
        if not values:
            return
        texts, groups = of_texts(point), self._space.catalog.defaults
        known = {**{group: texts.get(group, option) for group, option in groups.items()}, **self._space.leaves(point)}
        for name, value in values.items():
            keys = _keys(name, known)
            if len(keys) != 1:
                expected = f"expected an axis that ends with .{argument(name)}"
                expected += f", or one of {', '.join(keys)}" if keys else ""
                yield name, f"there is no axis for it; {expected}", ""
            elif not same(known[keys[0]], value):
                yield keys[0], f"expected {value_text(known[keys[0]])}, which this sweep has, or an axis", value_text(value)

    @cached_property
    def _first(self) -> Point:
        return next(iter(self._space.samples()), Point({}, {}))

    @property
    def mistakes(self) -> list[str]:
        """A line per reason why trials do not match, with their number."""
        lines = []
        for (subject, reason), values in self._mismatches.items():
            shown = [value for value in list(values)[:MOST_NAMED] if value]
            shown += ["…"] if len(values) > MOST_NAMED else []
            place = f"{subject}={', '.join(shown)}" if shown else subject
            count = values.total()
            lines.append(f"{place}: {reason} ({count} old trial{'' if count == 1 else 's'})")
        return lines


def _keys(name: str, keys: Iterable[str]) -> list[str]:
    """Returns the keys that a name may stand for."""
    keys = list(keys)
    equal = [key for key in keys if key == name]
    ending = [key for key in keys if key.endswith(f".{name}")]
    return equal or ending or [key for key in keys if key.rpartition(".")[2] == argument(name)]


def _domain(axis: Axis) -> str:
    if isinstance(axis.domain, Choice):
        return f"one of {', '.join(axis.domain.texts[:20])}"
    return f"{'a whole number' if axis.domain.integer else 'a number'} from {axis.domain.low} to {axis.domain.high}"
