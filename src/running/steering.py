"""Obeys what somebody asks of a sweep from elsewhere: `python -m src.stop`, `python -m src.add`, or a tag on MLflow's page."""

from collections.abc import Callable

from src.running.interruption import Interruption
from src.study.instructions import ADD, CANCEL, STOP, Instruction
from src.study.store import Store

BY_HAND = "stopped from elsewhere"  # why a trial ended


class Steering:
    """Hears the instructions in a study.

    Args:
        cancel: ends one trial, if it runs; takes its number and why.
        say: prints a line.
    """

    def __init__(self, store: Store, interruption: Interruption, cancel: Callable[[int, str], None], say: Callable[[str], object]) -> None:
        self._store, self._interruption, self._cancel, self._say = store, interruption, cancel, say

    def heed(self) -> None:
        """Obeys the instructions that came since the last time."""
        for one in self._store.unheard(STOP, CANCEL):
            self._store.hear(one)  # first: what a crash cuts off is not obeyed by the sweep that goes on
            if one.kind == STOP:
                self._interruption.ask(now=bool(one.payload["now"]))
                self._say(f"{BY_HAND}; what runs ends now" if self._interruption.stopping else BY_HAND)
            else:
                self._cancel(int(one.payload["trial"]), BY_HAND)

    def added(self) -> Instruction | None:
        """Returns the oldest added point that is no trial yet."""
        for one in self._store.unheard(ADD):
            if all(row.point != one.payload["point"] for row in self._store.trials()):
                return one
            self._store.hear(one)  # its trial began, and then the process died
        return None
