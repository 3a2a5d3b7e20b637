"""Parses one override, such as `optimizer.learning_rate=0.1,0.01`, with Hydra's parser."""

import math
import random
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Glob, IntervalSweep, Override, RangeSweep, Sweep
from hydra.errors import HydraException

from src.errors import ConfigError

PLAIN = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-+/%@?|*")
NOTHING = "''"  # an empty argument in a shell
MOST_VALUES = 100_000  # of one key; as many as a grid may have points


@dataclass(frozen=True)
class Interval:
    """The numbers from `low` to `high`, ends included; with `log` they are drawn evenly in the logarithm."""

    low: float
    high: float
    integer: bool = False
    log: bool = False


@dataclass(frozen=True)
class Assignment:
    """A key and its values; several values, or an interval, make an axis of the sweep."""

    key: str  # its config path, "optimizer.learning_rate"
    prefix: str  # of the override: "", "+" or "++"
    texts: tuple[str, ...]  # the values in Hydra's grammar
    values: tuple[Any, ...]  # the same, parsed
    swept: bool
    origin: str  # the override as the user wrote it, for messages
    interval: Interval | None = None  # then there are no texts and values

    @property
    def group(self) -> str:
        """The first word of its path."""
        return self.key.partition(".")[0]

    @property
    def values_or_ends(self) -> tuple[Any, ...]:
        """All values, or the ends of the interval."""
        return (self.interval.low, self.interval.high) if self.interval else self.values

    def override(self, text: str) -> str:
        """Returns the override that sets this key to one of its values."""
        return f"{self.prefix}{self.key}={text}"


def as_text(value: Any) -> str:
    """Writes a value from YAML in the grammar of Hydra's overrides.

    Raises:
        ConfigError: a mapping has a key that Hydra would read as something else.

    >>> as_text(["a", None, 0.1, {"b": True}]), as_text("it's, quoted")
    ('[a,null,0.1,{b:true}]', "'it\\\\'s, quoted'")
    """
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, list):
        return f"[{','.join(map(as_text, value))}]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{_key_text(key)}:{as_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, str) and (not value or not PLAIN.issuperset(value) or _is_no_word(value)):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return str(value)


def joined(value: Any) -> str:
    """Writes an entry of `hydra.sweeper.params` as the values of an override; a list is swept.

    >>> joined([0.0, None]), joined("sgd,adam"), joined(3)
    ('0.0,null', 'sgd,adam', '3')
    """
    if isinstance(value, list):
        return ",".join(map(as_text, value))
    return value if isinstance(value, str) else as_text(value)


def key_of(word: str) -> str:
    """Returns the key of an override.

    >>> key_of("+optimizer.clipnorm=1")
    'optimizer.clipnorm'
    """
    return word.partition("=")[0].lstrip("+")


def _is_no_word(text: str) -> bool:
    """True if Hydra reads a text without quotes as a number, a boolean or null."""
    try:
        float(text)
    except ValueError:
        return text.lower() in ("null", "true", "false")
    return True


def _key_text(key: Any) -> str:
    if not isinstance(key, str):
        return as_text(key)
    if not key.strip() or _is_no_word(key):
        raise ConfigError([f"{{{key!r}: …}}: an override has no quotes for keys of a mapping; expected a word, or {key} without quotes."])
    return re.sub(r"([\\()\[\]{}:=, \t])", r"\\\1", key)


class Parser:
    """Parses overrides one by one, so that one mistake does not hide the next.

    Args:
        groups: group → its options. The value of a group is always the name of an option, even if it looks like a number.
    """

    def __init__(self, loader: ConfigLoader, groups: Mapping[str, list[str]]) -> None:
        self._parse = OverridesParser.create(config_loader=loader).parse_overrides
        self._groups = groups

    def read(self, line: str, origin: str = "") -> Assignment:
        """Parses one override.

        Raises:
            ValueError: it cannot be parsed; the message says where.
        """
        try:
            line.encode()  # fails if the terminal passed bytes that are no text
            with _drawn_by(line):
                [override] = self._parse([line])
                _check_kind(override)
                value = override.value()
                interval = _interval(value) if isinstance(value, IntervalSweep) else None
                texts = () if interval else tuple(_texts(override, self._groups.get(override.key_or_group)))
            values = tuple(number(text) if override.is_range_sweep() else self._value(text) for text in texts)
        except (HydraException, ArithmeticError, ValueError, RecursionError) as error:
            hint = "Expected key=value; quote odd characters: \"key='…'\"."
            raise ValueError(f"{origin or line or NOTHING}: {reason_of(error)} {hint}") from error
        key = override.key_or_group
        prefix = "+" if override.is_add() else ""
        if override.is_force_add():
            prefix = "++"
        if options := self._groups.get(key):
            values = tuple(self._name(value, options) for value in values)
            texts = tuple(as_text(value) if isinstance(value, str) else text for text, value in zip(texts, values, strict=True))
        return Assignment(key, prefix, texts, values, override.is_sweep_override(), origin or line, interval)

    def _value(self, text: str) -> Any:
        return self._parse([f"x={text}"])[0].value()

    def _name(self, value: Any, options: list[str]) -> Any:
        """Returns the option that Hydra parsed as a number: without quotes, 2026_11_26 becomes 20261126."""
        if value is None or isinstance(value, str | list | dict):
            return value
        alike = [option for option in options if _is_no_word(option) and repr(self._value(option)) == repr(value)]
        return alike[0] if len(alike) == 1 else value


def number(text: str) -> float:
    """Parses a whole number or a float as Python writes it."""
    return float(text) if set(text) & set(".e") else int(text)


def reason_of(error: BaseException) -> str:
    """Returns the message of an error of Hydra or OmegaConf in one line, without references to their code.

    >>> reason_of(ValueError("Interpolation key 'x' not found\\n    full_key: note"))
    "Interpolation key 'x' not found."
    """
    words = " ".join(re.split("See https|full_key:|Config search path:", str(error))[0].split())
    return words if words.endswith("?") else f"{words.rstrip('.')}."


def _check_kind(override: Override) -> None:
    """Raises a HydraException if an override does more than set a key."""
    if override.package is not None:
        raise HydraException(f"there is no place {override.package!r} to put a group; expected {override.key_or_group}=….")
    if override.is_delete():
        raise HydraException("a key cannot be deleted.")


@contextmanager
def _drawn_by(line: str) -> Iterator[None]:
    """Seeds the shuffles of a line with its text, so that a resumed sweep repeats them; Hydra shuffles while it parses."""
    before = random.getstate()
    random.seed(line)
    try:
        yield
    finally:
        random.setstate(before)


def _texts(override: Override, options: list[str] | None) -> list[str]:
    """Returns the values in Hydra's grammar, without functions: composing a trial would call these again, and shuffle anew."""
    written, sweep = override.get_value_string(), override.value()
    if not override.is_sweep_override():
        return [as_text(sweep) if "(" in written else written]
    if tags := getattr(sweep, "tags", None):
        raise HydraException(f"tag {', '.join(sorted(tags))} says nothing about listed values; expected none.")
    if isinstance(sweep, RangeSweep):
        return _range(sweep, written)
    if isinstance(sweep, ChoiceSweep) and any(isinstance(element, Sweep) for element in sweep.list):
        raise HydraException("a list of values in a list of values; expected one list, such as choice(1,2,4).")
    if isinstance(sweep, Glob) and options:
        return sweep.filter(options)  # Hydra's own does not look into folders
    if "(" in written:  # Hydra leaves out the quotes of the function str
        return [as_text(Override._convert_value(element)) for element in override.sweep_iterator()]
    return list(override.sweep_string_iterator())


def _range(sweep: RangeSweep, written: str) -> list[str]:
    """Writes out a range in exact numbers. Hydra adds floats: 0.7 becomes 0.7000000000000001, and the end may be included."""
    ends = sweep.start or 0, sweep.stop or 0, sweep.step
    too_many = HydraException("a range from {} to {} in steps of {}; expected at most {:,} values.".format(*ends, MOST_VALUES))
    if not all(map(math.isfinite, ends)) or not sweep.step:
        raise too_many
    start, stop, step = (Fraction(repr(end)) for end in ends)
    if (stop - start) / step > MOST_VALUES:
        raise too_many
    if "sort" in written and (stop - start) % step:
        raise HydraException("a sorted range goes beyond its end in Hydra; expected the range in the wanted order: range(9,0,-4).")
    exact = [start + step * count for count in range(math.ceil((stop - start) / step))]
    kind = int if all(isinstance(end, int) for end in ends) else float
    values = [kind(value) for value in exact if kind(value) != kind(stop)]
    if sweep.shuffle:
        random.shuffle(values)
    return list(map(repr, values))


def _interval(sweep: IntervalSweep) -> Interval:
    if unknown := sweep.tags - {"log"}:
        raise HydraException(f"there is no tag {', '.join(sorted(unknown))}; expected tag(log, interval(…)).")
    low, high, log = sweep.start, sweep.end, "log" in sweep.tags
    if low is None or high is None:
        raise HydraException("an interval has two ends; expected interval(low, high).")
    if not low < high or not math.isfinite(high - low):
        raise HydraException(f"an interval from {low} to {high} is empty; expected the smaller end first.")
    if log and low <= 0:
        raise HydraException(f"an interval from {low} has no logarithm; expected ends above 0.")
    return Interval(low, high, isinstance(low, int), log)
