"""The driver's end of a worker process, whatever runs it."""

from abc import ABC, abstractmethod
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from src.executors.machine import GIGABYTES_PER_WORKER
from src.executors.worker import Answer, Call, Event
from src.job import Job

MOST_TRIALS = 200  # per worker, before a new worker replaces it


class Died(Exception):
    """A worker died; the message has the cause."""


@dataclass(eq=False)
class WorkerHandle(ABC):
    """The driver's end of a worker process.

    Attributes:
        trials: number of trials that the worker has received.
        job: the current trial; None if the worker is free.
        assigned: `time.monotonic()` when the worker received the job.
        begun: True if the worker has begun the current trial.
        starts: number of workers started for the current trial, including this one; 1 again once the trial has begun.
        deadline: `time.monotonic()` by which the trial must have ended.
        stopped: True if the trial was requested to stop at once, without a score.
        gigabytes: memory of the worker after its first trial.
        call: the result of the last call, done once the worker has answered; None if there was no call.
    """

    slot: int
    trials: int = 0
    job: Job | None = None
    assigned: float = 0.0
    begun: bool = False
    starts: int = 1
    deadline: float = float("inf")
    stopped: bool = False
    gigabytes: float = 0.0
    call: Future[Any] | None = None

    @property
    def calling(self) -> bool:
        """True while a call has no answer."""
        return bool(self.call and not self.call.done())

    @abstractmethod
    def send(self, job: Job | Call) -> None:
        """Sends a job or a call. If the worker is dead, only `receive` raises Died."""

    @abstractmethod
    def receive(self) -> Event | Answer:
        """Returns the next event of the trial, or the answer to a call.

        Raises:
            Died: the worker died.
        """

    @abstractmethod
    def cancel(self, *, alone: bool) -> None:
        """Requests that the trial ends: with its results so far if `alone`, otherwise at once."""

    @abstractmethod
    def kill(self) -> None:
        """Ends the process at once."""

    def worn(self, gigabytes: float) -> bool:
        """Returns True if a new worker should replace this one: it ran many trials, or its memory grew too much."""
        self.gigabytes = self.gigabytes or gigabytes
        return self.trials >= MOST_TRIALS or gigabytes > max(GIGABYTES_PER_WORKER, 2 * self.gigabytes)
