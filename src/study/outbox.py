"""Delivers messages to MLflow. They wait in study.db until they have arrived, so that no crash and no outage loses one."""

import logging
import secrets
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import groupby
from pathlib import Path

from src import files
from src.errors import DiskFull, Refused, Unreachable, first_words
from src.study.instructions import CANCEL, STOP
from src.study.messages import AT_ONCE, Message
from src.study.store import Store
from src.tracking import Parcel, Tracker

log = logging.getLogger(__name__)
UNDELIVERED = "undelivered"  # folder beside a trial's or a sweep's own files
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0  # seconds between two attempts at a store that does not answer
GATHERING = 1.0  # seconds in which messages are collected before they are delivered
LISTENING = 5.0  # seconds between two searches for runs that are tagged to stop
A_MOMENT = 10.0  # seconds after a `flush` in vain in which `flush` does not wait again


class Outbox:
    """Delivers the messages of each run in order, in its own thread, so that training neither waits for MLflow nor fails with it.

    A call to MLflow takes about 10 ms on a file and 70 ms on a server. So a local store gets the messages of many trials at once, and a
    server gets the waiting epochs of a run in one call.

    Args:
        folder_of: trial number, or None for the sweep → its folder.
        listens: also search for runs that a user tagged to stop, and instruct the driver to stop them.
    """

    def __init__(self, store: Store, tracker: Tracker, folder_of: Callable[[int | None], Path], *, listens: bool = False) -> None:
        self._store, self._tracker, self.folder_of = store, tracker, folder_of
        self.outage = ""  # the error, while MLflow does not answer
        self._old = {message.id for message in store.undelivered(-1)}  # messages that may have arrived before a crash or an outage
        self._listens, self._listened = listens, float("-inf")  # the time of the last search for tags
        self._stale = store.run_id(None) is not None or store.run_id(0) is not None  # runs may have tags for an earlier invocation
        self._pause = FIRST_PAUSE
        self._waited = float("-inf")  # the time of the last `flush` in vain
        self._work, self._hurry, self._closed = threading.Event(), threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._deliver_all, name="outbox", daemon=True)
        self._thread.start()

    def keep(self, number: int | None, contents: dict[str, bytes]) -> str:
        """Stores files until they are delivered; returns the name by which a message refers to them."""
        kept = secrets.token_hex(4)
        for name, content in contents.items():
            files.write(self.folder_of(number) / UNDELIVERED / kept / name, content)
        return kept

    def posted(self) -> None:
        """Wakes the thread: the store has new messages."""
        self._work.set()

    def flush(self) -> int:
        """Waits until MLflow has everything or does not answer; returns the number of messages that are left."""
        self.posted()
        try_again = time.monotonic() - self._waited > A_MOMENT
        if try_again:
            self.outage = ""
        while self._store.undelivered(1):
            if self.outage or not self._thread.is_alive():
                self._waited = time.monotonic()
                return self._store.waiting()
            if try_again:
                self._hurry.set()
            time.sleep(0.01)
        return 0

    def close(self) -> None:
        """Ends the thread; messages that did not arrive stay in the store."""
        self._closed.set()
        self._hurry.set()
        self.posted()
        self._thread.join()

    def _deliver_all(self) -> None:
        while not self._closed.is_set():
            self._work.wait(LISTENING if self._listens else None)
            self._hurry.wait(GATHERING)
            self._work.clear()
            self._hurry.clear()
            try:
                self._listen()
                while not self._closed.is_set() and (messages := self._store.undelivered()):
                    self._deliver_in_order(messages)
                    if len(messages) < AT_ONCE:
                        break  # lets messages that were posted meanwhile gather
            except (Unreachable, DiskFull) as error:
                self.outage = str(error)
                self._hurry.clear()
                log.info("MLflow: %s", error)
                if not self._closed.is_set():
                    self._hurry.wait(self._pause)
                self._pause = min(2 * self._pause, LONGEST_PAUSE)
                self._work.set()

    def _deliver_in_order(self, messages: list[Message]) -> None:
        """Delivers messages of trials together, as far as the tracker takes them so, and the others one by one."""
        for of_trials, group in groupby(messages, lambda message: message.number is not None):  # a sweep's run starts before its trials'
            some = list(group)
            for batch in _batches(self._deliver_many(some) if of_trials else some):
                if self._closed.is_set():
                    return
                self._deliver(batch)
                self._listen()

    def _arrived(self, messages: list[Message]) -> None:
        self._old -= {message.id for message in messages}  # SQLite may use an id again
        self._pause, self.outage = FIRST_PAUSE, ""

    def _listen(self) -> None:
        """Turns tags on MLflow's page into instructions. The first search in a resumed study finds old tags, which are ignored."""
        if not self._listens or time.monotonic() - self._listened < LISTENING:
            return
        self._listened = time.monotonic()
        try:
            tagged = self._tracker.stopped(lambda run_id: bool(self._store.of_run(run_id)))
        except Unreachable:
            raise
        except Exception as error:
            self._listens = False
            log.info("MLflow: the search for runs that are tagged to stop failed: %s", error, exc_info=error)
            return
        if self._stale:
            self._stale = False
            return
        for number in (number for run_id in tagged for number in self._store.of_run(run_id)):
            if number is None:
                self._store.instruct(STOP, now=False)
            else:
                self._store.instruct(CANCEL, trial=number)

    def _deliver_many(self, messages: list[Message]) -> list[Message]:
        """Delivers messages of trials together, as far as the tracker takes them so; returns the others."""
        of_trial: dict[int | None, list[Message]] = {}
        for message in messages:
            of_trial.setdefault(message.number, []).append(message)
        parcels = [self._parcel(number, own) for number, own in of_trial.items()]
        try:
            receipts = self._tracker.take(parcels, self._store.run_id(None))
            taken = {number: receipt for number, receipt in zip(of_trial, receipts, strict=True) if receipt.taken}
            arrived = [message for number, receipt in taken.items() for message in of_trial[number][: receipt.taken]]
            for message in arrived:
                if message.kind == "end":
                    _remove(self._folder(message))
            self._store.delivered(arrived, {number: receipt.run_id for number, receipt in taken.items()})
        except Exception as error:
            self._old |= {message.id for message in messages}  # some may have arrived
            if isinstance(error, (Unreachable, DiskFull)):
                raise
            log.info("MLflow: messages are not delivered together: %s", error, exc_info=error)
            return messages
        if arrived:
            self._arrived(arrived)
        ids = {message.id for message in arrived}
        return [message for message in messages if message.id not in ids]

    def _parcel(self, number: int | None, messages: list[Message]) -> Parcel:
        run_id = self._store.run_id(number)
        again = run_id is not None or any(message.id in self._old for message in messages)
        contents = [(one.kind, {**one.payload, "folder": self._folder(one)} if one.kind == "end" else one.payload) for one in messages]
        return Parcel(run_id, again, contents)

    def _folder(self, message: Message) -> Path:
        return self.folder_of(message.number) / UNDELIVERED / str(message.payload["files"])

    def _deliver(self, messages: list[Message]) -> None:
        """Delivers one message, or epochs of one run. What MLflow refuses stays in the study, with the reason."""
        try:
            run_id = self._hand_over(messages)
            self._store.delivered(messages, {messages[0].number: run_id} if run_id else {})
        except (Unreachable, DiskFull):
            self._old.add(messages[0].id)  # it may have arrived, and only the answer got lost
            raise
        except Refused as error:
            number, why = messages[0].number, self._why(messages[0], error)
            self._store.delivered(messages, {number: error.run_id} if error.run_id else {}, Message(number, "end", error.left), why)
        except Exception as error:
            if len(messages) > 1:  # one by one, to find the one that MLflow refuses
                for one in messages:
                    self._deliver([one])
                return
            self._store.refused(messages, self._why(messages[0], error))
        self._arrived(messages)

    def _why(self, message: Message, error: Exception) -> str:
        """Logs a refusal; returns its reason in one line."""
        reason = first_words(error) or type(error).__name__
        log.info("MLflow: %s of trial %s: %s", message.kind, message.number, reason, exc_info=error)
        return f"{message.kind}: {reason}"

    def _hand_over(self, messages: list[Message]) -> str | None:
        """Passes messages to the tracker; returns the id of the run if they started one."""
        message = messages[0]
        run_id = self._store.run_id(message.number)
        if message.kind == "start":
            parent = None if message.number is None else self._store.run_id(None)  # the sweep's own run has no parent
            again = message.id in self._old or run_id is not None
            return self._tracker.start(**message.payload, parent=parent, again=again)
        if run_id is None:
            raise ValueError(f"{message.kind} of a run that was not begun")
        if message.kind == "epoch":
            self._tracker.epochs(run_id, [one.payload for one in messages])
            return None
        folder = self._folder(message)
        kept = message.payload.pop("files")
        try:
            self._tracker.end(run_id, **message.payload, folder=folder)
        except Refused as error:
            if error.left["files"] != kept:
                _remove(folder)
            raise
        _remove(folder)
        return None


def _remove(folder: Path) -> None:
    """Removes the folder of delivered files, and its parent if that is empty then."""
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):  # the parent has files of other messages
        folder.parent.rmdir()


def _batches(messages: list[Message]) -> list[list[Message]]:
    """Groups successive epochs of a run into one batch, every other message into its own; the messages of each run stay in order."""
    batches: list[list[Message]] = []
    of_run: dict[int | None, list[Message]] = {}  # the last batch of each run
    for message in messages:
        latest = of_run.get(message.number)
        if latest and latest[0].kind == message.kind == "epoch":
            latest.append(message)
        else:
            of_run[message.number] = [message]
            batches.append(of_run[message.number])
    return batches
