"""Conditions of a sweep file's `when:`, each a key with the options or values that it must have: optimizer=sgd, model.layers=2,3."""

from collections.abc import Iterator, Mapping
from typing import Any

from src.config.overrides import Assignment, as_text
from src.config.paths import Options
from src.config.request import Request
from src.errors import did_you_mean


def possible(key: str, request: Request, options: Options) -> dict[str, Any]:
    """Returns text → value of all that a key may be in some trial: the values of the request, else the defaults of the options."""
    given = {text: value for one in request.everything if one.key == key for text, value in zip(one.texts, one.values, strict=True)}
    found = [request.catalog.keys(group, option) for group, chosen in options.items() for option in chosen if key.startswith(f"{group}.")]
    return given or {as_text(keys[key]): keys[key] for keys in (*found, request.catalog.top) if key in keys}


def meant(condition: Assignment, values: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns the texts of a key whose values satisfy a condition. Numbers are compared as numbers; True is not 1.

    Args:
        values: text → value, as `possible` returns them.
    """
    wanted = [(named, isinstance(named, bool)) for named in condition.values]
    return tuple(text for text, value in values.items() if (value, isinstance(value, bool)) in wanted)


def mistakes(condition: Assignment, one: Assignment, request: Request, options: Options) -> Iterator[str]:
    """Yields the mistakes of a condition on a key that is no group.

    Args:
        one: the assignment that applies under the condition.
    """
    place, key = f"{one.origin}: when {condition.key}", condition.key
    texts = possible(key, request, options)
    if any(other.interval for other in (condition, *request.everything) if other.key == key):
        yield f"{place}: an interval cannot be a condition; expected listed values, such as range(1,4)."
    elif not texts:
        known = [other.key for other in request.everything] + list(request.catalog.groups)
        yield f"{place}: no trial has this key{did_you_mean(key, known)} Expected an option, or a value of a key of these trials."
    elif not meant(condition, texts) and not request.chooses:
        yield f"{place}={','.join(condition.texts)}: no trial of this sweep has it; expected one of {', '.join(texts)}."
    if one.key in _above(key, request):
        yield f"{place}: {key} itself depends on {one.key}; expected conditions without a circle."


def _above(key: str, request: Request) -> set[str]:
    """Returns the key and all keys on which it depends."""
    found = [key]
    for known in found:  # grows while it is read
        found += [condition.key for condition, one in request.when if one.key == known and condition.key not in found]
    return set(found)
