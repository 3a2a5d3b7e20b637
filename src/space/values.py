"""Values of configurations: when two are the same, how people read them, and the keys that tell configurations apart."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from src.config.overrides import as_text

Values = Mapping[str, Any]
"""Config path → value; a group has its choice: {"optimizer": "sgd", "optimizer.learning_rate": 0.01, …}"""
WORDS = {"null": None, "true": True, "false": False}


def canonical(value: Any) -> str:
    """The same text for values that are the same to a trial, however they were written.

    >>> canonical(1) == canonical(1.0), canonical(0.01) == canonical(1e-2), canonical(True) == canonical(1), canonical("1") == canonical(1)
    (True, True, False, False)
    """
    return json.dumps(_plain(value), sort_keys=True, default=str)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(child) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(child) for child in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def of_texts(point: Mapping[str, str]) -> dict[str, Any]:
    """The values of overrides, as far as their texts alone tell them.

    >>> of_texts({"+model.x": "1e-2", "optimizer": "'sgd'", "model.y": "null"})
    {'model.x': 0.01, 'optimizer': 'sgd', 'model.y': None}
    """
    return {key.lstrip("+"): _read(text) for key, text in point.items()}


def _read(text: str) -> Any:
    if text.lower() in WORDS:
        return WORDS[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


def shown(value: Any) -> str:
    """A value as people read it.

    >>> shown(1e-2), shown(None), shown("sgd"), shown([1, True])
    ('0.01', 'null', 'sgd', '[1,true]')
    """
    return value if isinstance(value, str) else as_text(value)


def varying(configurations: Sequence[Values], named: Iterable[str]) -> list[str]:
    """The keys that tell configurations apart: those of `named` that differ, and what else differs between ones that are equal in these.

    The choice of a group stands for the keys below it.
    """
    keys = [key for key in dict.fromkeys(named) if len({_at(one, key) for one in configurations}) > 1]
    for dotted in (False, True):
        alike: dict[tuple[str, ...], list[Values]] = {}
        for one in configurations:
            alike.setdefault(tuple(_at(one, key) for key in keys), []).append(one)
        for group in alike.values():
            if len(group) > 1:
                there = dict.fromkeys(key for one in group for key in one if ("." in key) is dotted and key not in keys)
                keys += [key for key in there if len({_at(one, key) for one in group}) > 1]
    return keys


def _at(values: Values, key: str) -> str:
    return canonical(values[key]) if key in values else ""
