"""A worker is a process that runs trials one by one for an executor and sends it events. It ends with the executor."""

import logging
import os
import queue
import signal
import socket
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil

from src import trial
from src.errors import Cancelled, Stop, TrialbookError
from src.executors import Function, RunTrial, run_logged
from src.job import Job, Outcome
from src.training import runtime

log = logging.getLogger(__name__)
STOP, CANCEL = "stop", "cancel"


@dataclass(frozen=True)
class Call:
    """A function for a worker to call between trials."""

    function: Function
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class Begun:
    """A trial has begun."""


@dataclass(frozen=True)
class EpochEnded:
    """An epoch, counted from 1, has ended."""

    epoch: int
    metrics: dict[str, float]


@dataclass(frozen=True)
class Logged:
    """A log line for the driver."""

    level: int
    text: str


@dataclass(frozen=True)
class FileWritten:
    """A file of a trial, sent to a driver that does not share the disk.

    Attributes:
        name: path relative to the trial's folder.
    """

    name: str
    content: bytes


@dataclass(frozen=True)
class TrialEnded:
    """A trial has ended.

    Attributes:
        gigabytes: memory that the worker uses.
    """

    outcome: Outcome
    gigabytes: float


@dataclass(frozen=True)
class Returned:
    """The value that a called function returned."""

    value: Any


@dataclass(frozen=True)
class Raised:
    """The exception that a called function raised, in a form that can be sent to another process."""

    error: Exception


Event = Begun | EpochEnded | Logged | FileWritten | TrialEnded
Answer = Returned | Raised
Send = Callable[[Event], None]


@dataclass
class Order:
    """An order to end the running trial, given by another thread.

    Attributes:
        given: "", STOP or CANCEL.
    """

    given: str = ""

    def give(self, order: str) -> None:
        """Orders the trial to stop (STOP), or to end with its results so far (CANCEL). A STOP cannot be replaced."""
        if self.given != STOP:
            self.given = order

    def check(self) -> None:
        """Raises Stop or Cancelled if there is an order."""
        order = self.given  # read once, because another thread may replace a CANCEL by a STOP meanwhile
        if order == STOP:
            raise Stop("interrupted")
        if order == CANCEL:
            raise Cancelled("cancelled")


def answer(call: Call) -> Answer:
    """Calls a function and returns its value or its exception."""
    try:
        return Returned(call.function(*call.arguments))
    except TrialbookError as error:
        return Raised(error)
    except Exception as error:
        return Raised(RuntimeError("".join(traceback.format_exception(error))))


def perform(run_trial: RunTrial, job: Job, send: Send, order: Order) -> None:
    """Runs a job and sends its events: Begun first, then EpochEnded and Logged, and TrialEnded last."""
    logger, sender = logging.getLogger("src"), _Sender(send)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(sender)
    send(Begun())
    log.info("begins on %s in process %d", socket.gethostname(), os.getpid())
    try:
        outcome = run_logged(run_trial, job, lambda epoch, metrics: send(EpochEnded(epoch, metrics)), order.check)
    finally:
        logger.removeHandler(sender)
    send(TrialEnded(outcome, psutil.Process().memory_info().rss / 2**30))


def warm_up(run_trial: RunTrial) -> None:
    """Imports TensorFlow before the first job, which takes seconds, while the driver does other work. Test trials do not need it."""
    if run_trial is trial.run:
        runtime.tensorflow()


def work(connection: Connection, run_trial: RunTrial, environment: dict[str, str]) -> None:
    """Receives jobs and calls from a connection, and sends events and answers back.

    Args:
        environment: variables to set before TensorFlow is imported, such as CUDA_VISIBLE_DEVICES.
    """
    os.environ.update(environment)
    with suppress(OSError):  # when memory runs out, the system should kill a worker, not the driver
        Path("/proc/self/oom_score_adj").write_text("500")
    for number in (signal.SIGINT, signal.SIGHUP):  # they reach every process of the terminal; only the driver handles them
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    inbox: queue.Queue[Job | Call] = queue.Queue()
    order = Order()
    threading.Thread(target=_listen, args=(connection, inbox, order), daemon=True).start()
    warm_up(run_trial)
    while True:
        job = inbox.get()
        if isinstance(job, Call):
            connection.send(answer(job))
        else:
            perform(run_trial, job, connection.send, order)


def _listen(connection: Connection, inbox: "queue.Queue[Job | Call]", order: Order) -> None:
    """Receives from the driver, also while a trial runs. Ends this process and its children when the driver is gone."""
    while True:
        try:
            received: Any = connection.recv()
        except (EOFError, OSError):
            for child in children_of(os.getpid()):
                with suppress(psutil.Error):
                    child.kill()
            os._exit(1)
        if received in (STOP, CANCEL):
            order.give(received)
        else:
            order.given = ""
            inbox.put(received)


def children_of(pid: int | None) -> list[psutil.Process]:
    """Returns the processes that a process started, such as the command of a trial, and their descendants."""
    with suppress(psutil.Error):
        return list(psutil.Process(pid).children(recursive=True))
    return []


class _Sender(logging.Handler):
    def __init__(self, send: Send) -> None:
        super().__init__(logging.INFO)
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        self._send(Logged(record.levelno, record.getMessage()))
