"""Trials side by side in workers that may die: deadlines, cancelling, deaths and recycling, whatever a worker is."""

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from src import files
from src.errors import Stop, TrialbookError
from src.executors import Function, Listener, RunTrial
from src.executors.machine import GIGABYTES_PER_WORKER
from src.executors.worker import Answer, Begun, Call, EpochEnded, Event, FileWritten, Logged, Raised, Returned, TrialEnded
from src.states import TrialState
from src.trial import Job, Outcome

log = logging.getLogger(__name__)
GRACE = 15.0  # seconds in which a cancelled trial may end by itself
MOST_TRIALS = 200  # of a worker, before a new one takes its place
MOST_STARTS = 3  # of workers that die before they begin with a trial
PATIENCE = 10.0  # seconds in which a worker should begin; a cluster may have no room for it


class Died(Exception):
    """A worker is gone; the text says why."""


@dataclass(eq=False)
class WorkerHandle(ABC):
    """The driver's end of a worker process.

    Attributes:
        trials: how many it was given.
        begun: whether it has begun with the one that it has.
        starts: how many workers were tried for this trial before one began with it.
        gigabytes: of memory after its first trial.
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

    @abstractmethod
    def send(self, job: Job | Call) -> None:
        """Gives it something to do; a worker that is gone says so when it is heard."""

    @abstractmethod
    def receive(self) -> Event | Answer:
        """The next event of its trial, or the answer to a call.

        Raises:
            Died: it is gone.
        """

    @abstractmethod
    def cancel(self) -> None:
        """Asks it to end its trial."""

    @abstractmethod
    def kill(self) -> None:
        """Ends it at once."""

    def worn(self, gigabytes: float) -> bool:
        """Whether a new one should take its place: it ran many trials, or what they leave in memory adds up."""
        self.gigabytes = self.gigabytes or gigabytes
        return self.trials >= MOST_TRIALS or gigabytes > max(GIGABYTES_PER_WORKER, 2 * self.gigabytes)


@dataclass
class Pool(ABC):
    """A worker per slot, started when it is needed.

    Attributes:
        minutes_per_trial: a trial that takes longer is FAILED; None for no limit.
    """

    run_trial: RunTrial
    slots: int
    headline: str
    minutes_per_trial: float | None
    listener: Listener = field(init=False)
    workers: list[WorkerHandle] = field(default_factory=list)

    @property
    def side_by_side(self) -> int:
        """All of them."""
        return self.slots

    @abstractmethod
    def start(self, slot: int) -> WorkerHandle:
        """A new worker."""

    @abstractmethod
    def ready(self, workers: list[WorkerHandle], seconds: float) -> Iterable[WorkerHandle]:
        """Those that have something to say, after some seconds at most."""

    def plan(self, configs: Iterable[dict[str, Any]]) -> list[str]:
        """Each by itself."""
        return []

    def warm_up(self, trials: int) -> None:
        """Starts the workers, which import TensorFlow while the driver does."""
        for _ in range(min(trials, self.slots)):
            self._new()

    def apply(self, function: Function, *arguments: Any) -> Callable[[], Any]:
        """In a worker; who waits hears with a TrialbookError that it died of it."""
        worker = next((worker for worker in self.workers if not worker.job), None) or self._new()
        worker.send(Call(function, arguments))
        return partial(self._answer, worker, function)

    def _answer(self, worker: WorkerHandle, function: Function) -> Any:
        try:
            while not list(self.ready([worker], 1.0)):
                pass
            answer = worker.receive()
        except Died as death:
            self._remove(worker)
            raise TrialbookError(f"{function.__name__}: {death}.") from death
        match answer:
            case Returned(value):
                return value
            case Raised(error):
                raise error
        raise AssertionError(f"{answer} is no answer to a call")

    def submit(self, job: Job) -> None:
        """Gives a job to a worker that has none; a new one, if need be."""
        self._give(next((worker for worker in self.workers if not worker.job), None) or self._new(), job)

    def wait(self, seconds: float) -> None:
        """Calls back what happened."""
        until = time.monotonic() + seconds
        ended = False
        while not ended and (left := until - time.monotonic()) > 0:
            for worker in self.ready([worker for worker in self.workers if worker.job], min(left, 1.0)):
                ended |= self._receive(worker)
            self._take_from_those_that_wait()
            self._cancel_if_asked()
            ended |= self._end_overdue()

    def close(self) -> None:
        """Ends the workers."""
        for worker in list(self.workers):
            self._remove(worker)

    def _new(self) -> WorkerHandle:
        worker = self.start(min(set(range(len(self.workers) + 1)) - {worker.slot for worker in self.workers}))
        self.workers.append(worker)
        return worker

    def _give(self, worker: WorkerHandle, job: Job) -> None:
        worker.job, worker.given, worker.begun = job, time.monotonic(), False
        worker.cancelled, worker.deadline = False, float("inf")
        worker.trials += 1
        worker.send(job)

    def _receive(self, worker: WorkerHandle) -> bool:
        """Passes on one event of a worker; returns True if its trial is over."""
        job: Job = worker.job  # type: ignore[assignment]
        try:
            event = worker.receive()
        except Died as death:
            return self._bury(worker, job, str(death))
        match event:
            case Begun():
                worker.begun, worker.starts = True, 1
                if self.minutes_per_trial and not worker.cancelled:
                    worker.deadline = time.monotonic() + 60 * self.minutes_per_trial
            case EpochEnded(epoch, metrics):
                self.listener.epoch(job.number, epoch, metrics)
            case Logged(level, text):
                log.log(level, "trial %d: %s", job.number + 1, text)
            case FileWritten(name, content):
                files.write(job.folder / name, content)
            case TrialEnded(outcome, gigabytes):
                worker.job = None
                if worker.worn(gigabytes):
                    self._remove(worker)
                self.listener.end(job.number, outcome)
                return True
        return False

    def _bury(self, worker: WorkerHandle, job: Job, cause: str) -> bool:
        """A dead worker's trial goes to a new one if it had not begun; whether it is over."""
        self._remove(worker)
        if not worker.begun and not worker.cancelled and worker.starts < MOST_STARTS:
            another = self._new()
            another.starts = worker.starts + 1
            self._give(another, job)
            return False
        self.listener.died(job.number, cause)
        return True

    def _take_from_those_that_wait(self) -> None:
        """A job whose worker finds no room goes to a worker that is free."""
        free = [worker for worker in self.workers if not worker.job]
        waiting = [worker for worker in self.workers if worker.job and not worker.begun and not worker.cancelled]
        late = [worker for worker in waiting if time.monotonic() > worker.given + PATIENCE]
        for worker, other in zip(late, free, strict=False):
            self._remove(worker)
            other.starts = worker.starts
            self._give(other, worker.job)  # type: ignore[arg-type]

    def _cancel_if_asked(self) -> None:
        try:
            self.listener.alive()
        except Stop:
            for worker in self.workers:
                if worker.job and not worker.cancelled:
                    worker.cancelled, worker.deadline = True, time.monotonic() + GRACE
                    worker.cancel()

    def _end_overdue(self) -> bool:
        """Kills the workers of trials whose time is over; whether there were any."""
        overdue = [worker for worker in self.workers if worker.job and time.monotonic() > worker.deadline]
        for worker in overdue:
            self._remove(worker)
            late = f"took longer than {self.minutes_per_trial:g} minutes" if self.minutes_per_trial else ""
            state, cause = (TrialState.KILLED, "interrupted") if worker.cancelled else (TrialState.FAILED, late)
            self.listener.end(worker.job.number, Outcome(state, cause=cause))  # type: ignore[union-attr]
        return bool(overdue)

    def _remove(self, worker: WorkerHandle) -> None:
        self.workers.remove(worker)
        worker.kill()
