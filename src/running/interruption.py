"""Ctrl-C, SIGTERM and SIGHUP: a signal only sets a flag, which the loop reads where it is safe to stop."""

import signal
from types import FrameType, TracebackType
from typing import Any

from src.exits import ENDING, Interrupted, not_ignored, without_terminal


class Interruption:
    """While entered, the first Ctrl-C lets running trials finish; the second, SIGTERM, or the end of the terminal stops them.

    A signal that is ignored stays so. Entering it again changes nothing; leaving it once lets signals do what they did before.

    Args:
        at_once: the first Ctrl-C stops; for a single trial there is nothing else to wait for.

    Attributes:
        draining: no new trials.
        stopping: running trials end as KILLED, too.
        code: the process's exit code, 0 while there was no signal.
    """

    def __init__(self, *, at_once: bool = False) -> None:
        self.draining = self.stopping = False
        self.code = 0
        self._at_once, self._asked = at_once, False
        self._before: dict[signal.Signals, Any] = {}

    def ask(self, *, now: bool) -> None:
        """Does what the first Ctrl-C does, or SIGTERM: somebody asks for it from elsewhere."""
        self.draining, self.stopping = True, self.stopping or now or self._at_once
        self._asked = self._asked or not self.code
        self.code = self.code or 128 + signal.SIGINT

    def __enter__(self) -> "Interruption":
        if not self._before:
            self._before = {number: signal.signal(number, self._note) for number in not_ignored((signal.SIGINT, *ENDING))}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        while self._before:
            signal.signal(*self._before.popitem())

    @property
    def name(self) -> str:
        """The signal that came last, or the command that asked."""
        return "python -m src.stop" if self._asked else signal.Signals(self.code - 128).name

    def check(self) -> None:
        """Raises Interrupted if a signal came."""
        if self.code:
            raise Interrupted(self.code - 128)

    def _note(self, number: int, _: FrameType | None) -> None:
        if self.stopping and number == signal.SIGINT:
            raise KeyboardInterrupt  # whoever insists is obeyed, wherever the program is
        if number == signal.SIGHUP:
            without_terminal()
        self.stopping = self.stopping or self.draining or self._at_once or number in ENDING
        self.draining, self._asked = True, False
        self.code = 128 + number
