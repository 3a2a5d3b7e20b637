"""Known points that an oracle runs before its own (`oracle.first`)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from src.config.overrides import Assignment, as_text
from src.config.paths import REPEATS
from src.errors import did_you_mean
from src.space.axes import Axis, Choice, text_of

if TYPE_CHECKING:
    from src.space import Space

Known = tuple[Assignment, ...]


def completed(space: "Space", points: Sequence[Sequence[Assignment]]) -> tuple[tuple[Known, ...], list[str]]:
    """Returns each point with a value for every axis that exists in it, and all mistakes.

    An axis that a point does not name has its default of conf/. A value need not be listed on its axis, but it must lie inside an interval.
    """
    found, mistakes = list[Known](), list[str]()
    for point in points:
        known, wrong = _completed(space, {one.key: one for one in point})
        mistakes += wrong
        if not wrong and known not in found:
            found.append(known)
    return tuple(found), mistakes


def _completed(space: "Space", given: dict[str, Assignment]) -> tuple[Known, list[str]]:
    known, mistakes = dict[str, Assignment](), list[str]()
    for axis in space.axes:
        texts = {key: one.texts[0] for key, one in known.items()}
        if axis.exists(texts):
            one = given.get(axis.key) or _of_conf(space, axis, known)
            if one is None:
                continue  # conf/ does not list the argument, and the point does not set it
            own = text_of(axis, one.values[0])
            if own is None and not isinstance(axis.domain, Choice):
                interval = f"the interval from {axis.domain.low} to {axis.domain.high}"
                mistakes.append(f"{one.origin}: outside of {interval}; expected a value inside, or a wider interval.")
            known[axis.key] = replace(one, texts=(own,)) if own is not None else one
    for key in given.keys() - known.keys():
        axes = [axis for axis in space.axes if axis.key == key]
        if axes and any(_unlisted(space, axis, known) for axis in axes):
            known[key] = given[key]  # it depends on an option or value that the sweep does not list, so its conditions are unknown
        else:
            mistakes.append(f"{given[key].origin}: {_no_axis(space, key, known)}")
    if not mistakes and replace(space, first=(tuple(known.values()),)).point_of(known.values()) is None:
        words = " ".join(one.override(one.texts[0]) for one in known.values())
        mistakes.append(f"oracle.first: {words}: a rule of exclude leaves it out; expected a point that no rule matches.")
    return tuple(known.values()), mistakes


def _of_conf(space: "Space", axis: Axis, known: dict[str, Assignment]) -> Assignment | None:
    """Returns the default of conf/ for an axis of a point; None if conf/ has none."""
    here = replace(space, first=(tuple(known.values()),), exclude=())
    defaults = {**here.leaves(here.point_of(known.values()) or {}), **space.catalog.defaults}
    if axis.key not in defaults:
        return None
    value = defaults[axis.key]
    if axis.key in REPEATS and isinstance(axis.domain, Choice) and text_of(axis, value) is None:
        value = axis.domain.values[0]  # a seed or fold of the sweep, not the default of conf/
    origin = f"oracle.first: {axis.key} is not named and by default {as_text(value)}"
    return Assignment(axis.key, axis.prefix, (as_text(value),), (value,), False, origin)


def _unlisted(space: "Space", axis: Axis, known: dict[str, Assignment]) -> bool:
    """True if an axis depends on a key whose value in a point is listed on none of the key's axes."""
    listed = {(other.key, text) for other in space.axes if isinstance(other.domain, Choice) for text in other.domain.texts}
    return any(key in known and (key, known[key].texts[0]) not in listed for key, _ in axis.conditions)


def _no_axis(space: "Space", key: str, known: dict[str, Assignment]) -> str:
    keys = list(dict.fromkeys(axis.key for axis in space.axes))
    if key in keys:
        words = " ".join(one.override(one.texts[0]) for one in known.values())
        return f"in this sweep {key} does not vary beside {words}; expected a point without it."
    return f"{key} does not vary in this sweep{did_you_mean(key, keys)} Keys that vary: {', '.join(keys) or 'none'}."
