"""Parses the `key=value` arguments of every command but `sweep` into a dataclass."""

import math
import re
import sys
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from inspect import cleandoc
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from src.errors import ConfigError, did_you_mean

Wanted = TypeVar("Wanted")
HELP = frozenset({"-h", "--help"})
BOOLEANS = {"true": True, "false": False}


def read_arguments(kind: type[Wanted], argv: list[str], about: str | None = None) -> Wanted:
    """Parses `key=value` words into a dataclass. Its fields are str, bool, int (at least 1), float (above 0) or a Literal of words.

    Args:
        about: text of `--help`, printed before the attributes of the dataclass; None if the command has its own help.

    Raises:
        ConfigError: with every mistake: keys that are unknown, missing or given twice, and values that are missing or wrong.
        SystemExit: after the help was printed.

    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Arguments:
    ...     sweep: str = "latest"
    ...     most: int = 20
    >>> read_arguments(Arguments, ["sweep=dropout", "most=3"])
    Arguments(sweep='dropout', most=3)
    """
    if about is not None and HELP & set(argv):
        print(help_text(kind, about))  # noqa: T201
        sys.exit(0)
    known: dict[str, Field[Any]] = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]
    types = get_type_hints(kind)
    given: dict[str, Any] = {}
    mistakes = []
    for word in argv:
        key, equals, value = word.partition("=")
        if not equals or not value:
            mistakes.append(f"{word}: expected key=value; keys are {', '.join(known)}")
        elif key not in known:
            mistakes.append(f"{word}: there is no {key!r}{did_you_mean(key, known)} Keys: {', '.join(known)}")
        elif key in given:
            mistakes.append(f"{word}: {key} is given twice; expected it once.")
        else:
            mistakes += _mistakes(word, key, value, types[key])
        given[key] = value if mistakes else _value(value, types[key])
    required = [name for name, field in known.items() if field.default is MISSING]
    mistakes += [f"{name} is not given; expected {name}=…" for name in required if name not in given]
    if mistakes:
        raise ConfigError(mistakes)
    return kind(**given)


def _mistakes(word: str, key: str, value: str, kind: Any) -> Iterator[str]:
    if kind is bool and value not in BOOLEANS:
        yield f"{word}: expected true or false."
    if kind is int and not (value.isdecimal() and int(value) > 0):
        yield f"{word}: expected a whole number, at least 1."
    if kind is float and positive(value) is None:
        yield f"{word}: expected a number above 0."
    if get_origin(kind) is Literal and value not in (choices := get_args(kind)):
        yield f"{word}: no such {key}{did_you_mean(value, choices)} Expected {key}={f' or {key}='.join(choices)}"


def _value(value: str, kind: Any) -> Any:
    if kind is bool:
        return BOOLEANS[value]
    return kind(value) if kind in (int, float) else value


def positive(text: str) -> float | None:
    """Parses a finite number above 0; returns None for any other text."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 < value < math.inf else None


def help_text(kind: type, about: str) -> str:
    """Returns the text of `--help`: what the command does, then its words, defaults and descriptions from the dataclass's docstring."""
    attributes = cleandoc(kind.__doc__ or "").partition("Attributes:\n")[2]
    described = {name: " ".join(text.split()) for name, text in re.findall(r"^    (\w+): (.*(?:\n {5,}.*)*)", attributes, re.MULTILINE)}
    lines = []
    for field in fields(kind):
        value = field.default
        if value is False:
            value = "true"
        elif value in (MISSING, "", 0):
            value = "…"
        lines.append(f"  {f'{field.name}={value}':<20}  {described.get(field.name, '').rstrip('.')}".rstrip())
    return "\n".join([cleandoc(about), "", "Words:", *lines])


def split(kind: type, argv: list[str]) -> tuple[list[str], list[str]]:
    """Splits words into the arguments of a dataclass and all others; keeps their order."""
    known = {field.name for field in fields(kind)}
    own = [word for word in argv if word.partition("=")[0] in known]
    return own, [word for word in argv if word not in own]
