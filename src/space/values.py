"""Compares and formats values of configurations, and finds the keys in which configurations differ."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeGuard

from src.config.overrides import as_text

Values = Mapping[str, Any]
"""Config path → value; for a group, the chosen option: {"optimizer": "sgd", "optimizer.learning_rate": 0.01, …}"""
WORDS = {"null": None, "true": True, "false": False}


def canonical(value: Any) -> str:
    """Returns a text that is equal for values that mean the same to a trial, however they were written.

    >>> canonical(1) == canonical(1.0), canonical(0.01) == canonical(1e-2), canonical(True) == canonical(1), canonical("1") == canonical(1)
    (True, True, False, False)
    """
    return json.dumps(_plain(value), sort_keys=True, default=str)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(child) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(child) for child in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def ordered(value: Any) -> Any:
    """Replaces mappings by sorted pairs, because JSON cannot sort keys of different types."""
    if isinstance(value, dict):
        return sorted([repr(key), ordered(item)] for key, item in value.items())
    if isinstance(value, list):
        return [ordered(item) for item in value]
    return value


def of_texts(point: Mapping[str, str]) -> dict[str, Any]:
    """Parses texts of overrides: numbers, null, true, false and words, quoted or not. Lists and mappings stay text.

    >>> of_texts({"model.x": "1e-2", "optimizer": "'sgd'", "model.y": "null"})
    {'model.x': 0.01, 'optimizer': 'sgd', 'model.y': None}
    """
    return {key: _read(text) for key, text in point.items()}


def is_number(value: Any) -> TypeGuard[float]:
    """True for an int or a float, but not for a bool."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _read(text: str) -> Any:
    if text.lower() in WORDS:
        return WORDS[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    is_quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
    return text[1:-1] if is_quoted else text


def value_text(value: Any) -> str:
    """Formats a value for people.

    >>> value_text(1e-2), value_text(None), value_text("sgd"), value_text([1, True])
    ('0.01', 'null', 'sgd', '[1,true]')
    """
    return value if isinstance(value, str) else as_text(value)


def varying(configurations: Sequence[Values], named: Iterable[str]) -> list[str]:
    """Returns the keys in which configurations differ.

    First the keys of `named` that differ, then others that differ between configurations that are equal in the former.
    The option of a group stands for the keys below it.
    """
    keys = [key for key in dict.fromkeys(named) if _differ(configurations, key)]
    for dotted in (False, True):
        alike: dict[tuple[str, ...], list[Values]] = {}
        for values in configurations:
            alike.setdefault(tuple(_text_at(values, key) for key in keys), []).append(values)
        for group in alike.values():
            if len(group) > 1:
                others = dict.fromkeys(key for values in group for key in values if ("." in key) is dotted and key not in keys)
                keys += [key for key in others if _differ(group, key)]
    return keys


def _differ(configurations: Sequence[Values], key: str) -> bool:
    return len({_text_at(values, key) for values in configurations}) > 1


def _text_at(values: Values, key: str) -> str:
    return canonical(values[key]) if key in values else ""
