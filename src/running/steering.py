"""Obeys instructions to a running sweep: from `python -m src.stop`, `python -m src.add`, or a tag on MLflow's page."""

from collections.abc import Callable

from src.running.interruption import Interruption
from src.study.instructions import ADD, CANCEL, STOP, Instruction
from src.study.store import Store

BY_HAND = "stopped from elsewhere"  # the cause of a trial that was ended so


class Steering:
    """Reads the instructions in a study.

    Args:
        cancel: ends a running trial; takes its number and the cause.
        say: prints a line.
    """

    def __init__(self, store: Store, interruption: Interruption, cancel: Callable[[int, str], None], say: Callable[[str], object]) -> None:
        self._store, self._interruption, self._cancel, self._say = store, interruption, cancel, say

    def heed(self) -> None:
        """Obeys new instructions to stop the sweep or a trial."""
        for one in self._store.unheard(STOP, CANCEL):
            self._store.hear(one)  # noted before it is obeyed, so that after a crash the resumed sweep does not obey it again
            if one.kind == STOP:
                self._interruption.ask(now=bool(one.payload["now"]))
                self._say(f"{BY_HAND}; what runs ends now" if self._interruption.stopping else BY_HAND)
            else:
                self._cancel(int(one.payload["trial"]), BY_HAND)

    def added(self) -> Instruction | None:
        """Returns the oldest instruction to add a point that is not a trial yet; None without one."""
        for one in self._store.unheard(ADD):
            if all(row.point != one.payload["point"] for row in self._store.trials()):
                return one
            self._store.hear(one)  # its trial started, and then the process died
        return None
