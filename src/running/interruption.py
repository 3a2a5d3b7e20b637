"""Handles Ctrl-C, SIGTERM and SIGHUP: a signal only sets a flag, which the loop reads where it is safe to stop."""

import signal
from types import FrameType, TracebackType
from typing import Any

from src.exits import ENDING, Interrupted, not_ignored, without_terminal


class Interruption:
    """Handles signals while it is entered: the first Ctrl-C lets running trials finish; the second, SIGTERM or SIGHUP stops them.

    Signals that the process ignores stay ignored. Entering twice is the same as once; the first exit restores the old handlers.

    Args:
        at_once: the first Ctrl-C stops the running trial, which is the only one.

    Attributes:
        draining: no new trials start.
        stopping: running trials end as KILLED, too.
        code: the process's exit code; 0 without a signal.
    """

    def __init__(self, *, at_once: bool = False) -> None:
        self.draining = self.stopping = False
        self.code = 0
        self._at_once, self._by_command = at_once, False
        self._before: dict[signal.Signals, Any] = {}

    def ask(self, *, now: bool) -> None:
        """Acts on `python -m src.stop`: like the first Ctrl-C, or like SIGTERM if `now`."""
        self.draining, self.stopping = True, self.stopping or now or self._at_once
        if not self.code:
            self._by_command, self.code = True, 128 + signal.SIGINT

    def __enter__(self) -> "Interruption":
        if not self._before:
            self._before = {number: signal.signal(number, self._note) for number in not_ignored((signal.SIGINT, *ENDING))}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        while self._before:
            signal.signal(*self._before.popitem())

    @property
    def name(self) -> str:
        """The last signal, or the command that stopped the sweep."""
        return "python -m src.stop" if self._by_command else signal.Signals(self.code - 128).name

    def check(self) -> None:
        """Raises Interrupted after a signal."""
        if self.code:
            raise Interrupted(self.code - 128)

    def _note(self, number: int, _: FrameType | None) -> None:
        if self.stopping and number == signal.SIGINT:
            raise KeyboardInterrupt  # another Ctrl-C ends the program wherever it is
        if number == signal.SIGHUP:
            without_terminal()
        self.stopping = self.stopping or self.draining or self._at_once or number in ENDING
        self.draining, self._by_command = True, False
        self.code = 128 + number
