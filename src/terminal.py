"""The output for people: progress while a sweep runs, the table and the next commands when it ends."""

import logging
import math
import sys
import textwrap
import time

from rich.console import Console
from rich.logging import RichHandler
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Table

from src.objective import Objective
from src.redaction import Redacting, printable

PIPE_WIDTH = 1000  # columns; a file has no edge to wrap at
PIPE_SECONDS = 30  # on a pipe, the least time between two lines about epochs


def seconds_text(seconds: float) -> str:
    """A duration as people say it.

    >>> seconds_text(9.6), seconds_text(75), seconds_text(7350)
    ('10 s', '1 min 15 s', '2 h 2 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def paragraph(text: str) -> str:
    """Breaks a long sentence into lines of 80 columns; words of any length stay whole, so that they can be copied."""
    return textwrap.fill(text, 80, break_long_words=False, break_on_hyphens=False)


class Terminal:
    """Shows a bar per sweep and per trial on a terminal, plain lines on a pipe."""

    def __init__(self, objective: Objective) -> None:
        live = sys.stdout.isatty()  # not FORCE_COLOR: Jupyter sets it, and it would draw bars into a pipe
        self.console = Console(soft_wrap=True, highlight=False, force_terminal=live)
        if not self.console.is_terminal:
            self.console.width = PIPE_WIDTH
        self._total: int | None = None
        self._objective = objective
        self._live = self.console.is_terminal
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
        self._progress.start()
        handler = RichHandler(logging.WARNING, self.console, show_time=False, show_path=False)
        handler.setFormatter(Redacting())
        logging.getLogger("src").addHandler(handler)
        return self

    def __exit__(self, *_: object) -> None:
        self.rest()

    def begin(self, total: int | None, ended: int) -> None:
        """Shows that trials follow.

        Args:
            total: upper bound on their number, if it is known.
            ended: the number of trials that ended before.
        """
        self._total, self._ended, self._ended_before = total, ended, ended
        self._progress.update(self._sweep, total=total, completed=ended)
        self._begun = time.monotonic()

    def rest(self) -> None:
        """Removes the bars; lines and tables may follow."""
        self._progress.stop()

    def say(self, text: str) -> None:
        """Prints one line, above the bars."""
        self.console.print(printable(text), markup=False)

    def started(self, number: int, name: str, epochs: int | None) -> None:
        """Shows that a trial starts.

        Args:
            epochs: upper bound on its epochs, if it is known.
        """
        total = f" of {self._total}" if self._total else ""
        suffix = f"  {printable(name)}" if name else ""
        self._names[number] = f"trial {number + 1}{total}{suffix}"
        self._epochs[number], self._started[number] = epochs, time.monotonic()
        self._bars[number] = self._progress.add_task(self._names[number], total=epochs, note="starts")

    def epoch(self, number: int, epoch: int, metrics: dict[str, float]) -> None:
        """Shows that a trial finished an epoch; on a pipe, not every one."""
        now = time.monotonic()
        most, each = self._epochs[number], (now - self._started[number]) / epoch
        note = f"epoch {epoch}{f' of {most}' if most else ''}, {self._objective.name} {metrics.get(self._objective.name, math.nan):.4f}"
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
        value = f"{self._objective.name} {score:.4f}" if score is not None else f"{state} {cause}"
        if score is not None and cause:
            value += f", {state}: {cause}"
        self._progress.update(self._sweep, completed=self._ended, note=left)
        suffix = f"; {left}" if left and not self._live else ""
        self.say(f"{self._names[number]}: {value}, {seconds_text(seconds)}{suffix}")

    def failed(self, number: int, cause: str) -> None:
        """Reports that a trial without a bar is given up."""
        self._ended += 1
        self._progress.update(self._sweep, completed=self._ended)
        self.say(f"trial {number + 1}: FAILED {cause}")

    def lost(self, number: int, cause: str) -> None:
        """Prints that the process of a trial died."""
        self._progress.remove_task(self._bars.pop(number))
        self.say(f"{self._names[number]}: {cause}")

    def _left(self) -> str:
        """The time that the sweep still takes, estimated from the trials so far; empty if their number is not known."""
        if not self._total or self._ended >= self._total:
            return ""
        each = (time.monotonic() - self._begun) / (self._ended - self._ended_before)
        return f"about {seconds_text(each * (self._total - self._ended))} left"

    def table(self, title: str, rows: list[dict[str, str]]) -> None:
        """Prints a table of texts, without the columns that are empty in every row."""
        table = Table(title=printable(title), title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="bold")
        columns = [name for name in (rows[0] if rows else {}) if any(row[name] for row in rows)]
        for name in columns:
            numeric = all(_is_number(row[name]) for row in rows)
            table.add_column(name, no_wrap=name not in ("cause", "state"), overflow="fold", justify="right" if numeric else "left")
        for row in rows:
            table.add_row(*(printable(row[name]) for name in columns))
        self.console.print(table, soft_wrap=not self._live, markup=False)


def _is_number(text: str) -> bool:
    """True if a cell is a number or empty."""
    return not text or text.replace(".", "", 1).replace("-", "").isdigit()
