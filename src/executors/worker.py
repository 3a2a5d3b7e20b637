"""What happens in a worker: a process that runs one trial after the other for an executor, and does not outlive it."""

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
from src.errors import Stop, TrialbookError
from src.executors import Function, RunTrial, run_logged
from src.training import runtime
from src.trial import Job

log = logging.getLogger(__name__)
CANCEL = "cancel"
Say = Callable[[tuple[Any, ...]], None]


@dataclass(frozen=True)
class Call:
    """What a worker is to do that is no trial."""

    function: Function
    arguments: tuple[Any, ...]


def answer(call: Call) -> tuple[Any, ...]:
    """`("returned", what)`, or `("raised", an exception that can be sent)`."""
    try:
        return "returned", call.function(*call.arguments)
    except TrialbookError as error:
        return "raised", error
    except Exception as error:
        return "raised", RuntimeError("".join(traceback.format_exception(error)))


def perform(run_trial: RunTrial, job: Job, say: Say, cancelled: threading.Event) -> None:
    """Runs a job and says `("begun",)`, `("epoch", epoch, metrics)`, `("log", level, text)`, `("end", outcome, gigabytes of memory)`."""

    def alive() -> None:
        if cancelled.is_set():
            raise Stop("interrupted")

    logger, sender = logging.getLogger("src"), _Sender(say)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(sender)
    say(("begun",))
    log.info("begins on %s in process %d", socket.gethostname(), os.getpid())
    try:
        outcome = run_logged(run_trial, job, lambda epoch, metrics: say(("epoch", epoch, metrics)), alive)
    finally:
        logger.removeHandler(sender)
    say(("end", outcome, psutil.Process().memory_info().rss / 2**30))


def warm_up(run_trial: RunTrial) -> None:
    """Imports what a real trial needs: seconds, in which the driver is busy with other things."""
    if run_trial is trial.run:
        runtime.tensorflow()


def work(connection: Connection, run_trial: RunTrial, environment: dict[str, str]) -> None:
    """Takes jobs and calls from a connection and answers with the events of `perform` and `answer`.

    Args:
        environment: set before TensorFlow is imported, such as CUDA_VISIBLE_DEVICES.
    """
    os.environ.update(environment)
    with suppress(OSError):  # where memory ends, a worker is to be killed, not its driver
        Path("/proc/self/oom_score_adj").write_text("500")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process of the terminal; the driver alone decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    given: queue.Queue[Job | Call] = queue.Queue()
    cancelled = threading.Event()
    threading.Thread(target=_listen, args=(connection, given, cancelled), daemon=True).start()
    warm_up(run_trial)
    while True:
        job = given.get()
        if isinstance(job, Call):
            connection.send(answer(job))
        else:
            perform(run_trial, job, connection.send, cancelled)


def _listen(connection: Connection, given: "queue.Queue[Job | Call]", cancelled: threading.Event) -> None:
    """Takes what the driver says, also while a trial trains; when the driver is gone, so is this process."""
    while True:
        try:
            said: Any = connection.recv()
        except (EOFError, OSError):
            os._exit(1)
        if said == CANCEL:
            cancelled.set()
        else:
            cancelled.clear()
            given.put(said)


class _Sender(logging.Handler):
    """Sends log lines to the driver."""

    def __init__(self, say: Say) -> None:
        super().__init__(logging.INFO)
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        self._say(("log", record.levelno, record.getMessage()))
