"""Points of a space as rows of numbers: those that are drawn, and those between which a model measures distances."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from src.config.paths import REPEATS
from src.space import Axis, Choice, Interval, Space
from src.space.values import is_number

Array = np.ndarray[Any, np.dtype[np.float64]]
BELOW_ONE = np.nextafter(1, 0)  # the end of a side of the cube
ARC = 2 / math.pi  # radius of a quarter of a circle that is one long
UNLIKE = math.sqrt(0.5)  # two words differ in two columns, so that they are one apart


class Vectors:
    """Converts points of the unit cube into rows, and rows into features and values.

    A row (axes,) has the value on an interval, the position in a list, NaN where the axis does not exist. The cube (dimensions,) has one
    side for each key, however many axes the key has. Values of known points that a list does not have follow its own; none is drawn.

    Attributes:
        dimensions: of the cube.
        wordy: (dimensions,) True where a side has words, which have no order.
        groups: (features,) the length scale that a feature has: one for each key.
    """

    def __init__(self, space: Space) -> None:
        self._drawn = [_ascending(axis) for axis in space.axes]
        self._axes = [_with_known(axis, space) for axis in self._drawn]
        keys = list(dict.fromkeys(axis.key for axis in space.axes))
        self._sides = [keys.index(axis.key) for axis in space.axes]
        self.dimensions = len(keys)
        self.wordy = np.zeros(len(keys), dtype=bool)
        self._features: list[Callable[[Array], list[Array]]] = []
        sizes = []
        for side, key in enumerate(keys):
            places = [place for place, own in enumerate(self._sides) if own == side]
            self.wordy[side] = not all(ordered(self._axes[place]) for place in places)
            distinct = {text for place in places for text in self._texts(place)}
            if len(distinct) > 1 and key not in REPEATS:  # what a seed changes is noise
                words = [place for place in places if self.wordy[side] and isinstance(self._axes[place].domain, Choice)]
                numbers = [place for place in places if place not in words]
                features = [feature(own) for feature, own in ((self._words, words), (self._numbers, numbers)) if own]
                self._features += features
                nowhere = np.full((1, len(self._axes)), np.nan)
                sizes.append(sum(len(feature(nowhere)) for feature in features))
        self.groups = np.repeat(np.arange(len(sizes)), sizes)

    def rows(self, cube: Array) -> Array:
        """Converts points (n, dimensions) of the cube into rows (n, axes)."""
        rows = np.full((len(cube), len(self._axes)), np.nan)
        for place, axis in enumerate(self._axes):
            exists = np.all([self._has(rows, key, texts) for key, texts in axis.conditions], axis=0)
            rows[:, place] = np.where(exists, _value(self._drawn[place], cube[:, self._sides[place]]), np.nan)
        return rows

    def cube(self, rows: Array) -> Array:
        """Converts rows into points of the cube: the middle of all that are this row."""
        points = np.full((len(rows), self.dimensions), 0.5)
        for place, axis in enumerate(self._axes):
            known = ~np.isnan(rows[:, place])
            points[known, self._sides[place]] = _share(self._drawn[place], _nearest(self._drawn[place], axis, rows[known, place]))
        return points

    def features(self, rows: Array) -> Array:
        """Converts rows into what a model sees, (n, features)."""
        return np.stack([column for feature in self._features for column in feature(rows)], axis=1) if self._features else rows[:, :0]

    def values(self, row: Array) -> dict[str, Any]:
        """Converts a row into config path → text, whole number or number."""
        pairs = [(axis, number) for axis, number in zip(self._axes, row, strict=True) if not math.isnan(number)]
        return {axis.key: _from_number(axis, number) for axis, number in pairs}

    def row(self, values: dict[str, Any]) -> list[float]:
        """Converts values by config path into a row."""
        texts = {key: str(value) for key, value in values.items()}
        return [_to_number(axis, values[axis.key]) if axis.key in values and axis.exists(texts) else math.nan for axis in self._axes]

    def _has(self, rows: Array, key: str, texts: Sequence[str]) -> Any:
        """True for the rows in which a key has one of some texts."""
        found = np.zeros(len(rows), dtype=bool)
        for place, axis in enumerate(self._axes):
            if axis.key == key:
                own = axis.domain.texts if isinstance(axis.domain, Choice) else None
                wanted = [own.index(text) if own else float(text) for text in texts if not own or text in own]
                found |= np.isin(rows[:, place], wanted)
        return found

    def _texts(self, place: int) -> tuple[str, ...]:
        domain = self._axes[place].domain
        return domain.texts if isinstance(domain, Choice) else tuple(dict.fromkeys((str(domain.low), str(domain.high))))

    def _words(self, places: list[int]) -> Callable[[Array], list[Array]]:
        """A column for each word; none is set where the key does not exist."""
        distinct = sorted({text for place in places for text in self._texts(place)})
        pairs = [[(place, self._texts(place).index(word)) for place in places if word in self._texts(place)] for word in distinct]
        return lambda rows: [UNLIKE * sum(rows[:, place] == position for place, position in one) for one in pairs]

    def _numbers(self, places: list[int]) -> Callable[[Array], list[Array]]:
        """A column from 0 to 1, or two for a key that may be absent: then it is equally far from all its values."""
        axes = [self._axes[place] for place in places]
        scales = list(zip(places, _scales(axes), strict=True))

        def column(rows: Array) -> Array:
            found = np.full(len(rows), np.nan)
            for place, scale in scales:
                known = ~np.isnan(rows[:, place])
                found[known] = scale(rows[known, place])
            return found

        if all(not axis.conditions for axis in axes):
            return lambda rows: [column(rows)]

        def arc(rows: Array) -> list[Array]:
            angle = column(rows) * math.pi / 2
            return [np.nan_to_num(ARC * np.cos(angle)), np.nan_to_num(ARC * np.sin(angle))]

        return arc


def _ascending(axis: Axis) -> Axis:
    """The axis with listed numbers in their order, in which neighbours are alike."""
    if isinstance(axis.domain, Interval) or not ordered(axis):
        return axis
    texts, values = zip(*sorted(zip(axis.domain.texts, axis.domain.values, strict=True), key=lambda pair: pair[1]), strict=True)
    return replace(axis, domain=Choice(texts, values))


def _with_known(axis: Axis, space: Space) -> Axis:
    """The axis, with the values of known points that its list does not have."""
    if isinstance(axis.domain, Interval):
        return axis
    more = {one.texts[0]: one.values[0] for known in space.first for one in known if one.key == axis.key}
    values = dict(zip(axis.domain.texts, axis.domain.values, strict=True))
    values |= {text: value for text, value in more.items() if text not in values}
    return replace(axis, domain=Choice(tuple(values), tuple(values.values())))


def _nearest(drawn: Axis, axis: Axis, rows: Array) -> Array:
    """Replaces the positions of values that are never drawn by those of the nearest numbers that are, or of the first word."""
    if isinstance(drawn.domain, Interval) or isinstance(axis.domain, Interval) or not rows.size:
        return rows
    listed = len(drawn.domain.values)
    if not ordered(axis):
        return np.where(rows < listed, rows, 0)
    values = np.array(axis.domain.values, dtype=float)
    nearest: Array = np.abs(values[rows.astype(int), None] - values[:listed]).argmin(axis=1).astype(float)
    return nearest


def ordered(axis: Axis) -> bool:
    """True if the values are numbers."""
    return isinstance(axis.domain, Interval) or all(map(is_number, axis.domain.values))


def _scales(axes: list[Axis]) -> list[Callable[[Array], Array]]:
    """For each axis of one key the function from its part of a row to 0 … 1, the same for the same value.

    Listed numbers are evenly apart: who lists them tells by that which steps are alike.
    """
    intervals = [axis.domain for axis in axes if isinstance(axis.domain, Interval)]
    listed = sorted({float(value) for axis in axes if isinstance(axis.domain, Choice) for value in axis.domain.values})
    if not intervals:
        even = np.linspace(0, 1, len(listed))
        return [
            _listed(axis.domain.values, lambda found: np.interp(found, listed, even)) for axis in axes if isinstance(axis.domain, Choice)
        ]
    low, high = min([*(one.low for one in intervals), *listed]), max([*(one.high for one in intervals), *listed])
    transform = np.log if low > 0 and any(one.log for one in intervals) else np.asarray

    def share(found: Array) -> Array:
        return (transform(found) - transform(low)) / (transform(high) - transform(low))  # type: ignore[no-any-return]

    return [_listed(axis.domain.values, share) if isinstance(axis.domain, Choice) else share for axis in axes]


def _listed(values: Sequence[Any], scale: Callable[[Array], Array]) -> Callable[[Array], Array]:
    table = np.array(values, dtype=float)
    return lambda positions: scale(table[positions.astype(int)])


def _value(axis: Axis, share: Array) -> Array:
    """Converts shares of an axis, below 1, into values; every whole number and every word has its part of the axis."""
    if isinstance(axis.domain, Choice):
        return np.floor(share * len(axis.domain.texts))
    low, high = axis.domain.low, axis.domain.high
    end = high + axis.domain.integer
    values = low * (end / low) ** share if axis.domain.log else low + (end - low) * share
    return np.clip(np.floor(values) if axis.domain.integer else values, low, high)


def _share(axis: Axis, values: Array) -> Array:
    """The inverse of `_value`, the middle of a word or whole number."""
    if isinstance(axis.domain, Choice):
        return (values + 0.5) / len(axis.domain.texts)
    low, end = axis.domain.low, axis.domain.high + axis.domain.integer
    values = values + 0.5 * axis.domain.integer
    return np.log(values / low) / math.log(end / low) if axis.domain.log else (values - low) / (end - low)


def _from_number(axis: Axis, number: float) -> Any:
    if isinstance(axis.domain, Choice):
        return axis.domain.texts[int(number)]
    return int(number) if axis.domain.integer else float(number)


def _to_number(axis: Axis, value: Any) -> float:
    return float(axis.domain.texts.index(value) if isinstance(axis.domain, Choice) else value)
