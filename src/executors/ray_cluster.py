"""Runs trials concurrently in processes of a Ray cluster. They share no disk with the driver, so they send it the files of a trial."""

import logging
import os
import queue
import signal
import socket
import tempfile
import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from src.config.paths import ROOT
from src.errors import ConfigError, first_words
from src.executors import RunTrial
from src.executors.handle import Died, WorkerHandle
from src.executors.machine import GIGABYTES_PER_WORKER, Node, find_slots, this_machine
from src.executors.pool import Pool
from src.executors.worker import CANCEL, STOP, Answer, Call, EpochEnded, Event, FileWritten, Order, TrialEnded, answer, perform, warm_up
from src.job import Job

PATIENCE = 5.0  # seconds to wait for an answer from the cluster; Ray itself would wait 40
HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])  # RFC 9113, section 3.4; every gRPC server answers it
NOT_SENT = [".git", ".venv", "mlruns"]


class Ray(Pool):
    """Runs one Ray actor per slot. A Ray task with a GPU would start a new process every time, which imports TensorFlow for seconds.

    Args:
        address: None for a new cluster on this machine, `auto` for the cluster that this machine is in, or `HOST:PORT`.
        workers: number of actors, or `auto` for as many as cores, memory and GPUs of the cluster allow.
        threads: CPU threads of each trial.
        gpus_per_trial: below 1, several trials share a GPU.
        minutes_per_trial: a trial that takes longer is FAILED; None for no limit.

    Raises:
        ConfigError: Ray is not installed, or the cluster does not answer or has too few resources.
    """

    def __init__(
        self,
        run_trial: RunTrial,
        *,
        address: str | None,
        workers: int | str,
        threads: int,
        gpus_per_trial: float,
        minutes_per_trial: float | None,
    ) -> None:
        try:
            import ray
        except ImportError as error:
            raise ConfigError(["executor=ray: Ray is not installed; expected: pip install ray"]) from error
        self._ray = ray
        self._own_cluster = address is None
        if address:
            self._connect(address)
        nodes = [this_machine()] if self._own_cluster else self._nodes()
        try:
            slots, headline = find_slots(workers, threads, gpus_per_trial, nodes, beyond_cores=self._own_cluster)
        except ConfigError:
            self._ray.shutdown()
            raise
        super().__init__(run_trial, slots, headline, minutes_per_trial)
        self._resources = {"num_cpus": threads, "num_gpus": gpus_per_trial, "memory": int(GIGABYTES_PER_WORKER * 2**30)}

    @property
    def parallel_calls(self) -> int:
        """One: the cluster may have no room for more workers, and a call cannot move to another worker."""
        return 1

    def start(self, slot: int) -> WorkerHandle:
        """Requests a new actor, which starts as soon as the cluster has room for it."""
        if not self._ray.is_initialized():
            self._connect("local", num_cpus=self.slots * self._resources["num_cpus"], _memory=self.slots * self._resources["memory"])
        return _Actor(slot, self._ray, self.run_trial, self._resources)

    def ready(self, workers: list[WorkerHandle], seconds: float) -> Iterable[WorkerHandle]:
        """Returns the workers whose stream has an event."""
        streams = {worker.events: worker for worker in workers if isinstance(worker, _Actor)}
        if not streams:
            return []
        ready, _ = self._ray.wait(list(streams), timeout=seconds, fetch_local=False)
        return [streams[stream] for stream in ready]

    def close(self) -> None:
        """Ends the workers, and the cluster if this object started it."""
        super().close()
        self._ray.shutdown()

    def _connect(self, address: str, **options: Any) -> None:
        quiet = {"log_to_driver": False, "logging_level": logging.CRITICAL, "include_dashboard": False if self._own_cluster else None}
        handler = signal.getsignal(signal.SIGTERM)  # Ray replaces it by one that exits
        try:
            if ":" in address:
                _greet(address)
            self._ray.init(address, runtime_env={"working_dir": str(ROOT), "excludes": NOT_SENT}, **quiet, **options)
        except (OSError, RuntimeError, ValueError) as error:
            raise ConfigError(
                [f"executor.address={address}: {error}. Expected the address of a Ray cluster that this machine is in."]
            ) from error
        finally:
            signal.signal(signal.SIGTERM, handler)

    def _nodes(self) -> list[Node]:
        totals = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        return [Node(int(total.get("CPU", 0)), total.get("memory", 0) / 2**30, int(total.get("GPU", 0))) for total in totals]


class _Actor(WorkerHandle):
    def __init__(self, slot: int, ray: Any, run_trial: RunTrial, resources: dict[str, Any]) -> None:
        super().__init__(slot)
        self._ray = ray
        self._actor = ray.remote(_Stage).options(max_concurrency=2, **resources).remote(run_trial, str(Path.cwd()))
        self.events: Any = None

    def send(self, job: Job | Call) -> None:
        self.events = self._actor.run.options(num_returns="streaming").remote(job)

    def receive(self) -> Event | Answer:
        try:
            received: Event | Answer = self._ray.get(next(self.events))
            return received
        except (StopIteration, self._ray.exceptions.RayError) as error:
            raise Died(f"its process died: {first_words(error)}") from error

    def cancel(self, *, alone: bool) -> None:
        if self.job:
            self._actor.cancel.remote(self.job.number, CANCEL if alone else STOP)

    def kill(self) -> None:
        self._ray.kill(self._actor)


class _Stage:
    """The class of the actors. Runs trials one by one, each in a temporary folder; sends new files to the driver."""

    def __init__(self, run_trial: RunTrial, folder: str) -> None:
        if Path(folder).is_dir():  # on the machine of the driver, or on a shared disk, relative paths stay valid
            os.chdir(folder)
        self._run_trial = run_trial
        self._running: int | None = None
        self._order = Order()
        warm_up(run_trial)

    def run(self, job: Job | Call) -> Iterator[Event | Answer]:
        """Yields the events of a trial, its files included, or the answer to a call."""
        if isinstance(job, Call):
            yield answer(job)
            return
        self._running, self._order.given = job.number, ""
        events: queue.SimpleQueue[Any] = queue.SimpleQueue()
        with tempfile.TemporaryDirectory() as name:
            threading.Thread(target=self._perform, args=(replace(job, folder=Path(name)), events), daemon=True).start()
            sent: dict[Path, int] = {}
            while True:
                event = events.get()
                if isinstance(event, BaseException):
                    raise event
                if isinstance(event, EpochEnded | TrialEnded):
                    yield from _changed_files(Path(name), sent)
                yield event
                if isinstance(event, TrialEnded):
                    return

    def cancel(self, number: int, order: str) -> None:
        """Orders a trial to end if it still runs, because calls may arrive in another order than they were made."""
        if number == self._running:
            self._order.give(order)

    def _perform(self, job: Job, events: "queue.SimpleQueue[Any]") -> None:
        try:
            perform(self._run_trial, job, events.put, self._order)
        except BaseException as error:  # raised again by `run`, which waits in another thread
            events.put(error)


def _changed_files(folder: Path, sent: dict[Path, int]) -> Iterator[FileWritten]:
    """Yields new and changed files; updates `sent`, which has the modification time of each file."""
    for file in folder.rglob("[!.]*"):
        if not file.is_file():
            continue
        changed = file.stat().st_mtime_ns
        if sent.get(file) != changed:
            sent[file] = changed
            yield FileWritten(str(file.relative_to(folder)), file.read_bytes())


def _greet(address: str) -> None:
    """Raises OSError if no server at an address answers."""
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), PATIENCE) as connection:
        connection.sendall(HELLO)
        connection.recv(1)
