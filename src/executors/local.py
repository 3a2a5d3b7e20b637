"""Runs trials concurrently in processes of this machine, forked from one that has imported TensorFlow."""

import os
import threading
from collections.abc import Iterable
from contextlib import suppress
from multiprocessing.connection import wait

import psutil

from src import trial
from src.executors import RunTrial, forking
from src.executors.handle import Died, WorkerHandle
from src.executors.machine import find_slots, gpus_of, this_machine
from src.executors.pool import Pool
from src.executors.worker import CANCEL, STOP, Answer, Call, Event, children_of, work
from src.job import Job


class Local(Pool):
    """Runs one worker process per slot.

    Args:
        workers: number of processes, or `auto` for as many as cores, memory and GPUs allow.
        threads: CPU threads of each trial.
        gpus_per_trial: below 1, several trials share a GPU.
        minutes_per_trial: a trial that takes longer is FAILED; None for no limit.

    Raises:
        ConfigError: the machine has too few resources.
    """

    def __init__(
        self, run_trial: RunTrial, *, workers: int | str, threads: int, gpus_per_trial: float, minutes_per_trial: float | None
    ) -> None:
        slots, headline = find_slots(workers, threads, gpus_per_trial, [this_machine()])
        super().__init__(run_trial, slots, headline, minutes_per_trial)
        self._gpus_per_trial = gpus_per_trial
        self._starting: threading.Thread | None = None
        self._closed = False

    def warm_up(self, trials: int) -> None:
        """Starts the process from which workers are forked; it imports TensorFlow once, while the driver does other work.

        A thread then starts the workers, because each start waits for that import.
        """
        forking.start(["src.executors.warm"] if self.run_trial is trial.run else [])
        self._starting = threading.Thread(target=self._start_workers, args=(min(trials, self.slots),), daemon=True)
        self._starting.start()

    def _start_workers(self, count: int) -> None:
        with suppress(OSError, EOFError):  # for example no memory for a process: the first job tries again and reports it
            while len(self.workers) < count and not self._closed:
                self._start_worker()
        if self._closed:
            super().close()

    def free_worker(self) -> WorkerHandle:
        """Waits for the thread that starts workers, then returns a free worker."""
        if self._starting:
            self._starting.join()
        return super().free_worker()

    def close(self) -> None:
        """Ends all workers; a thread that still starts workers ends them itself."""
        self._closed = True
        if not self._starting or not self._starting.is_alive():
            super().close()

    def start(self, slot: int) -> WorkerHandle:
        """Starts a new process."""
        return _Process(slot, self.run_trial, {"CUDA_VISIBLE_DEVICES": ",".join(gpus_of(slot, self._gpus_per_trial))})

    def ready(self, workers: list[WorkerHandle], seconds: float) -> Iterable[WorkerHandle]:
        """Returns the workers whose pipe has data or was closed."""
        connections = {worker.connection: worker for worker in workers if isinstance(worker, _Process)}
        return [connections[connection] for connection in wait(list(connections), seconds)]  # type: ignore[index]


class _Process(WorkerHandle):
    """Handle of a process at the other end of a pipe. The process exits when the pipe is closed."""

    def __init__(self, slot: int, run_trial: RunTrial, environment: dict[str, str]) -> None:
        super().__init__(slot)
        self.connection, worker_end = forking.context.Pipe()
        self._process = forking.context.Process(target=work, args=(worker_end, run_trial, {**os.environ, **environment}))
        self._process.start()
        worker_end.close()

    def send(self, job: Job | Call) -> None:
        with suppress(OSError):
            self.connection.send(job)

    def receive(self) -> Event | Answer:
        try:
            received: Event | Answer = self.connection.recv()
            return received
        except (EOFError, OSError) as error:
            self._process.join()
            code = self._process.exitcode
            raise Died(f"its process died, {'killed (out of memory?)' if code == -9 else f'exit code {code}'}") from error

    def cancel(self, *, alone: bool) -> None:
        with suppress(OSError):
            self.connection.send(CANCEL if alone else STOP)

    def kill(self) -> None:
        self.connection.close()
        children = children_of(self._process.pid)
        self._process.kill()
        for child in children:
            with suppress(psutil.Error):
                child.kill()
        self._process.join()
