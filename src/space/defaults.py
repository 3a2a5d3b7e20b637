"""The point of a space that has the defaults of conf/ for all that varies."""

from typing import Any

from src.space import Point, Space
from src.space.axes import text_of


def default_point(space: Space) -> Point | None:
    """Returns the point of the defaults; None if it lies outside of the space."""
    texts: dict[str, str] = {}
    for axis in space.axes:
        if axis.exists(texts):
            point = space.point(texts)
            text = None if point is None else text_of(axis, _default(space, axis.key, point))
            if text is None:
                return None
            texts[axis.key] = text
    return space.point(texts)


def _default(space: Space, key: str, point: Point) -> Any:
    return space.catalog.defaults[key] if key in space.catalog.groups else space.leaves(point).get(key)
