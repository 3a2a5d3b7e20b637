"""Links: a key that takes the value of another key in each trial, such as training.batch_size=${model.units}."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from src.config.catalog import Catalog
from src.config.overrides import Assignment, as_text
from src.config.paths import TRIAL_KEYS, Options
from src.config.request import Request
from src.errors import did_you_mean

LINK = re.compile(r"'?\$\{([\w.]+)\}'?", re.ASCII)


def linked(key: str, text: str) -> str:
    """Returns the key that a text links to; empty if the text is no link from one key of a trial to another.

    >>> linked("training.batch_size", "${model.units}"), linked("data.path", "${oc.env:HOME}"), linked("seed", "3")
    ('model.units', '', '')
    """
    found = LINK.fullmatch(text)
    if found and _group(key) in TRIAL_KEYS and _group(found[1]) in TRIAL_KEYS:
        return found[1]
    return ""


def _group(key: str) -> str:
    return key.partition(".")[0]


def target(one: Assignment) -> str:
    """Returns the key that an assignment links to; empty if there is none."""
    for value in one.values:
        if isinstance(value, str) and linked(one.key, value):
            return linked(one.key, value)
    return ""


def followed(texts: dict[str, str], choices: Mapping[str, str], catalog: Catalog) -> dict[str, str]:
    """Returns key → text of a trial, where the text of its target replaces each link.

    Args:
        choices: group → option; a target without a text has its default in the option.
    """

    def text_of(key: str) -> str:
        if key not in texts:
            group = _group(key)
            return as_text((catalog.keys(group, choices[group]) if group in choices else catalog.top).get(key))
        other = linked(key, texts[key]) if "$" in texts[key] else ""
        return text_of(other) if other else texts[key]

    return {key: text_of(key) for key in texts}


def values(known: Mapping[tuple[str, str], Any], assignments: Sequence[Assignment], catalog: Catalog) -> dict[tuple[str, str], Any]:
    """Returns (key, text) → parsed value, for every text that a link may take over.

    Args:
        known: (key, text) → parsed value, for the keys that have texts of their own.
    """
    targets = {one.key: target(one) for one in assignments if target(one)}
    found: dict[tuple[str, str], Any] = {}
    for key in targets:
        end = key
        while end in targets:
            end = targets[end]
        defaults = [catalog.top, *catalog.readable(_group(end)).values()]
        found |= {(key, as_text(keys[end])): keys[end] for keys in defaults if end in keys}
        found |= {(key, text): value for (own, text), value in known.items() if own == end}
    return found


def resolved(one: Assignment, request: Request, options: Options) -> Assignment:
    """Returns an assignment with the values of its target, so that they are checked like its own."""
    seen = {one.key}
    found = one
    while (key := target(found)) and key not in seen:
        seen.add(key)
        defaults = tuple(dict.fromkeys(_defaults(key, request, options)))
        of_conf = Assignment(key, "", tuple(map(as_text, defaults)), defaults, False, one.origin)
        found = next((other for other in request.everything if other.key == key), of_conf)
    return replace(one, values=() if target(found) else found.values, interval=found.interval)


def mistakes(one: Assignment, options: Options, request: Request) -> Iterator[str]:
    """Yields the mistakes of a link: it is one of several values, has a condition, is part of a circle, or some trial lacks its target.

    `options` are those of the trials that the assignment belongs to.
    """
    key = target(one)
    if not key:
        return
    targets, chain = {other.key: target(other) for other in request.everything}, [one.key]
    while targets.get(chain[-1]) and chain[-1] not in chain[:-1]:
        chain.append(targets[chain[-1]])
    if chain[-1] in chain[:-1]:
        yield f"{one.origin}: {' → '.join(chain)} is a circle; expected a key with a value of its own at its end."
    if one.swept or any(one is other for _, other in request.when):
        yield f"{one.origin}: a link stands for all values of the other key; expected it alone, in params or on the command line."
    if any(other.key == key and other.prefix for other in request.everything):
        return
    group = _group(key)
    found = {name: request.catalog.keys(group, name) for name in options.get(group, ())} or {"": request.catalog.top}
    lacking = [f"{group}={name}" if name else "conf/" for name, keys in found.items() if key not in keys]
    if lacking:
        known = [path for keys in found.values() for path in keys]
        hint = did_you_mean(key, dict.fromkeys(known)) if key not in known else "."
        yield f"{one.origin}: {' and '.join(lacking)} has no {key!r}{hint} Expected a key that every trial has."


def _defaults(key: str, request: Request, options: Options) -> Iterator[Any]:
    group = _group(key)
    for keys in (request.catalog.top, *(request.catalog.keys(group, option) for option in options.get(group, ()))):
        if key in keys and not isinstance(keys[key], dict | list):
            yield keys[key]
