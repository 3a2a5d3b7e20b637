"""Runs trials concurrently in workers that may die. Handles deadlines, cancelling, deaths and replacement for every kind of worker."""

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from src import files
from src.errors import Stop, TrialbookError
from src.executors import Function, Listener, RunTrial
from src.executors.handle import Died, WorkerHandle
from src.executors.worker import Begun, Call, EpochEnded, FileWritten, Logged, Raised, Returned, TrialEnded
from src.job import Job, Outcome
from src.states import TrialState

log = logging.getLogger(__name__)
GRACE = 15.0  # seconds in which a cancelled trial may still end regularly
MOST_STARTS = 3  # workers started for one trial, if they die before they begin it
PATIENCE = 10.0  # seconds in which a worker should begin its trial; a cluster may have no room for the worker


@dataclass
class Pool(ABC):
    """Runs one worker per slot and starts it when it is needed.

    Attributes:
        minutes_per_trial: a trial that takes longer is FAILED; None for no limit.
    """

    run_trial: RunTrial
    slots: int
    headline: str
    minutes_per_trial: float | None
    listener: Listener = field(init=False)
    workers: list[WorkerHandle] = field(default_factory=list)
    _cancelled: set[int] = field(default_factory=set)  # trials in flight that `cancel` was called for

    @property
    def parallel_trials(self) -> int:
        """One per slot."""
        return self.slots

    @property
    def parallel_calls(self) -> int:
        """One per slot."""
        return self.slots

    @abstractmethod
    def start(self, slot: int) -> WorkerHandle:
        """Starts a new worker."""

    @abstractmethod
    def ready(self, workers: list[WorkerHandle], seconds: float) -> Iterable[WorkerHandle]:
        """Returns the workers with an event or an answer, and dead workers; waits at most this many seconds for the first."""

    def plan(self, configs: Iterable[dict[str, Any]]) -> list[str]:
        """Returns no lines: trials are not grouped."""
        return []

    def warm_up(self, trials: int) -> None:
        """Starts workers, which import TensorFlow at the same time as the driver."""
        for _ in range(min(trials, self.slots)):
            self._start_worker()

    def apply(self, function: Function, *arguments: Any) -> Callable[[], Any]:
        """Runs the function in a worker that runs no other; waits for a worker if all do.

        The returned callable raises a TrialbookError if the worker dies.
        """
        worker = self.free_worker()
        if worker.calling and len(self.workers) < self.slots:
            worker = self._start_worker()
        self._receive_answer(worker)
        if worker not in self.workers:  # it died in its call
            worker = self._start_worker()
        worker.send(Call(function, arguments))
        worker.call = Future()
        return partial(self._result, worker, worker.call, function)

    def _result(self, worker: WorkerHandle, call: Future[Any], function: Function) -> Any:
        if not call.done():
            self._receive_answer(worker)
        try:
            return call.result()
        except Died as death:
            raise TrialbookError(f"{function.__name__}: {death}. If memory is short, executor=inline runs one trial at a time.") from death

    def _receive_answer(self, worker: WorkerHandle) -> None:
        """Waits for the answer to a worker's call, if there is a call without an answer."""
        if not worker.call or not worker.calling:
            return
        try:
            while not list(self.ready([worker], 1.0)):
                pass
            answer = worker.receive()
        except Died as death:
            self._remove(worker)
            worker.call.set_exception(death)
            return
        match answer:
            case Returned(value):
                worker.call.set_result(value)
            case Raised(error):
                worker.call.set_exception(error)

    def free_worker(self) -> WorkerHandle:
        """Returns a worker without a job, preferably without a call; starts one if there is none."""
        free = [worker for worker in self.workers if not worker.job]
        return min(free, key=lambda worker: worker.calling, default=None) or self._start_worker()

    def submit(self, job: Job) -> None:
        """Assigns a job to a free worker, or to a new one."""
        self._assign(self.free_worker(), job)

    def cancel(self, number: int) -> None:
        """Sends the request to the trial's worker; if the trial has not begun, `wait` sends it when it begins."""
        for worker in self.workers:
            if worker.job and worker.job.number == number:
                self._cancelled.add(number)
                if worker.begun:
                    worker.cancel(alone=True)

    def wait(self, seconds: float) -> None:
        """Calls the listener for every event until a trial ends, or for this many seconds."""
        until = time.monotonic() + seconds
        ended = False
        while not ended and (left := until - time.monotonic()) > 0:
            for worker in self.ready([worker for worker in self.workers if worker.job], min(left, 1.0)):
                ended |= self._receive(worker)
            self._reassign_late_jobs()
            self._stop_if_requested()
            ended |= self._end_overdue()

    def close(self) -> None:
        """Ends all workers."""
        for worker in list(self.workers):
            self._remove(worker)

    def _start_worker(self) -> WorkerHandle:
        """Starts a worker in the lowest free slot."""
        taken = {worker.slot for worker in self.workers}
        worker = self.start(min(set(range(len(self.workers) + 1)) - taken))
        self.workers.append(worker)
        return worker

    def _assign(self, worker: WorkerHandle, job: Job) -> None:
        worker.job, worker.assigned, worker.begun = job, time.monotonic(), False
        worker.stopped, worker.deadline = False, float("inf")
        worker.trials += 1
        worker.send(job)

    def _receive(self, worker: WorkerHandle) -> bool:
        """Handles one event of a worker; returns True if its trial is over."""
        job: Job = worker.job  # type: ignore[assignment]
        try:
            event = worker.receive()
        except Died as death:
            return self._handle_death(worker, job, str(death))
        match event:
            case Begun():
                worker.begun, worker.starts = True, 1
                if self.minutes_per_trial and not worker.stopped:
                    worker.deadline = time.monotonic() + 60 * self.minutes_per_trial
                if job.number in self._cancelled:
                    worker.cancel(alone=True)
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
                self._end(job.number, outcome)
                return True
        return False

    def _handle_death(self, worker: WorkerHandle, job: Job, cause: str) -> bool:
        """Assigns the trial of a dead worker to a new one if it had not begun; returns True if the trial is over."""
        self._remove(worker)
        if not worker.begun and not worker.stopped and worker.starts < MOST_STARTS:
            replacement = self._start_worker()
            replacement.starts = worker.starts + 1
            self._assign(replacement, job)
            return False
        self._cancelled.discard(job.number)
        self.listener.died(job.number, cause)
        return True

    def _reassign_late_jobs(self) -> None:
        """Moves jobs whose workers find no room in the cluster to free workers."""
        free = [worker for worker in self.workers if not worker.job]
        waiting = [worker for worker in self.workers if worker.job and not worker.begun and not worker.stopped]
        late = [worker for worker in waiting if time.monotonic() > worker.assigned + PATIENCE]
        for worker, replacement in zip(late, free, strict=False):
            self._remove(worker)
            replacement.starts = worker.starts
            self._assign(replacement, worker.job)  # type: ignore[arg-type]

    def _stop_if_requested(self) -> None:
        """Stops all trials if the listener raises Stop; they have GRACE seconds to end."""
        try:
            self.listener.check_stop()
        except Stop:
            for worker in self.workers:
                if worker.job and not worker.stopped:
                    worker.stopped, worker.deadline = True, time.monotonic() + GRACE
                    worker.cancel(alone=False)

    def _end_overdue(self) -> bool:
        """Kills workers whose deadline has passed and ends their trials; returns True if there were any."""
        overdue = [worker for worker in self.workers if worker.job and time.monotonic() > worker.deadline]
        for worker in overdue:
            self._remove(worker)
            if worker.stopped:
                outcome = Outcome(TrialState.KILLED, cause="interrupted")
            else:
                outcome = Outcome(TrialState.FAILED, cause=f"took longer than {self.minutes_per_trial:g} minutes")
            self._end(worker.job.number, outcome)  # type: ignore[union-attr]
        return bool(overdue)

    def _end(self, number: int, outcome: Outcome) -> None:
        self._cancelled.discard(number)
        self.listener.end(number, outcome)

    def _remove(self, worker: WorkerHandle) -> None:
        self.workers.remove(worker)
        worker.kill()
