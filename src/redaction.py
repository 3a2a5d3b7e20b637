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


def learn(text: str) -> None:
    """From now on the variables that a configuration reads, as its text `${oc.env:NAME}` says, are secrets, too."""
    _named.update(NAMED.findall(text))


def redacted(text: str, environment: Mapping[str, str] = os.environ) -> str:
    """The text with `***` for passwords in addresses, and the names of variables for their values.

    >>> redacted("http://me:tiger@host/ and hunter22", {"DATABASE_PASSWORD": "hunter22"})
    'http://me:***@host/ and ${oc.env:DATABASE_PASSWORD}'
    """
    secrets = {value: name for name, value in environment.items() if len(value) >= SHORTEST and (SECRET.search(name) or name in _named)}
    for value in sorted(secrets, key=len, reverse=True):  # one may be part of another
        text = text.replace(value, f"${{oc.env:{secrets[value]}}}")
    return PASSWORD.sub(r"\1:***@", text)


def all_redacted(node: Any) -> Any:
    """The same for every text of nested dictionaries and lists, keys included."""
    if isinstance(node, str):
        return redacted(node)
    if isinstance(node, dict):
        return {all_redacted(key): all_redacted(value) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [all_redacted(value) for value in node]
    return node


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
