"""Trials side by side, in warm processes of a Ray cluster. They share no disk with the driver: what a trial leaves travels."""

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
from src.executors.machine import GIGABYTES_PER_WORKER, Node, find_slots, this_machine
from src.executors.pool import Died, Pool, WorkerHandle
from src.executors.worker import Answer, Call, EpochEnded, Event, FileWritten, TrialEnded, answer, perform, warm_up
from src.trial import Job

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", ".")  # prints nothing of its own: a death is told by us
PATIENCE = 5.0  # seconds, for a cluster that does not answer; Ray itself would take 40
HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])  # RFC 9113, section 3.4: whatever speaks gRPC answers
NOT_SENT = [".git", ".venv", "mlruns"]


class Ray(Pool):
    """An actor per slot: a task would begin in a new process, which imports TensorFlow for seconds, whenever it wants a GPU.

    Args:
        address: None for a cluster of its own on this machine, `auto` for the one that this machine is in, or `HOST:PORT`.
        workers: how many, or `auto`: as many as the cluster's cores, memory and GPUs allow.
        threads: CPU threads of each trial.
        gpus_per_trial: a fraction shares a GPU.
        minutes_per_trial: a trial that takes longer is FAILED; None for no limit.

    Raises:
        ConfigError: Ray is not installed, the cluster does not answer, or does not have so much.
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
        self._ray = _import()
        self._own = address is None
        if address:
            self._connect(address)
        nodes = [this_machine()] if self._own else self._nodes()
        try:
            slots, headline = find_slots(workers, threads, gpus_per_trial, nodes, beyond_cores=self._own)
        except ConfigError:
            self._ray.shutdown()
            raise
        super().__init__(run_trial, slots, headline, minutes_per_trial)
        self._wants = {"num_cpus": threads, "num_gpus": gpus_per_trial, "memory": int(GIGABYTES_PER_WORKER * 2**30)}

    def start(self, slot: int) -> WorkerHandle:
        """A new actor, which begins as soon as the cluster has room for it."""
        if not self._ray.is_initialized():
            self._connect("local", num_cpus=self.slots * self._wants["num_cpus"], _memory=self.slots * self._wants["memory"])
        return _Actor(slot, self._ray, self.run_trial, self._wants)

    def ready(self, workers: list[WorkerHandle], seconds: float) -> Iterable[WorkerHandle]:
        """Those whose stream of events has a next one."""
        streams = {worker.events: worker for worker in workers if isinstance(worker, _Actor)}
        found, _ = self._ray.wait(list(streams), timeout=seconds, fetch_local=False) if streams else ([], [])
        return [streams[stream] for stream in found]

    def close(self) -> None:
        """Ends the workers, and the cluster if it is our own."""
        super().close()
        self._ray.shutdown()

    def _connect(self, address: str, **more: Any) -> None:
        quiet = {"log_to_driver": False, "logging_level": logging.CRITICAL, "include_dashboard": False if self._own else None}
        ours = signal.getsignal(signal.SIGTERM)  # Ray would put its own in its place, which exits
        try:
            if ":" in address:
                _greet(address)
            self._ray.init(address, runtime_env={"working_dir": str(ROOT), "excludes": NOT_SENT}, **quiet, **more)
        except (OSError, RuntimeError, ValueError) as error:
            raise ConfigError(
                [f"executor.address={address}: {error}. Expected the address of a Ray cluster that this machine is in."]
            ) from error
        finally:
            signal.signal(signal.SIGTERM, ours)

    def _nodes(self) -> list[Node]:
        alive = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        return [Node(int(has.get("CPU", 0)), has.get("memory", 0) / 2**30, int(has.get("GPU", 0))) for has in alive]


class _Actor(WorkerHandle):
    """A process somewhere in the cluster."""

    def __init__(self, slot: int, ray: Any, run_trial: RunTrial, wants: dict[str, Any]) -> None:
        super().__init__(slot)
        self._ray = ray
        self._actor = ray.remote(_Stage).options(max_concurrency=2, **wants).remote(run_trial, str(Path.cwd()))
        self.events: Any = None

    def send(self, job: Job | Call) -> None:
        self.events = self._actor.run.options(num_returns="streaming").remote(job)

    def receive(self) -> Event | Answer:
        try:
            received: Event | Answer = self._ray.get(next(self.events))
            return received
        except (StopIteration, self._ray.exceptions.RayError) as error:
            raise Died(f"its process died: {first_words(error)}") from error

    def cancel(self) -> None:
        self._actor.cancel.remote()

    def kill(self) -> None:
        self._ray.kill(self._actor)


class _Stage:
    """What the actor is: it runs one trial after the other, each in a folder of its own that is sent to the driver as it grows."""

    def __init__(self, run_trial: RunTrial, folder: str) -> None:
        if Path(folder).is_dir():  # the driver's machine, or a shared disk: relative paths mean the same
            os.chdir(folder)
        self._run_trial = run_trial
        self._cancelled = threading.Event()
        warm_up(run_trial)

    def run(self, job: Job | Call) -> Iterator[Event | Answer]:
        """Yields the events of a trial, its files included, or the answer to a call."""
        if isinstance(job, Call):
            yield answer(job)
            return
        self._cancelled.clear()
        events: queue.SimpleQueue[Any] = queue.SimpleQueue()
        with tempfile.TemporaryDirectory() as name:
            threading.Thread(target=self._perform, args=(replace(job, folder=Path(name)), events), daemon=True).start()
            sent: dict[Path, int] = {}
            while not isinstance(event := events.get(), BaseException):
                if isinstance(event, EpochEnded | TrialEnded):
                    yield from _news(Path(name), sent)
                yield event
                if isinstance(event, TrialEnded):
                    return
            raise event

    def cancel(self) -> None:
        """Asks the trial to end."""
        self._cancelled.set()

    def _perform(self, job: Job, events: "queue.SimpleQueue[Any]") -> None:
        try:
            perform(self._run_trial, job, events.put, self._cancelled)
        except BaseException as error:  # it is to end the actor's method, which waits in another thread
            events.put(error)


def _news(folder: Path, sent: dict[Path, int]) -> Iterator[FileWritten]:
    """The files that are new or changed since they were sent."""
    for file in folder.rglob("[!.]*"):
        if file.is_file() and sent.get(file) != (changed := file.stat().st_mtime_ns):
            sent[file] = changed
            yield FileWritten(str(file.relative_to(folder)), file.read_bytes())


def _import() -> Any:
    try:
        import ray
    except ImportError as error:
        raise ConfigError(["executor=ray: Ray is not installed; pip install ray"]) from error
    return ray


def _greet(address: str) -> None:
    """Makes sure that something at an address answers.

    Raises:
        OSError: nothing does.
    """
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), PATIENCE) as connection:
        connection.sendall(HELLO)
        connection.recv(1)
