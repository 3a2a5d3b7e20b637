"""A process that runs one trial after the other for an executor, and does not outlive it."""

import logging
import os
import queue
import signal
import threading
from multiprocessing.connection import Connection
from typing import Any

from src.errors import Stop
from src.executors import RunTrial, run_logged
from src.trial import Job

CANCEL = "cancel"


def work(connection: Connection, run_trial: RunTrial, environment: dict[str, str]) -> None:
    """Takes jobs from a connection and answers with `("epoch", epoch, metrics)`, `("log", level, text)` and `("end", outcome)`.

    Args:
        environment: set before TensorFlow is imported, such as CUDA_VISIBLE_DEVICES.
    """
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process of the terminal; the driver alone decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    jobs: queue.Queue[Job] = queue.Queue()
    cancelled = threading.Event()
    threading.Thread(target=_listen, args=(connection, jobs, cancelled), daemon=True).start()
    logger = logging.getLogger("src")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(_Sender(connection))

    def alive() -> None:
        if cancelled.is_set():
            raise Stop("interrupted")

    while True:
        job = jobs.get()
        outcome = run_logged(run_trial, job, lambda epoch, metrics: connection.send(("epoch", epoch, metrics)), alive)
        connection.send(("end", outcome))


def _listen(connection: Connection, jobs: "queue.Queue[Job]", cancelled: threading.Event) -> None:
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
            jobs.put(said)


class _Sender(logging.Handler):
    """Sends log lines to the driver."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(logging.INFO)
        self._connection = connection

    def emit(self, record: logging.LogRecord) -> None:
        self._connection.send(("log", record.levelno, record.getMessage()))
