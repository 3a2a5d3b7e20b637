"""The conditions of a sweep file's `when:`, each an option or a value that another key must have: optimizer=sgd, model.layers=2,3."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from src.config.overrides import Assignment, as_text
from src.config.request import Request
from src.errors import did_you_mean

Options = Mapping[str, Sequence[str]]
"""Group → the options that trials may choose."""


def possible(key: str, request: Request, options: Options) -> dict[str, Any]:
    """Returns text → value of what a key may be: what the request says, otherwise the defaults of the chosen options."""
    given = {text: value for one in request.everything if one.key == key for text, value in zip(one.texts, one.values, strict=True)}
    found = [request.catalog.keys(group, option) for group, chosen in options.items() for option in chosen if key.startswith(f"{group}.")]
    return given or {as_text(keys[key]): keys[key] for keys in (*found, request.catalog.top) if key in keys}


def meant(condition: Assignment, values: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns those of a key's texts that have one of the values of a condition, however it writes them.

    Args:
        values: as `possible` returns them.
    """
    return tuple(text for text, value in values.items() if any(_equal(value, named) for named in condition.values))


def _equal(value: Any, other: Any) -> bool:
    return bool(value == other) and isinstance(value, bool) == isinstance(other, bool)


def mistakes(condition: Assignment, one: Assignment, request: Request, options: Options) -> Iterator[str]:
    """Finds what is wrong with a condition on a key that is no group.

    Args:
        one: the assignment that holds under the condition.
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
    found: set[str] = set()
    waiting = [key]
    while waiting:
        last = waiting.pop()
        if last not in found:
            found.add(last)
            waiting += [condition.key for condition, one in request.when if one.key == last]
    return found
