"""Finds the points of a space that old values mean."""

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


class Matching:
    """Matches old trials with a space, and collects what does not match.

    A hyperparameter belongs to the key that is its name, that ends with it, or whose last word is its `argument`, in this order: to an
    axis, or else to a key that the sweep does not vary, which must have the same value. Where the conditions of an axis do not hold, the
    value for it is ignored, as it was in training.

    Attributes:
        points: name of a trial → its point.
        incomplete: FAILED trials that ended before they had a value for every axis.
    """

    def __init__(self, space: Space) -> None:
        self.points: dict[str, Point] = {}
        self.incomplete: list[str] = []
        self._space = space
        self._axes = list(dict.fromkeys(axis.key for axis in space.axes))
        self._wrong: dict[tuple[str, str], Counter[str]] = {}  # key or name, what is wrong → value → trials

    def add(self, trial: PastTrial) -> None:
        """Finds the point of a trial."""
        wrong: list[tuple[str, str, str]] = []  # key or name, what is wrong, value
        names: dict[str, list[str]] = {}
        others = []
        for name in trial.values:
            found = _keys(name, self._axes)
            if len(found) > 1:
                wrong.append((name, f"expected one axis for it, there are {' and '.join(found)}", ""))
            elif found:
                names.setdefault(found[0], []).append(name)
            else:
                others.append(name)
        wrong += [(key, f"expected one value for it, there are {' and '.join(of)}", "") for key, of in names.items() if len(of) > 1]
        texts, missing = dict[str, str](), list[str]()
        for axis in self._space.axes:
            if not axis.exists(texts):
                continue
            if axis.key not in names:
                missing.append(axis.key)
                continue
            value = trial.values[names[axis.key][0]]
            if (text := text_of(axis, value)) is None:
                wrong.append((axis.key, f"expected {_domain(axis)}", value_text(value)))
            else:
                texts[axis.key] = text
        if missing and trial.state == TrialState.FAILED:
            self.incomplete.append(trial.name)
            return
        wrong += [(key, "an axis for which the old results have no value; expected a fixed value of it", "") for key in missing]
        point = None if wrong else self._space.point(texts)
        if point is None and not wrong:
            wrong.append(("exclude", "expected a sweep that does not exclude it", " ".join(f"{key}={text}" for key, text in texts.items())))
        wrong += self._not_varied({name: trial.values[name] for name in others}, self._first if point is None else point)
        for subject, reason, shown in wrong:
            self._wrong.setdefault((subject, reason), Counter())[shown] += 1
        if point is not None and not wrong:
            self.points[trial.name] = point

    def _not_varied(self, values: dict[str, Any], point: Point) -> Iterable[tuple[str, str, str]]:
        """Yields what is wrong with values for which there is no axis."""
        if not values:
            return
        texts, groups = of_texts(point), self._space.catalog.defaults
        known = {**{group: texts.get(group, option) for group, option in groups.items()}, **self._space.leaves(point)}
        for name, value in values.items():
            keys = _keys(name, known)
            if len(keys) != 1:
                wanted = f"expected an axis that ends with .{argument(name)}" + (f", or one of {', '.join(keys)}" if keys else "")
                yield name, f"there is no axis for it; {wanted}", ""
            elif not same(known[keys[0]], value):
                yield keys[0], f"expected {value_text(known[keys[0]])}, which this sweep has, or an axis", value_text(value)

    @cached_property
    def _first(self) -> Point:
        return next(iter(self._space.samples()), Point({}, {}))

    @property
    def mistakes(self) -> list[str]:
        """A line per reason why trials do not match, with their number."""
        lines = []
        for (subject, reason), values in self._wrong.items():
            count = values.total()
            shown = ", ".join([*filter(None, list(values)[:MOST_NAMED]), *(["…"] if len(values) > MOST_NAMED else [])])
            lines.append(f"{subject}{f'={shown}' if shown else ''}: {reason} ({count} old trial{'' if count == 1 else 's'})")
        return lines


def _keys(name: str, keys: Iterable[str]) -> list[str]:
    """The keys that a name may mean."""
    word, keys = argument(name), list(keys)
    ending = [key for key in keys if key.endswith(f".{name}")]
    return [key for key in keys if key == name] or ending or [key for key in keys if key.rpartition(".")[2] == word]


def _domain(axis: Axis) -> str:
    """The values of an axis, for people."""
    if isinstance(axis.domain, Choice):
        return f"one of {', '.join(axis.domain.texts[:20])}"
    return f"{'a whole number' if axis.domain.integer else 'a number'} from {axis.domain.low} to {axis.domain.high}"
