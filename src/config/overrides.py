"""One override, `optimizer.learning_rate=0.1,0.01`, as Hydra's own parser reads it."""

import math
import random
import re
from dataclasses import dataclass
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, IntervalSweep, Override, RangeSweep, Sweep
from hydra.errors import HydraException

PLAIN = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-+/%@?|*")
NOTHING = "''"  # how a shell is given an empty argument
MOST_VALUES = 100_000  # of one key; as many as a grid may have points


@dataclass(frozen=True)
class Interval:
    """Numbers from `low` to `high`, both included; drawn evenly, or evenly in their logarithm."""

    low: float
    high: float
    integer: bool = False
    log: bool = False


@dataclass(frozen=True)
class Assignment:
    """A key and the values that were asked for it; several values, or an interval, are an axis of the sweep."""

    key: str  # its config path, "optimizer.learning_rate"
    prefix: str  # "", "+" or "++": how Hydra is told
    texts: tuple[str, ...]  # the values in Hydra's grammar
    values: tuple[Any, ...]  # the same, parsed
    swept: bool
    origin: str  # what the user wrote, for messages
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
        """The override that sets this key to one of its values."""
        return f"{self.prefix}{self.key}={text}"


def as_text(value: Any) -> str:
    """A value from YAML in the grammar of Hydra's overrides.

    >>> as_text(["a", None, 0.1, {"b": True}]), as_text("it's, quoted")
    ('[a,null,0.1,{b:true}]', "'it\\\\'s, quoted'")
    """
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list):
        return f"[{','.join(map(as_text, value))}]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}:{as_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, str) and (not value or not set(value) <= PLAIN or value.lower() in ("null", "true", "false") or _is_number(value)):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return str(value)


def joined(value: Any) -> str:
    """An entry of `hydra.sweeper.params`: a list, or text in Hydra's grammar, is swept.

    >>> joined([0.0, None]), joined("sgd,adam"), joined(3)
    ('0.0,null', 'sgd,adam', '3')
    """
    if isinstance(value, list):
        return ",".join(map(as_text, value))
    return value if isinstance(value, str) else as_text(value)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


class Parser:
    """Reads overrides one by one, so that one mistake does not hide the next."""

    def __init__(self, loader: ConfigLoader) -> None:
        self._parse = OverridesParser.create(config_loader=loader).parse_overrides

    def read(self, line: str, origin: str = "") -> Assignment:
        """Parses one override.

        Raises:
            ValueError: it does not parse; the message says where.
        """
        try:
            line.encode()  # fails where the terminal gave bytes that are no text
            [override] = self._parse([line])
            if override.package is not None:
                raise HydraException(f"there is no place {override.package!r} to put a group; expected {override.key_or_group}=….")
            value = override.value()
            interval = _interval(value) if isinstance(value, IntervalSweep) else None
            texts = () if interval else tuple(_texts(override))
            values = tuple(_number(text) if override.is_range_sweep() else self._parse([f"x={text}"])[0].value() for text in texts)
        except (HydraException, ArithmeticError, ValueError, RecursionError) as error:
            raise ValueError(
                f"{origin or line or NOTHING}: {said(error)} Expected key=value; quote odd characters: \"key='…'\"."
            ) from error
        prefix = "++" if override.is_force_add() else "+" if override.is_add() else ""
        return Assignment(override.key_or_group, prefix, texts, values, override.is_sweep_override(), origin or line, interval)


def said(error: BaseException) -> str:
    """What Hydra or OmegaConf says, in one line and without the places in their own code.

    >>> said(ValueError("Interpolation key 'x' not found\\n    full_key: note"))
    "Interpolation key 'x' not found."
    """
    words = " ".join(re.split("See https|full_key:", str(error))[0].split())
    return f"{words.rstrip('.')}."


def _texts(override: Override) -> list[str]:
    """The values in Hydra's grammar; shuffled ones in an order that the line alone decides, so that a sweep can be resumed."""
    if override.is_delete():
        raise HydraException("a key can not be deleted.")
    if not override.is_sweep_override():
        return [override.get_value_string()]
    sweep = override.value()
    if tags := getattr(sweep, "tags", None):
        raise HydraException(f"tag {', '.join(sorted(tags))} says nothing about listed values; expected none.")
    if isinstance(sweep, RangeSweep):
        _check_range(sweep.start or 0, sweep.stop or 0, sweep.step)
    if isinstance(sweep, ChoiceSweep) and any(isinstance(element, Sweep) for element in sweep.list):
        raise HydraException("a list of values in a list of values; expected one list, such as choice(1,2,4).")
    before = random.getstate()
    random.seed(override.input_line)
    texts = list(override.sweep_string_iterator())
    random.setstate(before)
    if isinstance(sweep, RangeSweep):  # whose sums of fractions are not exact: 0.7000000000000001
        return [repr(round(float(text), 12)) if "." in text else text for text in texts]
    return texts


def _check_range(start: float, stop: float, step: float) -> None:
    """A range is written out, so that its end must come."""
    if not step or not (stop - start) // step <= MOST_VALUES:
        raise HydraException(f"a range from {start} to {stop} in steps of {step}; expected at most {MOST_VALUES:,} values.")


def _number(text: str) -> float:
    return float(text) if set(text) & set(".e") else int(text)


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
