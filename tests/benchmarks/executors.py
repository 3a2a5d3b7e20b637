"""What the executors and the stores give, side by side:  python -m tests.benchmarks.executors [trials=20] [rounds=3]

Trials per minute count the whole process; "trained" is the share of the slots' time, from first start to last end, that trials trained.
"""

import os
import pickle
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from src.config.arguments import read_arguments
from src.config.paths import ROOT
from src.job import Job, Outcome
from src.tracking.store import connect
from tests.faults.stub import SWEEP
from tests.tracking.team import mlflow_server, postgresql

REAL = {"inline": 1, "local executor.workers=1": 1, "local executor.workers=2": 2, "ray executor.workers=2": 2}
SLOTS = (1, 2, 8)
STUBS = 200
EVENTS = 500


def stub(job: Job, report: Callable, check_stop: Callable) -> Outcome:
    """A trial of 10 ms."""
    time.sleep(0.01)
    report(1, {"val_accuracy": 0.5})
    return Outcome("FINISHED", {"kept/val_accuracy": 0.5, "kept/epoch": 1}, {"val_accuracy": [0.5]}, 0.01)


def instant(job: Job, report: Callable, check_stop: Callable) -> Outcome:
    """A trial that takes no time."""
    report(1, {"val_accuracy": 0.5})
    return Outcome("FINISHED", {"kept/val_accuracy": 0.5, "kept/epoch": 1}, {"val_accuracy": [0.5]}, 0.0)


def chatty(job: Job, report: Callable, check_stop: Callable) -> Outcome:
    """A trial of many epochs that take no time."""
    for epoch in range(1, EVENTS + 1):
        report(epoch, {"val_accuracy": 0.5})
    return Outcome("FINISHED", {"kept/val_accuracy": 0.5, "kept/epoch": 1}, {"val_accuracy": [0.5] * EVENTS}, 0.01)


@dataclass(frozen=True)
class Found:
    """Seconds of the whole process; of the trials the first start, the end of each, and the seconds in which they trained."""

    seconds: float
    begun: float
    ended: list[float]
    trained: float

    def share(self, slots: int) -> float:
        """Of the slots' time, how much trained."""
        return self.trained / slots / (self.ended[-1] - self.begun)


def sweep(*command: str, store: str | None = None) -> Found:
    """One sweep in an empty folder, with a store that is there."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "mlruns").mkdir()
        connect(f"sqlite:///{folder}/mlruns/mlflow.db", "unused")
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **({"MLFLOW_TRACKING_URI": store} if store else {})}
        began = time.perf_counter()
        subprocess.run([sys.executable, *command], cwd=folder, env=environment, check=True, capture_output=True)
        seconds = time.perf_counter() - began
        study = next((folder / "mlruns" / "sweeps").glob("*/study.db"))
        rows = sqlite3.connect(study).execute("select started, ended, seconds from trial order by ended").fetchall()
        return Found(seconds, min(row[0] for row in rows), [row[1] for row in rows], sum(row[2] for row in rows))


def real(executor: str, trials: int, store: str | None = None) -> Found:
    """A sweep of the 2-layer network on Fashion-MNIST: five epochs per trial."""
    words = f"-m src.sweep -m seed=range(1,{trials + 1}) training=fixed_epochs training.epochs=5 executor={executor}"
    return sweep(*words.split(), store=store)


def stubs(executor: str, *, trials: int = STUBS, kind: str = "stub", store: str | None = None) -> Found:
    """A sweep of stubs."""
    return sweep(
        "-c",
        SWEEP,
        f"tests.benchmarks.executors.{kind}",
        "data=digits",
        f"seed=range(1,{trials + 1})",
        *f"executor={executor}".split(),
        store=store,
    )


def rate(found: Found) -> float:
    """Trials per second, once all slots are there."""
    return (len(found.ended) - 20) / (found.ended[-1] - found.ended[19])


def sizes() -> tuple[int, int]:
    """Bytes of a job and of an outcome of the 2-layer network, as they travel."""
    from src import trial
    from src.config.command_line import conf_loader
    from src.config.composer import Composer
    from src.config.paths import trial_config

    with conf_loader() as loader, tempfile.TemporaryDirectory() as folder:
        config = trial_config(Composer(loader)(["training.epochs=1"]))
        job = Job(0, 1, config, Path(folder))
        return len(pickle.dumps(job)), len(pickle.dumps(trial.run(job, lambda *_: None, lambda: None)))


@dataclass(frozen=True)
class Arguments:
    """What may be said behind the command."""

    trials: str = "20"
    rounds: str = "3"


def main() -> None:
    """Prints tables."""
    arguments = read_arguments(Arguments, sys.argv[1:])
    trials, rounds = int(arguments.trials), int(arguments.rounds)
    print("executor                   trials/min  trained    (medians of", rounds, "rounds)", flush=True)
    runs: dict[str, list[Found]] = {executor: [] for executor in REAL}
    for _ in range(rounds):
        for executor, all_of_it in runs.items():
            all_of_it.append(real(executor, trials))
    for executor, slots in REAL.items():
        per_minute = statistics.median(60 * trials / one.seconds for one in runs[executor])
        print(f"{executor:26} {per_minute:10.1f} {statistics.median(one.share(slots) for one in runs[executor]):8.0%}", flush=True)
    print("\nstub trials of 10 ms       per second")
    for executor in ("inline", *(f"local executor.workers={slots}" for slots in SLOTS), "ray executor.workers=2"):
        print(f"{executor:26} {statistics.median(rate(stubs(executor)) for _ in range(rounds)):10.1f}", flush=True)
    print("\nstore                      trials/min  records/s (epochs of stubs, until all are delivered)", flush=True)
    with ExitStack() as stack:
        team = stack.enter_context(
            mlflow_server(stack.enter_context(postgresql()), Path(stack.enter_context(tempfile.TemporaryDirectory())))
        )
        for name, store in (("SQLite", None), ("server on PostgreSQL", team)):
            seconds = statistics.median(real("local executor.workers=2", trials, store).seconds for _ in range(rounds))
            few, many = (stubs("inline", trials=count, kind="chatty", store=store) for count in (2, 6))
            print(f"{name:26} {60 * trials / seconds:10.1f} {4 * EVENTS / (many.seconds - few.seconds):10.0f}", flush=True)
    events = 20 * EVENTS / ((found := stubs("local executor.workers=2", trials=20, kind="chatty")).ended[-1] - found.begun)
    print(f"\nevents of workers that a driver takes: {events:.0f} per second", flush=True)
    print("\nbytes of a job and of an outcome:", *sizes())


if __name__ == "__main__":
    main()
