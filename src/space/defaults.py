"""The point of a space that has the defaults of conf/ for all that varies."""

from typing import Any

from src.space import Axis, Choice, Point, Space


def default_point(space: Space) -> Point | None:
    """Returns the point of the defaults; None if it lies outside of the space."""
    texts: dict[str, str] = {}
    for axis in space.axes:
        if axis.exists(texts):
            point = space.point(texts)
            text = None if point is None else _text(axis, _default(space, axis.key, point))
            if text is None:
                return None
            texts[axis.key] = text
    return space.point(texts)


def _default(space: Space, key: str, point: Point) -> Any:
    return space.catalog.defaults[key] if key in space.catalog.groups else space.leaves(point).get(key)


def _text(axis: Axis, default: Any) -> str | None:
    """Returns how an axis writes a value; None if it does not have it."""
    if isinstance(axis.domain, Choice):
        pairs = zip(axis.domain.texts, axis.domain.values, strict=True)
        return next((text for text, value in pairs if value == default and isinstance(value, bool) == isinstance(default, bool)), None)
    if isinstance(default, bool) or not isinstance(default, int | float) or (axis.domain.integer and default != int(default)):
        return None
    return f"{default}" if axis.domain.low <= default <= axis.domain.high else None
