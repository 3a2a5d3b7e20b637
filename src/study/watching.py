"""Shows a running sweep in another terminal. It only reads, so it may be ended in any way at any time."""

import os
import select
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.live import Live
from rich.text import Text

from src.exits import interruption_says
from src.redaction import printable
from src.study import view
from src.study.overview import Overview, SweepState, look
from src.terminal import Terminal

SECONDS = 1.0  # between two looks


def watch(folder: Path, terminal: Terminal, most: int) -> Overview:
    """Redraws the state of a sweep, with at most `most` of its best trials, until it ends or the user types q.

    On a pipe it only waits for the end. Returns the last state.
    """
    if terminal.width is None:
        while (found := look(folder, most)).state == SweepState.RUNNING:
            time.sleep(SECONDS)
        return found
    with (
        interruption_says("the sweep goes on"),
        _keys() as pressed,
        Live(console=terminal.console, screen=True, auto_refresh=False) as live,
    ):
        while (found := look(folder, most)).state == SweepState.RUNNING:
            lines = [*view.lines(found, terminal.console.width), "", "q ends this view; the sweep goes on"]
            live.update(Text(printable("\n".join(lines)), overflow="fold"), refresh=True)
            if pressed() in ("q", "Q"):
                break
    return found


def _no_key() -> str:
    time.sleep(SECONDS)
    return ""


@contextmanager
def _keys() -> Iterator[Callable[[], str]]:
    """Yields a function that waits at most a second for a key, and returns it or "". Keys need no Enter, and are not shown."""
    if not sys.stdin.isatty():
        yield _no_key
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor)
    try:
        yield lambda: os.read(descriptor, 1).decode(errors="replace") if select.select([descriptor], [], [], SECONDS)[0] else ""
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
