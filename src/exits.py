"""The exit codes of every command, and the context manager that turns errors and signals into them.

0 done · 1 a trial failed, or MLflow refused a record · 2 bad input, a store that does not answer, or a full disk · 3 refused by a gate ·
130, 143 and 129 interrupted by Ctrl-C, SIGTERM and SIGHUP; a sweep can go on.
"""

import os
import signal
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from src.errors import TrialbookError
from src.redaction import printable

FAILED, BAD_INPUT, GATE_REFUSED = 1, 2, 3
ENDING = (signal.SIGTERM, signal.SIGHUP)  # beside Ctrl-C, which Python itself raises as KeyboardInterrupt


class Interrupted(KeyboardInterrupt):
    """A signal that ends the command. Its notes are printed.

    Attributes:
        number: of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


@contextmanager
def exit_on_error() -> Iterator[None]:
    """Prints a TrialbookError, an MLflow error or an interruption without its traceback, and exits."""
    try:
        with _raising():
            yield
    except TrialbookError as error:
        _exit(str(error), BAD_INPUT)
    except KeyboardInterrupt as error:
        number = getattr(error, "number", signal.SIGINT)
        by = "" if number == signal.SIGINT else f" by {signal.Signals(number).name}"
        _exit("; ".join([f"interrupted{by}", *getattr(error, "__notes__", [])]), 128 + number)
    except Exception as error:
        mlflow = sys.modules.get("mlflow.exceptions")  # importing it takes a second
        if not mlflow or not isinstance(error, mlflow.MlflowException):
            raise
        reason = str(error).partition("\n")[0]
        _exit(f"MLflow: {reason}. Expected a store that answers and may be written: python -m src.doctor", BAD_INPUT)


@contextmanager
def interruption_says(note: str) -> Iterator[None]:
    """Adds a note to an interruption."""
    try:
        yield
    except KeyboardInterrupt as error:
        error.add_note(note)
        raise


def not_ignored(numbers: tuple[signal.Signals, ...]) -> list[signal.Signals]:
    """Returns the signals that this process does not ignore. nohup ignores SIGHUP, background jobs of a script ignore Ctrl-C."""
    return [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]


def without_terminal() -> None:
    """Discards output if the terminal is gone, because writing to it would fail."""
    for stream in (1, 2):
        if stat.S_ISCHR(os.fstat(stream).st_mode) and not os.isatty(stream):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream)
            os.close(nowhere)


@contextmanager
def _raising() -> Iterator[None]:
    """Makes signals that end a command raise Interrupted, so that unfinished work is cleaned up."""
    if threading.current_thread() is not threading.main_thread():  # Python lets no other thread handle signals
        yield
        return
    before = {number: signal.signal(number, _interrupt) for number in not_ignored(ENDING)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(number: int, _: FrameType | None) -> None:
    if number == signal.SIGHUP:
        without_terminal()
    raise Interrupted(number)


def _exit(text: str, code: int) -> None:
    print(printable(text), file=sys.stderr)  # noqa: T201  the one place where errors reach the terminal
    sys.exit(code)
