"""Messages of a study that MLflow does not have yet, or has refused."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from src.redaction import all_redacted, redacted
from src.study.database import Database

AT_ONCE = 5000  # messages that are read together


@dataclass(frozen=True)
class Message:
    """A message for MLflow about a trial, or about the sweep if `number` is None."""

    number: int | None
    kind: str
    payload: dict[str, Any]
    id: int = 0


class Messages(Database):
    """The part of a study's store that reads and writes messages."""

    def post(self, *messages: Message) -> None:
        """Adds messages for MLflow."""
        with self._transaction():
            self._post(messages)

    def undelivered(self, most: int = AT_ONCE) -> list[Message]:
        """Returns the oldest messages that wait for MLflow, without refused ones."""
        rows = self._read("select number, kind, payload, id from outbox where refused is null order by id limit ?", most)
        return [Message(row["number"], row["kind"], json.loads(row["payload"]), row["id"]) for row in rows]

    def waiting(self) -> int:
        """Returns the number of messages that wait for MLflow, without refused ones."""
        if not self._keeps_refused:
            return int(self._read("select count(*) from outbox")[0][0])
        return int(self._read("select count(*) from outbox where refused is null")[0][0])

    def of_run(self, run_id: str) -> list[int | None]:
        """Returns [number] for the run of a trial, [None] for the run of the sweep, and [] for a run of another study."""
        trials = [number for (number,) in self._read("select number from trial where run_id = ?", run_id)]
        return trials or [None for _ in self._read("select 1 from meta where key = 'parent_run' and value = ?", run_id)]

    def refusals(self) -> list[str]:
        """Returns the reasons for which MLflow refused messages, the oldest first."""
        if not self._keeps_refused:
            return []
        return [why for (why,) in self._read("select refused from outbox where refused is not null order by id")]

    @cached_property
    def _keeps_refused(self) -> bool:
        """False for a study of schema 1 that is only read."""
        return bool(self._read("select 1 from pragma_table_info('outbox') where name = 'refused'"))

    def delivered(self, messages: list[Message], started: Mapping[int | None, str], left: Message | None = None, why: str = "") -> None:
        """Removes messages that MLflow has now.

        Args:
            started: trial, or None for the sweep → the run that the messages started.
            left: the part of the messages that MLflow refused; it is kept with the reason `why`.
        """
        with self._transaction():
            for number, run_id in started.items():
                if number is None:
                    self._describe({"parent_run": run_id})
                else:
                    self._execute("update trial set run_id = ? where number = ?", run_id, number)
            self._execute("delete from outbox where id in (select value from json_each(?))", json.dumps([one.id for one in messages]))
            if left:
                row = (left.number, left.kind, json.dumps(all_redacted(left.payload), default=str), redacted(why))
                self._execute("insert into outbox (number, kind, payload, refused) values (?, ?, ?, ?)", *row)

    def refused(self, messages: list[Message], why: str) -> None:
        """Marks messages of one run as refused."""
        with self._transaction():
            for message in messages:
                self._execute("update outbox set refused = ? where id = ?", redacted(why), message.id)

    def offer_again(self) -> None:
        """Queues refused messages again, in their old order."""
        with self._transaction():
            self._execute("update outbox set refused = null")

    def _post(self, messages: Iterable[Message]) -> None:
        for message in messages:
            row = (message.number, message.kind, json.dumps(all_redacted(message.payload), default=str))
            self._execute("insert into outbox (number, kind, payload) values (?, ?, ?)", *row)
