"""Ctrl-C and SIGTERM: a signal only sets a flag, which the loop reads where it is safe to stop."""

import signal
from types import FrameType, TracebackType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """While entered, the first Ctrl-C lets running trials finish; the second, or SIGTERM, stops them.

    A signal that is ignored stays so: a script's background jobs ignore Ctrl-C, which is meant for what runs in front.

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
        self._at_once = at_once

    def ask(self, *, now: bool) -> None:
        """Does what the first Ctrl-C does, or SIGTERM: somebody asks for it from elsewhere."""
        self.draining, self.stopping = True, self.stopping or now or self._at_once
        self.code = self.code or 128 + signal.SIGINT

    def __enter__(self) -> "Interruption":
        heeded = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
        self._before = {number: signal.signal(number, self._note) for number in heeded}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, _: FrameType | None) -> None:
        if self.stopping and number == signal.SIGINT:
            raise KeyboardInterrupt  # whoever insists is obeyed, wherever the program is
        self.stopping = self.draining or self._at_once or number == signal.SIGTERM
        self.draining = True
        self.code = 128 + number
