"""The output for people: progress while a sweep runs, the table and the next commands when it ends."""

import logging
import math
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from src.columns import figure, fitted
from src.objective import Objective
from src.redaction import Redacting, printable

NO_TRIALS = Objective("", "max")  # for a terminal that shows no trials
PIPE_SECONDS = 30  # shortest time between two lines about epochs on a pipe


def seconds_text(seconds: float) -> str:
    """Formats a duration for people.

    >>> seconds_text(9.6), seconds_text(75), seconds_text(7350)
    ('10 s', '1 min 15 s', '2 h 2 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def agreed(question: str) -> bool:
    """Asks a question, and returns True for yes; False if there is no terminal."""
    return sys.stdin.isatty() and input(f"{question} [y/N] ").strip().lower() in ("y", "yes")


class _Warnings(logging.Handler):
    """Prints warnings of the log on a terminal."""

    def __init__(self, terminal: "Terminal") -> None:
        super().__init__(logging.WARNING)
        self._terminal = terminal
        self.setFormatter(Redacting("%(levelname)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self._terminal.say(self.format(record))


class Terminal:
    """Shows a bar per sweep and per trial on a terminal, plain lines on a pipe.

    Args:
        objective: of the trials.
    """

    def __init__(self, objective: Objective = NO_TRIALS) -> None:
        live = sys.stdout.isatty()  # not FORCE_COLOR: Jupyter sets it, and it would draw bars into a pipe
        self.console = Console(soft_wrap=True, highlight=False, force_terminal=live)
        self._total: int | None = None
        self._objective = objective
        self._live = self.console.is_terminal
        self._warnings = _Warnings(self)
        self._entered = False
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[note]}"),
            console=self.console,
            transient=True,
            disable=not self._live,
        )
        self._sweep = self._progress.add_task("sweep", total=None, note="")
        self._bars: dict[int, TaskID] = {}
        self._names: dict[int, str] = {}
        self._epochs: dict[int, int | None] = {}
        self._started: dict[int, float] = {}
        self._ended = self._ended_before = 0
        self._spoken = time.monotonic()

    def __enter__(self) -> "Terminal":
        self._entered = True
        self._progress.start()
        logging.getLogger("src").addHandler(self._warnings)
        return self

    def __exit__(self, *_: object) -> None:
        self.rest()
        logging.getLogger("src").removeHandler(self._warnings)

    def begin(self, total: int | None, ended: int, sweep: str = "") -> None:
        """Shows that trials follow.

        Args:
            total: upper bound on their number, if it is known.
            ended: the number of trials that ended before.
            sweep: its id, for programs.
        """
        self._total, self._ended, self._ended_before = total, ended, ended
        self._progress.update(self._sweep, total=total, completed=ended)
        self._begun = time.monotonic()

    def rest(self) -> None:
        """Removes the bars."""
        self._progress.stop()

    def say(self, text: str) -> None:
        """Prints lines above the bars. A terminal breaks long lines between words, except indented ones, which people copy."""
        lines = printable(text).split("\n")
        if self.width:
            lines = [line if line.startswith("  ") else self._wrapped(line) for line in lines]
        self.console.print("\n".join(lines), markup=False)

    def command(self, command: str, what: str = "") -> None:
        """Prints a command to type, and what it does beside it, or below it if the terminal is too narrow."""
        line = f"  {command}    {what}".rstrip()
        fits = not what or not self.width or len(line) <= self.width
        self.say(line if fits else f"  {command}\n      {what}")

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """Shows what takes seconds, such as "loading TensorFlow": on a terminal until it is done, on the pipe of a sweep as a line."""
        if not self._live:
            if self._entered:
                self.say(f"{what} …")
            yield
        elif self._progress.live.is_started:
            self._progress.update(self._sweep, note=f"{what} …")
            yield
            self._progress.update(self._sweep, note="")
        else:
            with self.console.status(f"{what} …"):
                yield

    @property
    def width(self) -> int | None:
        """The number of characters of a line; None on a pipe."""
        return self.console.width if self._live else None

    def _wrapped(self, line: str) -> str:
        """Breaks a line between words; long words stay whole, so that they can be copied."""
        return textwrap.fill(line, self.width or 80, break_long_words=False, break_on_hyphens=False) or line

    def started(self, number: int, name: str, epochs: int | None) -> None:
        """Shows that a trial starts.

        Args:
            epochs: upper bound on its epochs, if it is known.
        """
        if self._total and number >= self._total:  # somebody added it
            self._total = number + 1
            self._progress.update(self._sweep, total=self._total)
        total = f" of {self._total}" if self._total else ""
        suffix = f"  {printable(name)}" if name else ""
        self._names[number] = f"trial {number + 1}{total}{suffix}"
        self._epochs[number], self._started[number] = epochs, time.monotonic()
        self._bars[number] = self._progress.add_task(self._names[number], total=epochs, note="starts")

    def epoch(self, number: int, epoch: int, metrics: dict[str, float]) -> None:
        """Shows that a trial finished an epoch; on a pipe at most every PIPE_SECONDS."""
        now = time.monotonic()
        most, each = self._epochs[number], (now - self._started[number]) / epoch
        note = f"epoch {epoch}{f' of {most}' if most else ''}, {self._objective.name} {figure(metrics.get(self._objective.name, math.nan))}"
        note += f", at most {seconds_text(each * (most - epoch))} left" if most else ""
        self._progress.update(self._bars[number], completed=epoch, note=note)
        if not self._live and now - self._spoken > PIPE_SECONDS:
            self._spoken = now
            self.say(f"{self._names[number]}: {note}")

    def ended(self, number: int, state: str, score: float | None, seconds: float, cause: str) -> None:
        """Prints how a trial ended."""
        self._progress.remove_task(self._bars.pop(number))
        self._ended += 1
        left = self._left()
        if score is None:
            value = f"{state} {cause}"
        else:
            value = f"{self._objective.name} {figure(score)}"
            value += f", {state}: {cause}" if cause else ""
        self._progress.update(self._sweep, completed=self._ended, note=left)
        suffix = f"; {left}" if left and not self._live else ""
        self.say(f"{self._names[number]}: {value}, {seconds_text(seconds)}{suffix}")

    def failed(self, number: int, cause: str) -> None:
        """Prints that a trial without a bar failed."""
        self._ended += 1
        self._progress.update(self._sweep, completed=self._ended)
        self.say(f"trial {number + 1}: FAILED {cause}")

    def lost(self, number: int, cause: str) -> None:
        """Prints that the process of a trial died."""
        self._progress.remove_task(self._bars.pop(number))
        self.say(f"{self._names[number]}: {cause}")

    def _left(self) -> str:
        """Returns the estimated time that the sweep still takes; empty if the number of its trials is not known."""
        if not self._total or self._ended >= self._total:
            return ""
        each = (time.monotonic() - self._begun) / (self._ended - self._ended_before)
        return f"about {seconds_text(each * (self._total - self._ended))} left"

    def table(self, title: str, rows: list[dict[str, str]], complete: str = "", exact: list[dict[str, Any]] | None = None) -> None:
        """Prints a table of texts. Leaves out columns that are empty in every row, and columns that do not fit the terminal.

        Args:
            complete: command that prints it with every column; empty if there is none.
            exact: the same rows with numbers, for programs.
        """
        rows = [{name: printable(text) for name, text in row.items()} for row in rows]
        found = fitted(rows, self.width)
        title = self._wrapped(printable(title)) if self.width else printable(title)
        self.console.print("\n".join([title, *found.header]), style="bold", markup=False)
        if found.body:
            self.console.print("\n".join(found.body), markup=False)
        if found.left_out:
            self.say(f"left out at {self.width} columns: {', '.join(found.left_out)}")
            if complete:
                self.command(f"{complete} | cat", "shows them")
