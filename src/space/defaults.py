"""Finds the point of a space that has given values, and the defaults of conf/ on all other axes."""

from collections.abc import Mapping
from typing import Any

from src.space import Point, Space
from src.space.axes import text_of
from src.space.values import canonical, of_texts


def default_point(space: Space) -> Point | None:
    """Returns the point that has the default of conf/ on every axis; None if the space does not contain it."""
    return _point(space, {})


def located(space: Space, other: Point) -> Point | None:
    """Returns the point that is the same trial as a point of another space; None if the space does not contain it."""
    values = of_texts(other)
    point = None if space.trials else _point(space, values)
    own = of_texts(point or {})
    return point if all(key in own and canonical(own[key]) == canonical(value) for key, value in values.items()) else None


def _point(space: Space, values: Mapping[str, Any]) -> Point | None:
    texts: dict[str, str] = {}
    for axis in space.axes:
        if axis.exists(texts):
            point = space.point(texts)
            if point is None:
                return None
            text = text_of(axis, values[axis.key] if axis.key in values else _default(space, axis.key, point))
            if text is None:
                return None
            texts[axis.key] = text
    return space.point(texts)


def _default(space: Space, key: str, point: Point) -> Any:
    return space.catalog.defaults[key] if key in space.catalog.groups else space.leaves(point).get(key)
