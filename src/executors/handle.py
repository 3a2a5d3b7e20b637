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
    """A worker died; the text says why."""


@dataclass(eq=False)
class WorkerHandle(ABC):
    """The driver's end of a worker process.

    Attributes:
        trials: number of trials that it has received.
        job: the current trial; None if the worker is free.
        given: `time.monotonic()` when it received the job.
        begun: True if it has begun the current trial.
        starts: number of workers started for the current trial, this one included; 1 again once the trial has begun.
        deadline: `time.monotonic()` at which its trial must have ended.
        cancelled: True if it was requested to stop its trial, which has no score then.
        gigabytes: its memory after its first trial.
        call: the result of its last call, done once the worker has answered; None if there was no call.
    """

    slot: int
    trials: int = 0
    job: Job | None = None
    given: float = 0.0
    begun: bool = False
    starts: int = 1
    deadline: float = float("inf")
    cancelled: bool = False
    gigabytes: float = 0.0
    call: Future[Any] | None = None

    @property
    def calling(self) -> bool:
        """True while it has not answered a call."""
        return bool(self.call and not self.call.done())

    @abstractmethod
    def send(self, job: Job | Call) -> None:
        """Sends a job or a call. If the worker is dead, only `receive` raises Died."""

    @abstractmethod
    def receive(self) -> Event | Answer:
        """Returns the next event of its trial, or the answer to a call.

        Raises:
            Died: the worker died.
        """

    @abstractmethod
    def cancel(self, *, alone: bool) -> None:
        """Requests that its trial ends; `alone` with what it has, otherwise at once."""

    @abstractmethod
    def kill(self) -> None:
        """Ends the process at once."""

    def worn(self, gigabytes: float) -> bool:
        """True if a new worker should replace it: it ran many trials, or its memory grew too much."""
        self.gigabytes = self.gigabytes or gigabytes
        return self.trials >= MOST_TRIALS or gigabytes > max(GIGABYTES_PER_WORKER, 2 * self.gigabytes)
