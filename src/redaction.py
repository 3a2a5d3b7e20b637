"""Removes secrets from records, logs and the terminal: passwords in addresses, and values of secret environment variables."""

import logging
import os
import re
from collections.abc import Mapping
from typing import Any

PASSWORD = re.compile(r"(\w://[^\s/:@'\"]*):[^\s/@'\"]+@")
SECRET = re.compile(r"KEY|TOKEN|SECRET|PASS|CREDENTIAL", re.IGNORECASE)
NAMED = re.compile(r"\$\{oc\.env:\s*(\w+)")
SHORTEST = 6  # characters; a shorter value may be part of an ordinary word
_named: set[str] = set()  # environment variables that a configuration reads
_taken: dict[str, str] = {}  # value → variable, received from another process


def mark_secrets_in(text: str) -> None:
    """Marks environment variables as secrets if a configuration's text reads them with `${oc.env:NAME}`."""
    _named.update(NAMED.findall(text))


def known_secrets() -> dict[str, str]:
    """Returns the secrets of this process, value → variable, for its workers."""
    return _secrets(os.environ)


def add_secrets(secrets: Mapping[str, str]) -> None:
    """Adds the secrets that `known_secrets` returned in another process."""
    _taken.update(secrets)


def redacted(text: str, environment: Mapping[str, str] = os.environ) -> str:
    """Replaces passwords in addresses by `***`, and values of secret variables by the names of the variables.

    >>> redacted("http://me:tiger@host/ and hunter22", {"DATABASE_PASSWORD": "hunter22"})
    'http://me:***@host/ and ${oc.env:DATABASE_PASSWORD}'
    """
    return _hidden(text, _secrets(environment))


def all_redacted(node: Any) -> Any:
    """Redacts every text in nested dictionaries and lists, keys included."""
    secrets = _secrets(os.environ)

    def walk(node: Any) -> Any:
        if isinstance(node, str):
            return _hidden(node, secrets)
        if isinstance(node, dict):
            return {walk(key): walk(value) for key, value in node.items()}
        if isinstance(node, list | tuple):
            return [walk(value) for value in node]
        return node

    return walk(node)


def _secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """Returns value → variable, longest value first, because one value may be part of another."""
    secrets = {value: name for name, value in environment.items() if len(value) >= SHORTEST and (SECRET.search(name) or name in _named)}
    return dict(sorted({**_taken, **secrets}.items(), key=lambda item: len(item[0]), reverse=True))


def _hidden(text: str, secrets: dict[str, str]) -> str:
    for value, name in secrets.items():
        text = text.replace(value, f"${{oc.env:{name}}}")
    return PASSWORD.sub(r"\1:***@", text)


def printable(text: str) -> str:
    """Makes a text safe for a terminal or a log: removes secrets, and escapes control characters.

    >>> printable("a\\x1b[2Jb\\n")
    'a\\\\x1b[2Jb\\n'
    """
    return "".join(char if char.isprintable() or char in "\n\t" else repr(char)[1:-1] for char in redacted(text))


class Redacting(logging.Formatter):
    """Formats log records without secrets, tracebacks included."""

    def format(self, record: logging.LogRecord) -> str:
        """Returns the record as one or more lines."""
        return printable(super().format(record))
