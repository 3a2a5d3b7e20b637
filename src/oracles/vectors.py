"""Points of a space as vectors of numbers, which can be drawn and between which a model measures distances."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from src.config.paths import REPEATS
from src.space import Axis, Choice, Interval, Space
from src.space.values import is_number

Array = np.ndarray[Any, np.dtype[np.float64]]
BELOW_ONE = np.nextafter(1, 0)  # the largest coordinate in the cube
ARC = 2 / math.pi  # radius of a quarter circle of length 1
UNLIKE = math.sqrt(0.5)  # two words differ in two columns, so that their distance is 1


class Vectors:
    """Converts points of the unit cube into rows, and rows into features and values.

    A row (axes,) has the value on an interval, the position in a list, or NaN if the axis does not exist. The cube (dimensions,) has one
    side for each key, even if the key has several axes. Values of known points that a list lacks are appended to it, but never drawn.

    Attributes:
        dimensions: number of sides of the cube.
        wordy: True for a side with words, which have no order; shape (dimensions,).
        groups: index of each feature's length scale, one for each key; shape (features,).
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
            if len(distinct) > 1 and key not in REPEATS:  # the effect of a seed is noise
                words = [place for place in places if self.wordy[side] and isinstance(self._axes[place].domain, Choice)]
                numbers = [place for place in places if place not in words]
                features = [self._words(words)] if words else []
                features += [self._numbers(numbers)] if numbers else []
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
        """Converts rows into points of the cube, each the middle of all points that have this row."""
        points = np.full((len(rows), self.dimensions), 0.5)
        for place, axis in enumerate(self._axes):
            known = ~np.isnan(rows[:, place])
            points[known, self._sides[place]] = _share(self._drawn[place], _nearest(self._drawn[place], axis, rows[known, place]))
        return points

    def features(self, rows: Array) -> Array:
        """Converts rows into the inputs of a model, (n, features)."""
        columns = [column for feature in self._features for column in feature(rows)]
        return np.stack(columns, axis=1) if columns else rows[:, :0]

    def values(self, row: Array) -> dict[str, Any]:
        """Converts a row into config path → text, int or float."""
        pairs = [(axis, number) for axis, number in zip(self._axes, row, strict=True) if not math.isnan(number)]
        return {axis.key: _from_number(axis, number) for axis, number in pairs}

    def row(self, values: dict[str, Any]) -> list[float]:
        """Converts config path → value into a row."""
        texts = {key: str(value) for key, value in values.items()}
        return [_to_number(axis, values[axis.key]) if axis.key in values and axis.exists(texts) else math.nan for axis in self._axes]

    def _has(self, rows: Array, key: str, texts: Sequence[str]) -> Any:
        """Returns True for each row in which a key has one of some texts, shape (n,)."""
        found = np.zeros(len(rows), dtype=bool)
        for place, axis in enumerate(self._axes):
            if axis.key != key:
                continue
            if isinstance(axis.domain, Choice):
                wanted = [float(position) for position, text in enumerate(axis.domain.texts) if text in texts]
            else:
                wanted = [float(text) for text in texts]
            found |= np.isin(rows[:, place], wanted)
        return found

    def _texts(self, place: int) -> tuple[str, ...]:
        domain = self._axes[place].domain
        return domain.texts if isinstance(domain, Choice) else tuple(dict.fromkeys((str(domain.low), str(domain.high))))

    def _words(self, places: list[int]) -> Callable[[Array], list[Array]]:
        """Returns a function from rows to one column per word; all columns are 0 in a row without the key."""
        positions: dict[str, list[tuple[int, int]]] = {}  # word → (axis, position in its list) of each axis that has it
        for place in places:
            for position, word in enumerate(self._texts(place)):
                positions.setdefault(word, []).append((place, position))

        def columns(rows: Array) -> list[Array]:
            return [UNLIKE * np.any([rows[:, place] == at for place, at in positions[word]], axis=0) for word in sorted(positions)]

        return columns

    def _numbers(self, places: list[int]) -> Callable[[Array], list[Array]]:
        """Returns a function from rows to a column from 0 to 1, or to two if the key may be absent.

        The two are points on a quarter circle, so that a row without the key, at its centre, is equally far from all values.
        """
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
    """Returns the axis with listed numbers in ascending order, because a model takes neighbours for similar."""
    if isinstance(axis.domain, Interval) or not ordered(axis):
        return axis
    pairs = sorted(zip(axis.domain.texts, axis.domain.values, strict=True), key=lambda pair: pair[1])
    return replace(axis, domain=Choice(tuple(text for text, _ in pairs), tuple(value for _, value in pairs)))


def _with_known(axis: Axis, space: Space) -> Axis:
    """Returns the axis with the values of known points appended to its list."""
    if isinstance(axis.domain, Interval):
        return axis
    values = dict(zip(axis.domain.texts, axis.domain.values, strict=True))
    for known in space.first:
        for one in known:
            if one.key == axis.key:
                values.setdefault(one.texts[0], one.values[0])
    return replace(axis, domain=Choice(tuple(values), tuple(values.values())))


def _nearest(drawn: Axis, axis: Axis, rows: Array) -> Array:
    """Replaces the positions of values that are never drawn: by those of the nearest numbers, or of the first word."""
    if isinstance(drawn.domain, Interval) or isinstance(axis.domain, Interval) or not rows.size:
        return rows
    listed = len(drawn.domain.values)
    if not ordered(axis):
        return np.where(rows < listed, rows, 0)
    values = np.array(axis.domain.values, dtype=float)
    nearest: Array = np.abs(values[rows.astype(int), None] - values[:listed]).argmin(axis=1).astype(float)
    return nearest


def ordered(axis: Axis) -> bool:
    """Returns True if the values are numbers."""
    return isinstance(axis.domain, Interval) or all(map(is_number, axis.domain.values))


def _scales(axes: list[Axis]) -> list[Callable[[Array], Array]]:
    """Returns, for each axis of one key, the function from its column of rows to [0, 1]; equal values have equal results.

    Listed numbers are evenly spaced: their choice shows which steps matter equally.
    """
    intervals = [axis.domain for axis in axes if isinstance(axis.domain, Interval)]
    listed = sorted({float(value) for axis in axes if isinstance(axis.domain, Choice) for value in axis.domain.values})
    low, high = min([*(one.low for one in intervals), *listed]), max([*(one.high for one in intervals), *listed])
    transform = np.log if low > 0 and any(one.log for one in intervals) else np.asarray

    def share(values: Array) -> Array:
        if not intervals:
            return np.interp(values, listed, np.linspace(0, 1, len(listed)))
        return (transform(values) - transform(low)) / (transform(high) - transform(low))  # type: ignore[no-any-return]

    def share_of_position(table: Array, positions: Array) -> Array:
        return share(table[positions.astype(int)])

    return [
        partial(share_of_position, np.array(axis.domain.values, dtype=float)) if isinstance(axis.domain, Choice) else share for axis in axes
    ]


def _value(axis: Axis, share: Array) -> Array:
    """Converts shares of an axis, below 1, into values; every whole number and every word has an equal part of the axis."""
    if isinstance(axis.domain, Choice):
        return np.floor(share * len(axis.domain.texts))
    low, high = axis.domain.low, axis.domain.high
    end = high + 1 if axis.domain.integer else high
    values = low * (end / low) ** share if axis.domain.log else low + (end - low) * share
    return np.clip(np.floor(values) if axis.domain.integer else values, low, high)


def _share(axis: Axis, values: Array) -> Array:
    """Converts values into shares of an axis, the inverse of `_value`: the middle of the part of a word or whole number."""
    if isinstance(axis.domain, Choice):
        return (values + 0.5) / len(axis.domain.texts)
    low, end = axis.domain.low, axis.domain.high
    if axis.domain.integer:
        values, end = values + 0.5, end + 1
    return np.log(values / low) / math.log(end / low) if axis.domain.log else (values - low) / (end - low)


def _from_number(axis: Axis, number: float) -> Any:
    if isinstance(axis.domain, Choice):
        return axis.domain.texts[int(number)]
    return int(number) if axis.domain.integer else float(number)


def _to_number(axis: Axis, value: Any) -> float:
    return float(axis.domain.texts.index(value) if isinstance(axis.domain, Choice) else value)
