"""The types and ranges of values. The default in conf/ gives the type; the config path, or its last word, gives the range."""

import math
import posixpath
import re
import sys
from collections.abc import Callable
from typing import Any

from src import tasks
from src.config.paths import ROOT

KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a word", list: "a list", dict: "a mapping"}
Rule = tuple[str, Callable[[Any], bool]]
ANYTHING: Rule = ("", lambda _: True)


def _whole(least: int, words: str = "") -> Rule:
    """Returns a rule for keys whose default in conf/ does not show that they are whole numbers."""
    return f"a whole number, at least {least}{words}", lambda value: type(value) is int and value >= least


def _word(words: str) -> Rule:
    return words, lambda value: isinstance(value, str) and value != ""


LONGEST_NAME, LONGEST_PARAMETER, LONGEST_TAG = 250, 6000, 5000  # characters that every version of MLflow takes
RESERVED = ("mlflow.", "trialbook.")  # prefixes of tags that MLflow and Trialbook set themselves
TAG = re.compile(r"\w[\w.: -]*(/\w[\w.: -]*)*")


def unrecordable(name: str) -> str:
    """Returns the rule of MLflow that a name of a parameter, metric or tag breaks; empty if it breaks none.

    >>> unrecordable("kept/top 3"), unrecordable("top@3")
    ('', 'letters, digits, spaces and / _ . - :')
    """
    if len(name) > LONGEST_NAME:
        return f"at most {LONGEST_NAME} characters"
    if not re.fullmatch(r"[/\w.\- :]+", name):
        return "letters, digits, spaces and / _ . - :"
    is_path = posixpath.normpath(name) != name or name == "." or name.startswith(("/", ".."))
    return "no name that would be another path, such as a//b or ../a" if is_path else ""


def _is_tag(word: Any) -> bool:
    text = str(word)
    return bool(TAG.fullmatch(text)) and not unrecordable(text) and not text.lower().startswith(RESERVED)


NAME = re.compile(r"(?=.*[^\d])\w[\w.-]{0,99}")
AT_LEAST_ONE: Rule = ("at least 1", lambda value: value >= 1)
AT_LEAST_ZERO: Rule = ("at least 0", lambda value: value >= 0)
SHARE: Rule = ("at least 0 and below 1", lambda value: 0 <= value < 1)
POSITIVE: Rule = ("above 0", lambda value: value > 0)
ENGINE_TEXTS = {file.stem: file.read_text() for file in sorted((ROOT / "src" / "training").glob("*.py"))}
ENGINE_FILES = [name for name, text in ENGINE_TEXTS.items() if "\ndef fit(" in text]
ENGINES = {"keras" if name == "plain_fit" else name: name for name in ENGINE_FILES}  # name → module of src/training/
REPORTING = [name for name, text in ENGINE_TEXTS.items() if "\nREPORTS = " in text]  # engines with metrics of their own
OPEN = ("???", "auto", "${")  # defaults that do not show the type of a value
KINDS_OF_TASK = [kind for kind in tasks.KINDS if kind != "several"]
PRECISIONS = ("float32", "mixed_float16", "mixed_bfloat16")
PER_OUTPUT = "; of several outputs a mapping with one for each"
OF_THE_SWEEP: dict[str, Rule] = {  # full paths in config.yaml itself; an option may have a key that ends in the same word
    "name": (
        "letters, digits and . _ -, not digits alone, and neither latest nor all; or null",
        lambda value: isinstance(value, str) and bool(NAME.fullmatch(value)) and value not in ("latest", "all"),
    ),
    "like": (
        "latest, a sweep's name or id, NAME:2 for the second row of its table, or a run's id; or null",
        lambda value: not isinstance(value, list | dict | bool),
    ),
    "resume": _word("latest or a sweep's id, or null"),
    "note": (
        f"words, or null; at most {LONGEST_TAG} characters",
        lambda value: not isinstance(value, list | dict) and len(str(value)) <= LONGEST_TAG,
    ),
    "tags": (
        f"of words; {' and '.join(f'{start}*' for start in RESERVED)} are set by MLflow and Trialbook",
        lambda value: all(map(_is_tag, value)),
    ),
    "format": ("table or json", lambda value: value in ("table", "json")),
    "notify": ("of the words of a command, numbers in quotes", lambda value: all(isinstance(word, str) and word for word in value)),
}
RULES: dict[str, Rule] = {
    **dict.fromkeys(("epochs", "batch_size", "units", "max_iter", "max_epochs"), AT_LEAST_ONE),
    "oracle.max_epochs": ("at least 1 and at most 1000", lambda value: 1 <= value <= 1000),
    "max_trials": ("at least 1 and at most 100000", lambda value: 1 <= value <= 100_000),
    **dict.fromkeys(("seed", "split_seed"), ("at least 0 and below 4294967296", lambda value: 0 <= value < 2**32)),
    **dict.fromkeys(("dropout", "momentum", "rho", "beta_1", "beta_2"), SHARE),
    **dict.fromkeys(("learning_rate", "epsilon"), POSITIVE),
    "initial_accumulator_value": AT_LEAST_ZERO,
    "validation_split": ("above 0 and below 1", lambda value: 0 < value < 1),
    "threads": _whole(1),
    "patience": _whole(0, ", or null for off"),
    "folds": _whole(2, ", or null for off"),
    "fold": _whole(0, ", or null for off"),
    "max_failures": _whole(1, ", or null for off"),
    **dict.fromkeys(("max_minutes", "minutes_per_trial"), ("above 0, or null for off", lambda value: value > 0)),
    "oracle.iterations": AT_LEAST_ONE,
    "oracle.min_epochs": AT_LEAST_ONE,
    "oracle.factor": _whole(2),
    "oracle.initial_points": _whole(1, ", or null"),
    "stop.trial": ("median, or null for off", lambda value: value == "median"),
    "stop.target": ("a number, or null for off", lambda value: type(value) in (int, float)),
    **dict.fromkeys(("tracking.uri", "tracking.experiment"), _word("a word")),
    "executor.address": _word("auto or HOST:PORT, or null"),
    "training.metrics": (
        f"auto, or a list of names or of mappings with _target_{PER_OUTPUT}",
        lambda value: value == "auto" or all(map(_are_metrics, _per_output(value))),
    ),
    "training.loss": (
        f"auto, {tasks.OWN}, a name, or a mapping with _target_{PER_OUTPUT}",
        lambda value: all(map(_is_loss, _per_output(value))),
    ),
    "data.task": (f"one of {', '.join(KINDS_OF_TASK)}{PER_OUTPUT}", lambda value: all(one in KINDS_OF_TASK for one in _per_output(value))),
    "training.class_weight": ("null, balanced, or a mapping of names of classes to numbers above 0", lambda value: _are_weights(value)),
    "training.phases": ("null, or a mapping of names to start, frozen and learning_rate", lambda value: isinstance(value, dict)),
    "training.precision": ("float32, mixed_float16 or mixed_bfloat16", lambda value: value in PRECISIONS),
    "split_by": ("random, stratified, time or group", lambda value: value in ("random", "stratified", "time", "group")),
    "training.callbacks": ("of mappings with _target_", lambda value: all(map(_named, value))),
    "retry": ("failed, or null", lambda value: value == "failed"),
    "allow": ("of budget and space", lambda value: set(value) <= {"budget", "space"}),
    **dict.fromkeys(("training.engine", "model.engine.name"), (f"one of {', '.join(ENGINES)}", lambda value: value in ENGINES)),
    **dict.fromkeys(
        ("training.validation_batch", "workers"),
        ("auto, or at least 1", lambda value: value == "auto" or (type(value) is int and value >= 1)),
    ),
    "gpus_per_trial": ("at least 0; above 1 a whole one", lambda value: value >= 0 and (value < 1 or value % 1 == 0)),
    "keep": ("best or last", lambda value: value in ("best", "last")),
}


def expected(key: str, value: Any, default: Any) -> str | None:
    """Returns a description of the expected value; None if the value is valid.

    >>> expected("training.epochs", -5, 20)
    'a whole number, at least 1'
    >>> expected("optimizer.learning_rate", "abc", 0.1), expected("optimizer.learning_rate", 1, 0.1)
    ('a number, above 0', None)
    >>> expected("model.dropout", True, False), expected("model.dropout", 2, 0.5)
    (None, 'a number, at least 0 and below 1')
    """
    rule = OF_THE_SWEEP.get(key) or RULES.get(key)
    if rule is None and not isinstance(default, bool):
        rule = RULES.get(key.rpartition(".")[2])
    text, holds = rule or ANYTHING
    if value is None and (default is None or "null" in text):
        return None
    untyped = default is None or (isinstance(default, str) and default.startswith(OPEN))
    kind = type(value) if untyped else type(default)
    if kind is float and type(value) is int and abs(value) < sys.float_info.max:
        value = float(value)
    is_infinite = isinstance(value, float) and not math.isfinite(value)
    if type(value) is kind and not is_infinite and _holds(holds, value):
        return None
    words = "" if untyped else KINDS.get(kind, "")
    if text.startswith(words):
        words = ""
    return ", ".join(filter(None, [words, text])) or "a finite number"


def _per_output(value: Any) -> list[Any]:
    """Returns the values for several outputs, or the only value."""
    return list(value.values()) if isinstance(value, dict) and "_target_" not in value else [value]


def _is_loss(value: Any) -> bool:
    return isinstance(value, str) or _named(value)


def _are_weights(value: Any) -> bool:
    return value == "balanced" or (isinstance(value, dict) and all(type(one) in (int, float) and one > 0 for one in value.values()))


def _are_metrics(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_loss, value))


def _named(node: Any) -> bool:
    """True if a mapping has a `_target_` and, if it has a name, the name is a text."""
    return isinstance(node, dict) and isinstance(node.get("_target_"), str) and isinstance(node.get("name", ""), str)


def _holds(rule: Callable[[Any], bool], value: Any) -> bool:
    try:
        return rule(value)
    except (TypeError, OverflowError):  # the rule compares numbers, and the value is a word
        return False
