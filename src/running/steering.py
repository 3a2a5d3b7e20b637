"""Obeys what somebody asks of a sweep from elsewhere: `python -m src.stop`, `python -m src.add`, or a tag on MLflow's page."""

from collections.abc import Callable, Collection

from src.executors import Executor
from src.running.interruption import Interruption
from src.study.instructions import ADD, CANCEL, STOP, Instruction
from src.study.store import Store


class Steering:
    """Hears the instructions in a study.

    Args:
        say: prints a line.
    """

    def __init__(self, store: Store, interruption: Interruption, executor: Executor, say: Callable[[str], object]) -> None:
        self._store, self._interruption, self._executor, self._say = store, interruption, executor, say

    def heed(self, running: Collection[int]) -> None:
        """Obeys the instructions that came since the last time.

        Args:
            running: the numbers of the trials that run.
        """
        for one in self._store.unheard(STOP, CANCEL):
            self._store.hear(one)  # first: what a crash cuts off is not obeyed by the sweep that goes on
            if one.kind == STOP:
                self._interruption.ask(now=bool(one.payload["now"]))
                self._say("stopped from elsewhere; what runs ends now" if self._interruption.stopping else "stopped from elsewhere")
            else:
                self._cancel(one, running)

    def added(self) -> Instruction | None:
        """The oldest added point that is no trial yet."""
        for one in self._store.unheard(ADD):
            if all(row.point != one.payload["point"] for row in self._store.trials()):
                return one
            self._store.hear(one)  # its trial began, and then the process died
        return None

    def _cancel(self, one: Instruction, running: Collection[int]) -> None:
        number = int(one.payload["trial"])
        if number in running:
            self._executor.cancel(number)
            self._say(f"trial {number + 1} is stopped from elsewhere")
