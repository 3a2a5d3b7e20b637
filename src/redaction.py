"""What must reach no record, log or terminal: passwords in addresses, and values of environment variables that are secrets."""

import logging
import os
import re
from collections.abc import Mapping
from typing import Any

PASSWORD = re.compile(r"(\w://[^\s/:@'\"]*):[^\s/@'\"]+@")
SECRET = re.compile(r"KEY|TOKEN|SECRET|PASS|CREDENTIAL", re.IGNORECASE)
NAMED = re.compile(r"\$\{oc\.env:\s*(\w+)")
SHORTEST = 6  # characters; a shorter value would be found in other words
_named: set[str] = set()  # variables that a configuration names
_taken: dict[str, str] = {}  # value → variable, of another process


def learn(text: str) -> None:
    """From now on the variables that a configuration reads, as its text `${oc.env:NAME}` says, are secrets, too."""
    _named.update(NAMED.findall(text))


def known() -> dict[str, str]:
    """Value → its variable: what a worker has to hide as well."""
    return _secrets(os.environ)


def take(secrets: Mapping[str, str]) -> None:
    """From now on what is `known` in another process is hidden here."""
    _taken.update(secrets)


def redacted(text: str, environment: Mapping[str, str] = os.environ) -> str:
    """The text with `***` for passwords in addresses, and the names of variables for their values.

    >>> redacted("http://me:tiger@host/ and hunter22", {"DATABASE_PASSWORD": "hunter22"})
    'http://me:***@host/ and ${oc.env:DATABASE_PASSWORD}'
    """
    return _hidden(text, _secrets(environment))


def all_redacted(node: Any) -> Any:
    """The same for every text of nested dictionaries and lists, keys included."""
    secrets = _secrets(os.environ)

    def walk(node: Any) -> Any:
        if isinstance(node, str):
            return _hidden(node, secrets)
        if isinstance(node, dict):
            return {walk(key): walk(value) for key, value in node.items()}
        return [walk(value) for value in node] if isinstance(node, list | tuple) else node

    return walk(node)


def _secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """Value → its variable, the longest first: one may be part of another."""
    found = {value: name for name, value in environment.items() if len(value) >= SHORTEST and (SECRET.search(name) or name in _named)}
    return dict(sorted({**_taken, **found}.items(), key=lambda item: len(item[0]), reverse=True))


def _hidden(text: str, secrets: dict[str, str]) -> str:
    for value, name in secrets.items():
        text = text.replace(value, f"${{oc.env:{name}}}")
    return PASSWORD.sub(r"\1:***@", text)


def shown(text: str) -> str:
    """What may reach a terminal or a log: no secrets, and no characters that control it.

    >>> shown("a\\x1b[2Jb\\n")
    'a\\\\x1b[2Jb\\n'
    """
    return "".join(one if one.isprintable() or one in "\n\t" else repr(one)[1:-1] for one in redacted(text))


class Redacting(logging.Formatter):
    """Formats log lines, tracebacks included."""

    def format(self, record: logging.LogRecord) -> str:
        """One line or more."""
        return shown(super().format(record))
