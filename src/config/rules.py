"""What a value may be: its type is that of the default in conf/, its range depends on the last word of its path."""

import math
from collections.abc import Callable
from typing import Any

from src.config.paths import ROOT

KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a word", list: "a list", dict: "a mapping"}
Rule = tuple[str, Callable[[Any], bool]]

AT_LEAST_ONE: Rule = ("at least 1", lambda value: value >= 1)
AT_LEAST_ZERO: Rule = ("at least 0", lambda value: value >= 0)
SHARE: Rule = ("at least 0 and below 1", lambda value: 0 <= value < 1)
POSITIVE: Rule = ("above 0", lambda value: value > 0)
ENGINES = [file.stem for file in sorted((ROOT / "src" / "training").glob("*.py")) if "\ndef fit(" in file.read_text()]
OPEN = ("???", "auto", "${")  # defaults that do not tell the type of a value
RULES: dict[str, Rule] = {
    **dict.fromkeys(("epochs", "batch_size", "units", "max_iter", "threads", "max_trials", "max_epochs"), AT_LEAST_ONE),
    **dict.fromkeys(("seed", "split_seed"), ("at least 0 and below 4294967296", lambda value: 0 <= value < 2**32)),
    **dict.fromkeys(("dropout", "momentum", "rho", "beta_1", "beta_2"), SHARE),
    **dict.fromkeys(("learning_rate", "epsilon"), POSITIVE),
    "initial_accumulator_value": AT_LEAST_ZERO,
    "validation_split": ("above 0 and below 1", lambda value: 0 < value < 1),
    "patience": ("at least 0, or null for off", lambda value: value >= 0),
    "folds": ("at least 2, or null for off", lambda value: value >= 2),
    "max_minutes": ("above 0, or null for off", lambda value: value > 0),
    "max_failures": ("at least 1, or null for off", lambda value: value >= 1),
    "retry": ("failed, or null", lambda value: value == "failed"),
    "allow": ("of budget and space", lambda value: set(value) <= {"budget", "space"}),
    "engine": (f"one of {', '.join(ENGINES)}", lambda value: value in ENGINES),
    "workers": ("auto, or at least 1", lambda value: value == "auto" or (type(value) is int and value >= 1)),
    "gpus_per_trial": ("at least 0; above 1 a whole one", lambda value: value >= 0 and (value < 1 or value % 1 == 0)),
    "minutes_per_trial": ("above 0, or null for off", lambda value: value > 0),
    "keep": ("best or last", lambda value: value in ("best", "last")),
}


def expected(key: str, value: Any, default: Any) -> str | None:
    """What was expected instead of a value, or None where the value will do.

    >>> expected("training.epochs", -5, 20)
    'a whole number, at least 1'
    >>> expected("optimizer.learning_rate", "abc", 0.1), expected("optimizer.learning_rate", 1, 0.1)
    ('a number, above 0', None)
    """
    text, holds = RULES.get(key.rpartition(".")[2], ("", lambda _: True))
    if value is None and (default is None or "null" in text):
        return None
    kind = type(default) if default is not None else type(value)
    number = float(value) if kind is float and type(value) is int else value
    if isinstance(default, str) and default.startswith(OPEN):
        kind = type(value)
    finite = not isinstance(number, float) or math.isfinite(number)
    if type(number) is kind and finite and (not text or _holds(holds, number)):
        return None
    return ", ".join(filter(None, [KINDS.get(kind, ""), text])) or "a finite number"


def _holds(rule: Callable[[Any], bool], value: Any) -> bool:
    try:
        return rule(value)
    except TypeError:  # a word, where numbers are compared
        return False
