"""Instructions to a running sweep: rows of its study, which its driver reads about once a second.

`stop` and `cancel` are meant for the running invocation, and the next one ignores them. `add` waits until its point becomes a trial.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from src.space.point import Point, written
from src.study.database import Database

STOP, CANCEL, ADD = "stop", "cancel", "add"


@dataclass(frozen=True)
class Instruction:
    """A row of the table `instruction`."""

    id: int
    kind: str
    payload: dict[str, Any]


class Instructions(Database):
    """The part of a study's store that reads and writes instructions. The driver "hears" an instruction before it obeys."""

    def instruct(self, kind: str, **payload: Any) -> int:
        """Adds an instruction; returns its id."""
        if kind == ADD:
            payload = {"point": written(payload["point"])}
        with self._transaction():
            self._execute("insert into instruction (kind, payload, at) values (?, ?, ?)", kind, json.dumps(payload), time.time())
            return int(self._read("select last_insert_rowid()")[0][0])

    def unheard(self, *kinds: str) -> list[Instruction]:
        """Returns the instructions of these kinds that no driver has heard, the oldest first."""
        if not self._keeps_instructions:
            return []
        places = ", ".join("?" * len(kinds))
        rows = self._read(f"select id, kind, payload from instruction where heard is null and kind in ({places}) order by id", *kinds)  # noqa: S608
        return [Instruction(number, kind, _payload(kind, text)) for number, kind, text in rows]

    @cached_property
    def _keeps_instructions(self) -> bool:
        """False for a study of an earlier version that is only read."""
        return bool(self._read("select 1 from sqlite_master where name = 'instruction'"))

    def hear(self, instruction: Instruction) -> None:
        """Marks an instruction as heard."""
        with self._transaction():
            self._execute("update instruction set heard = ? where id = ?", time.time(), instruction.id)

    def added(self) -> list[Point]:
        """Returns all points that users added, including those that are trials by now."""
        rows = self._read("select payload from instruction where kind = ? order by id", ADD)
        return [_payload(ADD, text)["point"] for (text,) in rows]

    def withdraw(self, *kinds: str) -> None:
        """Removes the instructions of these kinds that no driver has heard."""
        for one in self.unheard(*kinds):
            with self._transaction():
                self._execute("delete from instruction where id = ?", one.id)

    def instruct_and_wait(self, is_driven: Callable[[], bool], seconds: float, kind: str, **payload: Any) -> bool | None:
        """Adds an instruction, and waits until the driver has heard it.

        Returns:
            True if the driver heard it, False if it has not heard it after `seconds`, None if no driver runs any more; then the
            instruction is withdrawn.
        """
        number, until = self.instruct(kind, **payload), time.monotonic() + seconds
        while True:
            found = self._read("select heard from instruction where id = ?", number)
            if found and found[0]["heard"]:
                return True
            if not is_driven():
                self.withdraw(kind)
                return None
            if not found:  # the driver has just started, and withdrew the instructions to the one before
                number = self.instruct(kind, **payload)
            if time.monotonic() > until:
                return False
            time.sleep(0.1)


def _payload(kind: str, text: str) -> dict[str, Any]:
    payload: dict[str, Any] = json.loads(text)
    return {"point": Point.read(payload["point"])} if kind == ADD else payload
