"""Trials side by side, in warm processes of this machine."""

import logging
import multiprocessing
import time
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from src.errors import Stop
from src.executors import Listener, RunTrial
from src.executors.machine import find_slots, gpus_of
from src.executors.worker import CANCEL, work
from src.trial import Job, Outcome

log = logging.getLogger(__name__)
GRACE = 15.0  # seconds in which a cancelled trial may end by itself
MOST_TRIALS = 200  # of a process, before a new one takes its place
spawning = multiprocessing.get_context("spawn")  # TensorFlow does not survive a fork


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection
    slot: int
    trials: int = 0
    job: Job | None = None
    deadline: float = float("inf")
    cancelled: bool = False


class Local:
    """A process per slot.

    Args:
        workers: how many, or `auto`: as many as cores, memory and GPUs allow.
        threads: CPU threads of each trial.
        gpus_per_trial: a fraction shares a GPU.
        minutes_per_trial: a trial that takes longer is FAILED; None for no limit.

    Raises:
        ConfigError: the machine does not have so much.
    """

    def __init__(
        self,
        listener: Listener,
        run_trial: RunTrial,
        *,
        workers: int | str,
        threads: int,
        gpus_per_trial: float,
        minutes_per_trial: float | None,
    ) -> None:
        self._listener, self._run_trial = listener, run_trial
        self._gpus_per_trial = gpus_per_trial
        self._seconds = 60 * minutes_per_trial if minutes_per_trial else float("inf")
        self.slots, self.headline = find_slots(workers, threads, gpus_per_trial)
        self._workers: list[_Worker] = []

    def submit(self, job: Job) -> None:
        """Gives a job to a process that has none; a new one, if need be."""
        worker = next((worker for worker in self._workers if not worker.job), None) or self._start()
        worker.job, worker.cancelled, worker.deadline = job, False, time.monotonic() + self._seconds
        worker.trials += 1
        with suppress(OSError):  # it just died, which `wait` finds out
            worker.connection.send(job)

    def wait(self, seconds: float) -> None:
        """Calls back what happened."""
        until = time.monotonic() + seconds
        ended = False
        while not ended and (left := until - time.monotonic()) > 0:
            busy = {worker.connection: worker for worker in self._workers if worker.job}
            for connection in wait(list(busy), min(left, 1.0)):
                ended |= self._hear(busy[connection])  # type: ignore[index]
            self._cancel_if_asked()
            ended |= self._end_overdue()

    def close(self) -> None:
        """Ends the processes; each sees that its connection is gone."""
        for worker in self._workers:
            worker.connection.close()
        for worker in self._workers:
            worker.process.join(1.0)
            worker.process.kill()
            worker.process.join()
        self._workers.clear()

    def _start(self) -> _Worker:
        slot = min(set(range(self.slots)) - {worker.slot for worker in self._workers})
        ours, theirs = spawning.Pipe()
        visible = {"CUDA_VISIBLE_DEVICES": ",".join(gpus_of(slot, self._gpus_per_trial))}
        process = spawning.Process(target=work, args=(theirs, self._run_trial, visible))
        process.start()
        theirs.close()
        self._workers.append(_Worker(process, ours, slot))
        return self._workers[-1]

    def _hear(self, worker: _Worker) -> bool:
        """Passes on one thing that a process said; whether its trial is over."""
        number = worker.job.number  # type: ignore[union-attr]
        try:
            kind, *said = worker.connection.recv()
        except (EOFError, OSError):
            worker.process.join()
            self._remove(worker)
            self._listener.died(number, f"its process died, {_how(worker.process.exitcode)}")
            return True
        if kind == "epoch":
            self._listener.epoch(number, *said)
        elif kind == "log":
            log.log(said[0], "trial %d: %s", number + 1, said[1])
        else:
            worker.job = None
            if worker.trials >= MOST_TRIALS:
                self._remove(worker)
            self._listener.end(number, *said)
        return bool(kind == "end")

    def _cancel_if_asked(self) -> None:
        try:
            self._listener.alive()
        except Stop:
            for worker in self._workers:
                if worker.job and not worker.cancelled:
                    worker.cancelled, worker.deadline = True, time.monotonic() + GRACE
                    with suppress(OSError):
                        worker.connection.send(CANCEL)

    def _end_overdue(self) -> bool:
        """Kills the processes of trials whose time is over; whether there were any."""
        overdue = [worker for worker in self._workers if worker.job and time.monotonic() > worker.deadline]
        for worker in overdue:
            self._remove(worker)
            state, cause = ("KILLED", "interrupted") if worker.cancelled else ("FAILED", f"took longer than {self._seconds / 60:g} minutes")
            self._listener.end(worker.job.number, Outcome(state, cause=cause))  # type: ignore[union-attr]
        return bool(overdue)

    def _remove(self, worker: _Worker) -> None:
        self._workers.remove(worker)
        worker.connection.close()
        worker.process.kill()
        worker.process.join()


def _how(exitcode: int | None) -> str:
    return "killed (out of memory?)" if exitcode == -9 else f"exit code {exitcode}"
