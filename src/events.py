"""The output for programs, `format=json`: a line of JSON per event on stdout, in place of bars, lines and tables.

Events and their keys: begun (sweep, trials, ended), started (trial, name, epochs), epoch (trial, epoch, metrics), ended (trial, state,
score, seconds, cause), lost (trial, cause), table (title, rows, left_out), waiting (for), note (text), command (command, what).
Trials count from 1. A number that is not finite is null.
"""

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from src.objective import Objective
from src.redaction import all_redacted
from src.terminal import Terminal

MOST_ROWS = 20  # of a table; the command beside it shows all
DIGITS = 6  # significant digits of a number


class Events(Terminal):
    """Prints a line of JSON per event, in place of the Terminal's output."""

    def __init__(self, objective: Objective) -> None:
        super().__init__(objective)
        self._progress.disable = True

    def begin(self, total: int | None, ended: int, sweep: str = "") -> None:
        """Prints that trials follow."""
        _print("begun", sweep=sweep, trials=total, ended=ended)

    def rest(self) -> None:
        """Does nothing, because there are no bars."""

    def say(self, text: str) -> None:
        """Prints a text for people as a note."""
        if text.strip():
            _print("note", text=text.strip())

    def command(self, command: str, what: str = "") -> None:
        """Prints a command to type next."""
        _print("command", command=command, what=what)

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """Prints what takes seconds."""
        _print("waiting", **{"for": what})
        yield

    def started(self, number: int, name: str, epochs: int | None) -> None:
        """Prints that a trial starts."""
        _print("started", trial=number + 1, name=name, epochs=epochs)

    def epoch(self, number: int, epoch: int, metrics: dict[str, float]) -> None:
        """Prints that a trial finished an epoch."""
        _print("epoch", trial=number + 1, epoch=epoch, metrics=metrics)

    def ended(self, number: int, state: str, score: float | None, seconds: float, cause: str) -> None:
        """Prints how a trial ended."""
        _print("ended", trial=number + 1, state=str(state), score=score, seconds=seconds, cause=cause)

    def failed(self, number: int, cause: str) -> None:
        """Prints that a trial without a bar failed."""
        _print("ended", trial=number + 1, state="FAILED", score=None, seconds=None, cause=cause)

    def lost(self, number: int, cause: str) -> None:
        """Prints that the process of a trial died."""
        _print("lost", trial=number + 1, cause=cause)

    def table(self, title: str, rows: list[dict[str, str]], complete: str = "", exact: list[dict[str, Any]] | None = None) -> None:
        """Prints a table, with numbers instead of texts if they are known."""
        found: list[Any] = list(exact or rows)
        _print("table", title=title, rows=found[:MOST_ROWS], left_out=max(0, len(found) - MOST_ROWS))
        if complete:
            self.command(f"{complete} format=json", "all rows")


def as_json(value: Any) -> str:
    """Returns compact JSON; numbers have six significant digits.

    >>> as_json([{"rank": "1", "score": 0.885416668653, "last": None}])
    '[{"rank":"1","score":0.885417,"last":null}]'
    """
    return json.dumps(_plain(value), separators=(",", ":"), ensure_ascii=False)


def _print(event: str, **facts: Any) -> None:
    print(json.dumps(_plain(all_redacted({"event": event, **facts})), ensure_ascii=False), flush=True)  # noqa: T201  this is the output


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value
