"""Reads the arguments of the other commands: words `key=value`, into a dataclass."""

from dataclasses import MISSING, fields
from typing import Any, TypeVar

from src.errors import ConfigError, did_you_mean

Wanted = TypeVar("Wanted")


def read_arguments(kind: type[Wanted], argv: list[str]) -> Wanted:
    """Reads `key=value` words into a dataclass of texts; a field that is False by default takes true or false.

    Raises:
        ConfigError: an unknown key, one given twice, one without a value, or one that is missing; all of them at once.

    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Arguments:
    ...     sweep: str = "latest"
    >>> read_arguments(Arguments, ["sweep=dropout"])
    Arguments(sweep='dropout')
    """
    known = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]
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


def split(kind: type, argv: list[str]) -> tuple[list[str], list[str]]:
    """Returns the words that are arguments of a dataclass, and the others, in their order."""
    known = {field.name for field in fields(kind)}
    own = [word for word in argv if word.partition("=")[0] in known]
    return own, [word for word in argv if word.partition("=")[0] not in known]
