"""How fast records arrive in a new SQLite store of MLflow:

    python -m tests.benchmarks.delivery [runs=200] [epochs=50] [stubs=10000] [sweep=2000]

First runs that wait in a study, from the start of its outbox until MLflow has them; then a sweep of stub trials that take no time.
The processor seconds are those of the outbox's thread, which trains nothing but holds Python's lock.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from src.config.arguments import read_arguments
from src.config.paths import ROOT
from src.study import outbox
from src.study.messages import Message
from src.study.store import Store
from src.tracking.store import connect, read
from src.tracking.tracker import MlflowTracker
from tests.faults.stub import SWEEP

PARAMETERS, TAGS, METRICS = 24, 16, 4  # of a run, as of a sweep of the 2-layer network
TIMED = "from tests.benchmarks import delivery\nwith delivery.timed():\n" + "\n".join(f"    {line}" for line in SWEEP.splitlines())


@contextmanager
def timed() -> Iterator[None]:
    """Prints the processor seconds of the outbox's thread, and how long somebody waited for it since the last trial had ended."""
    deliver, flush, waited, used = outbox.Outbox._deliver_all, outbox.Outbox.flush, [], []

    def timed_deliver(self: outbox.Outbox) -> None:
        try:
            deliver(self)
        finally:
            used.append(time.thread_time())

    def timed_flush(self: outbox.Outbox) -> int:
        before, left = time.perf_counter(), flush(self)
        waited.append(time.perf_counter() - before)
        return left

    outbox.Outbox._deliver_all, outbox.Outbox.flush = timed_deliver, timed_flush  # type: ignore[method-assign]
    try:
        yield
    finally:
        outbox.Outbox._deliver_all, outbox.Outbox.flush = deliver, flush  # type: ignore[method-assign]
        print(f"\nTIMED {sum(used)} {sum(waited)}")


def wait(folder: Path, runs: int, epochs: int) -> Store:
    """Fills a new study with the messages of runs, as a sweep whose store did not answer leaves it."""
    store = Store.create(folder / "study.db")
    store.post(Message(None, "start", {"name": "sweep", "params": {}, "tags": {"trialbook.sweep": "S", "trialbook.kind": "sweep"}}))
    with store._transaction():
        for number in range(runs):
            identity = {"trialbook.sweep": "S", "trialbook.kind": "trial", "trialbook.trial": str(number)}
            tags = {**identity, **{f"trialbook.tag{index}": f"what is said of it, {index}" for index in range(TAGS)}}
            params = {f"model.parameter{index}": number + index for index in range(PARAMETERS)}
            store._db.execute("insert into trial (number) values (?)", (number,))
            store._post([Message(number, "start", {"name": f"trial {number}", "params": params, "tags": tags})])
            for epoch in range(1, epochs + 1):
                values = {f"metric{index}": number / epoch + index for index in range(METRICS)}
                store._post([Message(number, "epoch", {"epoch": epoch, "metrics": values, "time": 1e9 + epoch})])
            kept = folder / str(number) / outbox.UNDELIVERED / "kept"
            kept.mkdir(parents=True)
            for name in ("config.yaml", "overrides.yaml"):
                (kept / name).write_bytes(b"learning_rate: 0.1\n" * 50)
            ended = {"tags": {"trialbook.device": "CPU"}, "metrics": {"kept/metric0": 0.5, "kept/epoch": 1.0}}
            store._post([Message(number, "end", {"state": "FINISHED", "time": 1e9, "files": "kept", **ended})])
    return store


def delivered(runs: int, epochs: int) -> tuple[float, float, int]:
    """Seconds until the runs that wait are in MLflow, those of the processor among them, and the number of metric values."""
    used: list[float] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        uri = f"sqlite:///{folder}/mlruns/mlflow.db"
        store, tracker = wait(folder, runs, epochs), MlflowTracker(uri, "delivery")
        deliver = outbox.Outbox._deliver_all
        outbox.Outbox._deliver_all = lambda self: (deliver(self), used.append(time.thread_time()))  # type: ignore[method-assign]
        began = time.perf_counter()
        box = outbox.Outbox(store, tracker, lambda number: folder / str(number))
        assert box.flush() == 0 and not store.refusals()
        seconds = time.perf_counter() - began
        box.close()
        outbox.Outbox._deliver_all = deliver  # type: ignore[method-assign]
        store.close()
        [[values]] = read(folder / "mlruns" / "mlflow.db", "select count(*) from metrics")
        return seconds, used[0], int(values)


def sweep(trials: int) -> str:
    """A line about a sweep of stub trials that take no time."""
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "mlruns").mkdir()
        connect(f"sqlite:///{name}/mlruns/mlflow.db", "unused")
        words = ["tests.benchmarks.executors.instant", "data=digits", f"seed=range(1,{trials + 1})", "executor=inline"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        said = subprocess.run([sys.executable, "-c", TIMED, *words], cwd=name, env=environment, check=True, capture_output=True, text=True)
        used, waited = map(float, said.stdout.rpartition("TIMED ")[2].split())
        [file] = (Path(name) / "mlruns" / "sweeps").glob("*/study.db")
        [[seconds]] = read(file, "select max(ended) - min(started) from trial")
        each = float(seconds) / trials
    return f"{trials:8} {trials / float(seconds):9.0f}/s {waited:25.1f} s {1000 * used / trials:21.2f} ms  of {1000 * each:.1f} ms"


@dataclass(frozen=True)
class Arguments:
    """What may be said behind the command."""

    runs: str = "200"
    epochs: str = "50"
    stubs: str = "10000"
    sweep: str = "2000"


def main() -> None:
    """Prints tables."""
    arguments = read_arguments(Arguments, sys.argv[1:])
    print("runs that wait  epochs  seconds    values/s    runs/s   processor per run", flush=True)
    for runs, epochs in ((int(arguments.runs), int(arguments.epochs)), (int(arguments.stubs), 1)):
        if runs:
            seconds, used, values = delivered(runs, epochs)
            line = f"{runs:14} {epochs:7} {seconds:8.1f} {values / seconds:11.0f} {runs / seconds:9.0f}"
            print(f"{line} {1000 * used / runs:16.2f} ms", flush=True)
    if trials := int(arguments.sweep):
        print("\nstub trials  trained  delivered after the last  processor per trial", flush=True)
        print(sweep(trials))


if __name__ == "__main__":
    main()
