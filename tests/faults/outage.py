"""A server that refuses, hangs, answers 500 or loses its answers while sweeps run, and a file that another writer holds.

    python -m tests.faults.outage [stores=server,file] [sweeps=10] [seed=0]

Every fifth sweep ends while its store is still away; the command that it prints then delivers the rest.
"""

import os
import random
import re
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlparse

from mlflow import MlflowClient

from src.config.arguments import read_arguments
from src.config.paths import ROOT
from src.tracking.store import client
from tests.faults.proxy import FAILURES, Proxy
from tests.faults.stub import EPOCHS, SWEEP, read
from tests.tracking.team import mlflow_server

WORDS = ["data=digits", "model.units=range(8,22)"]
TRIALS, LONGEST = 14, 6.0  # seconds of an outage


@dataclass
class Tally:
    """What outages cost; what follows `slowest` is to be 0."""

    sweeps: int = 0
    outages: int = 0
    left_undelivered: int = 0  # sweeps that ended before the store was back
    slowest: float = 0.0  # the training of a sweep, over that of one without outages
    failed: int = 0
    lost: int = 0
    twins: int = 0
    left_running: int = 0


@contextmanager
def away(store: Path, proxy: Proxy | None, mode: str) -> Iterator[None]:
    """Keeps everybody from a store."""
    if proxy:
        proxy.mode = mode
        yield
        proxy.mode = "pass"
    else:
        other = sqlite3.connect(store, isolation_level=None, timeout=60)
        other.execute("begin exclusive")
        yield
        other.execute("rollback")
        other.close()


def run(folder: Path, uri: str, *words: str) -> subprocess.Popen[str]:
    """A sweep of stubs in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MLFLOW_TRACKING_URI": uri, "SECONDS_PER_EPOCH": "0.15"}
    command = [sys.executable, "-c", SWEEP, "tests.faults.stub.stub", *WORDS, *words]
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def trouble(sweep: subprocess.Popen[str], folder: Path, tally: Tally, dice: random.Random, fail: Callable) -> None:
    """Outages from the first trial on until the sweep ends."""
    while not read(folder) and sweep.poll() is None:
        time.sleep(0.05)
    to_the_end = dice.random() < 0.2
    while sweep.poll() is None:
        time.sleep(dice.uniform(0, 1.5))
        tally.outages += 1
        with fail(dice.choice(FAILURES)):
            deadline = time.monotonic() + (600 if to_the_end else dice.uniform(0, LONGEST))
            while sweep.poll() is None and time.monotonic() < deadline:
                time.sleep(0.05)


def one(folder: Path, uri: str, tally: Tally, dice: random.Random, fail: Callable) -> float:
    """A sweep amid outages, and if need be what it says to deliver the rest; the seconds of its training."""
    sweep = run(folder, uri)
    said: list[str] = []
    threading.Thread(target=lambda: said.append(sweep.stdout.read())).start()  # type: ignore[union-attr]
    trouble(sweep, folder, tally, dice, fail)
    tally.sweeps += 1
    times = [seconds for *_, seconds in read(folder)]
    sweep.wait()
    time.sleep(0.1)
    text = "".join(said)
    tally.failed += sweep.returncode != 0
    if sweep.returncode:
        print(text[-3000:])
    if "records wait" in text:
        tally.left_undelivered += 1
        again = run(folder, uri, re.search(r"resume=\S+", text)[0])  # type: ignore[index]
        told = again.communicate()[0]
        tally.failed += again.returncode != 0 or "records wait" in told
    return max(times, default=0.0) - min(times, default=0.0)


def check(tally: Tally, uri: str, seen: set[str]) -> None:
    """The store has each trial of the newest sweep once, ended, with every epoch."""
    reader = MlflowClient(uri)
    runs = reader.search_runs([reader.get_experiment_by_name("digits").experiment_id], max_results=5000)
    new = [run for run in runs if run.info.run_id not in seen]
    seen |= {run.info.run_id for run in new}
    trials = [run for run in new if run.data.tags.get("trialbook.kind") == "trial"]
    tally.left_running += sum(run.info.status == "RUNNING" for run in new)
    tally.twins += max(0, len(new) - TRIALS - 1)
    tally.lost += max(0, TRIALS - len(trials))
    for run in trials:
        steps = [metric.step for metric in reader.get_metric_history(run.info.run_id, "val_accuracy")]
        whole = "model.h5" in {file.path for file in reader.list_artifacts(run.info.run_id)}
        tally.lost += run.info.status == "FINISHED" and (steps != list(range(1, EPOCHS + 1)) or not whole)


def sweeps(kind: str, count: int, dice: random.Random) -> Tally:
    """So many sweeps on one store, the first without outages."""
    tally, seen = Tally(), set[str]()
    with tempfile.TemporaryDirectory() as name:
        store = Path(name) / "mlflow.db"
        with client(f"sqlite:///{store}"):
            pass
        with mlflow_server(f"sqlite:///{store}", Path(name) / "kept") if kind == "server" else nullcontext("") as address:
            proxy = Proxy(urlparse(address).port or 0) if address else None
            uri, calm = proxy.address if proxy else f"sqlite:///{store}", 0.0
            for number in range(count + 1):
                (folder := Path(name) / str(number)).mkdir()
                if not number:
                    first = run(folder, uri)
                    first.communicate()
                    times = [seconds for *_, seconds in read(folder)]
                    calm = max(times) - min(times)
                else:
                    seconds = one(folder, uri, tally, dice, lambda mode: away(store, proxy, mode))
                    tally.slowest = max(tally.slowest, round(seconds / calm, 2))
                check(tally, address or f"sqlite:///{store}", seen)
    return tally


@dataclass(frozen=True)
class Arguments:
    """What may be said behind the command."""

    stores: str = "server,file"
    sweeps: str = "10"
    seed: str = "0"


def main() -> int:
    """Prints a line per kind of store."""
    arguments, bad = read_arguments(Arguments, sys.argv[1:]), 0
    for kind in arguments.stores.split(","):
        found = asdict(sweeps(kind, int(arguments.sweeps), random.Random(arguments.seed)))
        print(kind, found, flush=True)
        bad += sum(list(found.values())[4:])
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
