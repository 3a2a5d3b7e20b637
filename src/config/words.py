"""The arguments of the verbs beside src.sweep: words `key=value`, into a dataclass."""

from dataclasses import MISSING, fields
from typing import Any, TypeVar

from src.errors import ConfigError, did_you_mean

Wanted = TypeVar("Wanted")


def read_words(kind: type[Wanted], argv: list[str]) -> Wanted:
    """Reads `key=value` words into a dataclass of texts.

    Raises:
        ConfigError: an unknown key, one given twice, one without a value, or one that is missing; all of them at once.

    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Words:
    ...     sweep: str = "latest"
    >>> read_words(Words, ["sweep=dropout"])
    Words(sweep='dropout')
    """
    known = [field.name for field in fields(kind)]  # type: ignore[arg-type]
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
        given[key] = value
    required = [field.name for field in fields(kind) if field.default is MISSING]  # type: ignore[arg-type]
    mistakes += [f"{name} is not given; expected {name}=…" for name in required if name not in given]
    if mistakes:
        raise ConfigError(mistakes)
    return kind(**given)
