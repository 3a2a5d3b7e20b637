"""SIGKILLs at random moments, and what they cost.

    python -m tests.faults.kill [oracles=grid,random,bayesian,hyperband,asha] [kills=200] [seed=0]

Each sweep runs in a forked process, so that a restart costs no imports, with stub trials; it is killed and resumed until it is done.
What was acknowledged is noted here, outside of the program, after each death.
"""

import os
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mlflow import MlflowClient

from src import oracles  # noqa: F401  imported before the fork, like all that follows
from src.config.arguments import read_arguments
from src.config.command_line import conf_loader, read_command_line
from src.running import run as running
from src.running.resume import MOST_DEATHS
from src.tracking.store import client
from src.tracking.tracker import MlflowTracker  # noqa: F401
from src.training import runtime
from tests.faults.fork import forked
from tests.faults.stub import EPOCHS, read, stub

RATE = "optimizer.learning_rate=tag(log,interval(1e-4,1e-1))"
SWEEPS = {  # of 14 trials or some more
    "grid": ["model.units=range(8,22)"],
    "random": [RATE, "oracle=random", "oracle.max_trials=14"],
    "bayesian": [RATE, "oracle=bayesian", "oracle.max_trials=14"],
    "hyperband": [RATE, "oracle=hyperband", "oracle.max_epochs=9"],
    "asha": [RATE, "oracle=asha", "oracle.max_trials=10", "oracle.max_epochs=9"],
}


@dataclass
class Tally:
    """What the kills cost; all but the first three are to be 0."""

    kills: int = 0
    amid_a_trial: int = 0  # of them, while a trial was recorded as running
    sweeps: int = 0
    failed_restarts: int = 0
    trials_lost: int = 0
    trials_run_again: int = 0
    left_running: int = 0
    twins: int = 0
    other_sequences: int = 0
    damaged_databases: int = 0
    given_up: int = 0  # killed twice in a row by chance: run again by retry=failed

    @property
    def faults(self) -> dict[str, int]:
        """Everything that must not happen."""
        return {
            name: count for name, count in asdict(self).items() if name not in ("kills", "amid_a_trial", "sweeps", "given_up") and count
        }


def start(folder: Path, words: list[str]) -> int:
    """Runs a sweep in a new process; its process id."""

    def work() -> int:
        with conf_loader() as loader:
            line = read_command_line(loader, ["-m", *words])
            return running.run(loader, line.request, line.config, run_trial=stub)

    return forked(work, folder)


@dataclass
class Sweep:
    """One sweep in one folder, and what was acknowledged of it."""

    folder: Path
    words: list[str]
    tally: Tally
    finished: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    started: int = 0  # lines of the ledger that were there when we looked last

    def resumed(self, *more: str) -> list[str]:
        """The command line: with a study to go on with it is resumed."""
        known = list((self.folder / "mlruns" / "sweeps").glob("*/study.db"))
        there = False
        for file in known:
            try:
                there |= bool(sqlite3.connect(file).execute("select 1 from meta where key = 'created'").fetchone())
            except sqlite3.OperationalError:
                continue
        return [*self.words, *(["resume=latest", *more] if there else [])]

    def look(self) -> None:
        """Compares what is recorded with what was before."""
        ledger = read(self.folder)
        self.tally.trials_run_again += sum(what == "start" and number in self.finished for what, number, *_ in ledger[self.started :])
        self.started = len(ledger)
        rows = self.rows()
        for number, row in self.finished.items():
            self.tally.trials_lost += rows.get(number) != row
        self.finished |= {number: row for number, row in rows.items() if row[1] == "FINISHED"}

    def rows(self) -> dict[int, tuple[Any, ...]]:
        """Trial → (overrides, state, score)."""
        for file in (self.folder / "mlruns" / "sweeps").glob("*/study.db"):
            try:
                db = sqlite3.connect(file)
                self.tally.damaged_databases += db.execute("pragma integrity_check").fetchone() != ("ok",)
                return {row[0]: row[1:] for row in db.execute("select number, overrides, state, score from trial")}
            except sqlite3.OperationalError:  # its driver died before the schema was there
                continue
        return {}


def undisturbed(folder: Path, words: list[str]) -> tuple[dict[int, tuple[Any, ...]], float]:
    """The rows of a sweep that nobody kills, and its seconds."""
    began = time.monotonic()
    _, status = os.waitpid(start(folder, words), 0)
    if status:
        raise AssertionError((folder / "log").read_text())
    return Sweep(folder, words, Tally()).rows(), time.monotonic() - began


def kill(oracle: str, kills: int, folder: Path, dice: random.Random) -> Tally:
    """Kills sweeps of an oracle until there were so many kills, and lets the last one finish."""
    tally, words = Tally(), ["data=digits", *SWEEPS[oracle]]
    (folder / "whole").mkdir(parents=True)
    store = folder / "mlflow.db"
    began = time.monotonic()
    with client(f"sqlite:///{store}"):
        pass
    creation = time.monotonic() - began
    shutil.copytree(folder, folder / "whole" / "mlruns", ignore=shutil.ignore_patterns("whole"))
    whole, seconds = undisturbed(folder / "whole", words)
    while tally.kills < kills:
        sweep = Sweep(folder / f"sweep{tally.sweeps}", words, tally)
        (sweep.folder / "mlruns").mkdir(parents=True)
        if tally.sweeps % 4:  # every fourth begins without a store
            shutil.copy(store, sweep.folder / "mlruns")
        tally.sweeps += 1
        while True:
            longest = seconds + (0 if (sweep.folder / "mlruns" / "mlflow.db").exists() else creation)
            if _one_run(sweep, dice.uniform(0, longest) if tally.kills < kills else None):
                break
            sweep.look()
        sweep.look()
        given_up = [number for number, row in sweep.rows().items() if row[1] != "FINISHED"]
        tally.given_up += len(given_up)
        if given_up:
            _one_run(sweep, None, "retry=failed")
            sweep.look()
        tally.other_sequences += not given_up and sweep.rows() != whole
        _check_record(sweep)
    return tally


def _one_run(sweep: Sweep, seconds: float | None, *more: str) -> bool:
    """Starts or resumes a sweep and kills it after some seconds; whether it ended by itself."""
    pid = start(sweep.folder, sweep.resumed(*more))
    deadline = time.monotonic() + (seconds if seconds is not None else 300)
    while time.monotonic() < deadline:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            sweep.tally.failed_restarts += code not in (0, 1)
            if code not in (0, 1):
                print((sweep.folder / "log").read_text()[-3000:])
            return True
        time.sleep(0.001)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    sweep.tally.kills += 1
    sweep.tally.amid_a_trial += any(row[1] == "RUNNING" for row in sweep.rows().values())
    return False


def _check_record(sweep: Sweep) -> None:
    """MLflow has each trial once, ended, with every epoch."""
    client = MlflowClient(f"sqlite:///{sweep.folder}/mlruns/mlflow.db")
    runs = client.search_runs([client.get_experiment_by_name("digits").experiment_id], max_results=1000)
    trials = [run for run in runs if run.data.tags["trialbook.kind"] == "trial"]
    sweep.tally.left_running += sum(run.info.status == "RUNNING" for run in runs)
    sweep.tally.twins += len(trials) - len(sweep.rows()) + sum(run not in trials for run in runs) - 1
    for run in trials:
        steps = [metric.step for metric in client.get_metric_history(run.info.run_id, "val_accuracy")]
        sweep.tally.trials_lost += steps != list(range(1, EPOCHS + 1)) or run.info.status != "FINISHED"


@dataclass(frozen=True)
class Arguments:
    """What may be said behind the command."""

    oracles: str = ",".join(SWEEPS)
    kills: str = "200"
    seed: str = "0"


def main() -> int:
    """Prints a line per oracle."""
    arguments = read_arguments(Arguments, sys.argv[1:])
    names = arguments.oracles.split(",")
    runtime.tensorflow()
    __import__("keras_tuner")
    faults = 0
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            tally = kill(name, int(arguments.kills) // len(names), Path(folder), random.Random(arguments.seed))
        print(name, asdict(tally), f"(a trial that dies {MOST_DEATHS} times is given up)")
        faults += sum(tally.faults.values())
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
