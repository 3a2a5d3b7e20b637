"""Reads the arguments of the other commands: words `key=value`, into a dataclass."""

import sys
from collections.abc import Sequence
from dataclasses import MISSING, fields
from typing import Any, TypeVar

from src.errors import ConfigError, did_you_mean

Wanted = TypeVar("Wanted")


def read_arguments(kind: type[Wanted], argv: list[str]) -> Wanted:
    """Reads `key=value` words into a dataclass of texts; a field that is False by default takes true or false.

    Raises:
        ConfigError: an unknown key, one given twice, one without a value, or one that is missing; all of them at once.
        SystemExit: after --help printed the text at the head of the command's own file.

    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Arguments:
    ...     sweep: str = "latest"
    >>> read_arguments(Arguments, ["sweep=dropout"])
    Arguments(sweep='dropout')
    """
    known = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]
    if {"--help", "-h"} & set(argv):
        print(f"{(sys.modules[kind.__module__].__doc__ or '').strip()}\n\nWords: {', '.join(f'{name}=' for name in known)}")  # noqa: T201
        sys.exit(0)
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
        elif known[key].default is False and value not in ("true", "false"):
            mistakes.append(f"{word}: {value!r}, where {key} is true or false.")
        given[key] = value == "true" if key in known and known[key].default is False else value
    required = [name for name, field in known.items() if field.default is MISSING]
    mistakes += [f"{name} is not given; expected {name}=…" for name in required if name not in given]
    if mistakes:
        raise ConfigError(mistakes)
    return kind(**given)


def one_of(key: str, value: str, known: Sequence[str]) -> list[str]:
    """The mistake of a value that is none of the known ones; empty if it is one.

    >>> one_of("format", "jsn", ("table", "json"))
    ["format=jsn: no such format; did you mean 'json'? Expected table or json."]
    """
    return [] if value in known else [f"{key}={value}: no such {key}{did_you_mean(value, known)} Expected {' or '.join(known)}."]


def whole(key: str, value: str, least: int = 1) -> list[str]:
    """The mistake of a value that is no whole number, or a smaller one; empty if it is none.

    >>> whole("most", "0")
    ['most=0: expected a whole number, at least 1']
    """
    fine = value.isdecimal() and value.isascii() and int(value) >= least
    return [] if fine else [f"{key}={value}: expected a whole number, at least {least}"]


def split(kind: type, argv: list[str]) -> tuple[list[str], list[str]]:
    """Returns the words that are arguments of a dataclass, and the others, in their order."""
    known = {field.name for field in fields(kind)}
    own = [word for word in argv if word.partition("=")[0] in known]
    return own, [word for word in argv if word.partition("=")[0] not in known]
