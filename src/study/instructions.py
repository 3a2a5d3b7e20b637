"""Instructions to a sweep from elsewhere: rows of its study, which its driver hears within about a second.

`stop` and `cancel` are for the invocation that runs; the next one begins without them. `add` waits until its point becomes a trial.
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
    """A row of the table `instruction` that no driver has heard yet."""

    id: int
    kind: str
    payload: dict[str, Any]


class Instructions(Database):
    """The part of a study's store that keeps instructions."""

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
        """False for a study of an earlier version, which is only read."""
        return bool(self._read("select 1 from sqlite_master where name = 'instruction'"))

    def hear(self, instruction: Instruction) -> None:
        """Notes that the driver heard an instruction, before it obeys."""
        with self._transaction():
            self._execute("update instruction set heard = ? where id = ?", time.time(), instruction.id)

    def added(self) -> list[Point]:
        """Returns all points that somebody added, those that became trials among them."""
        rows = self._read("select payload from instruction where kind = ? order by id", ADD)
        return [_payload(ADD, text)["point"] for (text,) in rows]

    def is_heard(self, number: int) -> bool | None:
        """Returns True if the driver heard an instruction; None if it is not there any more."""
        found = self._read("select heard from instruction where id = ?", number)
        return bool(found[0][0]) if found else None

    def withdraw(self, *kinds: str) -> None:
        """Removes the instructions of these kinds that nobody heard."""
        for one in self.unheard(*kinds):
            with self._transaction():
                self._execute("delete from instruction where id = ?", one.id)

    def told(self, is_driven: Callable[[], bool], seconds: float, kind: str, **payload: Any) -> bool | None:
        """Instructs a driver, and waits until it hears.

        Args:
            is_driven: tells if there is one.

        Returns:
            None if there is no driver any more, and so no instruction; False if it has not heard yet, but will.
        """
        number, until = self.instruct(kind, **payload), time.monotonic() + seconds
        while not (heard := self.is_heard(number)):
            if not is_driven():
                self.withdraw(kind)
                return None
            if heard is None:  # the driver had just begun, and so forgot what others asked of the one before
                number = self.instruct(kind, **payload)
            if time.monotonic() > until:
                return False
            time.sleep(0.1)
        return True


def _payload(kind: str, text: str) -> dict[str, Any]:
    payload: dict[str, Any] = json.loads(text)
    return {"point": Point.read(payload["point"])} if kind == ADD else payload
