"""SIGKILLs of workers, and of drivers whose workers live, and what they cost.

    python -m tests.faults.workers [executors=local,ray] [kills=200] [drivers=10] [seed=0]

Each sweep has two workers. After a kill the next one waits until both of them train again.
A trial may be hit twice by chance, and is then given up, as it should be.
"""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil
from mlflow import MlflowClient

from src.config.arguments import read_arguments
from src.config.paths import ROOT
from tests.faults import stub

TRIALS = 40
SECONDS_PER_EPOCH = {"local": 0.1, "ray": 0.3}
ENOUGH = 30  # trials that begin after a kill; by then its slot is restarted
UNHEARD = 0.25  # seconds in which a driver may not have heard yet that a trial began; then its death costs no attempt
WORDS = ["data=digits", f"model.units=range(8,{8 + TRIALS})", "executor.workers=2"]


@dataclass
class Tally:
    """What the kills cost; what follows `given_up` is to be 0."""

    worker_kills: int = 0
    driver_kills: int = 0
    sweeps: int = 0
    given_up: int = 0  # hit twice
    trials_lost: int = 0
    trials_run_again: int = 0
    wrong_attempts: int = 0
    left_running: int = 0
    slots_not_restarted: int = 0
    failed_sweeps: int = 0
    surviving_workers: int = 0
    seconds_until_gone: list[float] = field(default_factory=list)  # the workers of a killed driver

    @property
    def faults(self) -> int:
        """Everything that must not happen."""
        return sum(list(asdict(self).values())[4:11])


def start(folder: Path, executor: str, *more: str) -> "subprocess.Popen[bytes]":
    """A sweep in a process of its own, whose words go to `log`."""
    command = [sys.executable, "-c", stub.SWEEP, "tests.faults.stub.stub", *WORDS, f"executor={executor}", *more]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SECONDS_PER_EPOCH": str(SECONDS_PER_EPOCH[executor])}
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)


def in_flight(folder: Path) -> dict[int, int]:
    """Trial → process, of those that live and train."""
    running = {}
    for what, number, process, _ in stub.read(folder):
        running.pop(number, None)
        if what == "start" and psutil.pid_exists(process):
            running[number] = process
    return running


def kill_workers(executor: str, tally: Tally, most: int, dice: random.Random) -> None:
    """One sweep, whose workers are killed until it ends."""
    with tempfile.TemporaryDirectory() as name:
        folder, kills = Path(name), []
        sweep = start(folder, executor)
        while sweep.poll() is None:
            while len(in_flight(folder)) < 2 and sweep.poll() is None:
                time.sleep(0.02)
            time.sleep(dice.uniform(0, 1))
            running = in_flight(folder)
            if running and len(kills) < most:
                number, process = dice.choice(list(running.items()))
                os.kill(process, signal.SIGKILL)
                kills.append((number, process, time.monotonic()))
        tally.sweeps += 1
        tally.worker_kills += len(kills)
        said, before = (folder / "log").read_text(), tally.faults
        tally.failed_sweeps += sweep.returncode not in (0, 1) or "Traceback" in said
        judge(folder, tally, kills)
        if tally.faults > before:
            print(asdict(tally), kills, stub.read(folder), said, sep="\n", flush=True)


def judge(folder: Path, tally: Tally, kills: list[tuple[int, int, float]]) -> None:
    """Counts what went wrong in a sweep that ended."""
    study = next((folder / "mlruns" / "sweeps").glob("*/study.db"))
    rows = {row[0]: row[1:] for row in sqlite3.connect(study).execute("select number, state, attempts from trial")}
    ledger = stub.read(folder)
    ends = {number: seconds for what, number, _, seconds in ledger if what == "end"}
    cut = {(number, process): seconds for number, process, seconds in kills}
    starts = [
        (number, cut[number, process] - seconds)
        for what, number, process, seconds in ledger
        if what == "start" and (number, process) in cut
    ]
    for _, _, killed in kills:
        before, after = (
            [one for what, _, one, seconds in ledger if what == "start" and (seconds > killed) == late] for late in (False, True)
        )
        tally.slots_not_restarted += len(after) >= ENOUGH and not set(after) - set(before)
    tally.given_up += sum(state == "FAILED" for state, _ in rows.values())
    tally.trials_lost += TRIALS - len(rows) + sum(state == "FINISHED" and number not in ends for number, (state, _) in rows.items())
    whole = {(number, process) for what, number, process, _ in ledger if what == "end"} - set(cut)
    tally.trials_run_again += sum(
        what == "start" and any(number == one and seconds > ends[one] for one, _ in whole) for what, number, _, seconds in ledger
    )
    for number, (state, attempts) in rows.items():
        hits = [seconds for one, seconds in starts if one == number]
        known = [seconds for seconds in hits if seconds > UNHEARD]
        tally.wrong_attempts += not len(known) <= attempts - (state == "FINISHED") <= len(hits)
    client = MlflowClient(f"sqlite:///{folder}/mlruns/mlflow.db")
    runs = client.search_runs([client.get_experiment_by_name("digits").experiment_id], max_results=1000)
    tally.left_running += sum(run.info.status == "RUNNING" for run in runs)


def lives(process: psutil.Process) -> bool:
    """Whether it does anything still: nobody may have buried it."""
    with suppress(psutil.NoSuchProcess):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


def kill_driver(executor: str, tally: Tally) -> None:
    """One sweep, whose driver is killed while two workers train, and which is resumed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sweep = start(folder, executor)
        while len(in_flight(folder)) < 2 and sweep.poll() is None:
            time.sleep(0.01)
        workers = [psutil.Process(process) for process in in_flight(folder).values()]
        sweep.kill()
        began = time.monotonic()
        while (alive := [process for process in workers if lives(process)]) and time.monotonic() < began + 60:
            time.sleep(0.01)
        sweep.wait()
        tally.seconds_until_gone.append(round(time.monotonic() - began, 2))
        tally.driver_kills += 1
        tally.surviving_workers += len(alive)
        if start(folder, executor, "resume=latest").wait():
            tally.failed_sweeps += 1
            print((folder / "log").read_text()[-3000:])
        study = next((folder / "mlruns" / "sweeps").glob("*/study.db"))
        finished = sqlite3.connect(study).execute("select count(*) from trial where state = 'FINISHED'").fetchone()[0]
        tally.trials_lost += TRIALS - finished


@dataclass(frozen=True)
class Arguments:
    """What may be said behind the command."""

    executors: str = "local,ray"
    kills: str = "200"
    drivers: str = "10"
    seed: str = "0"


def main() -> int:
    """Prints a line per executor."""
    arguments = read_arguments(Arguments, sys.argv[1:])
    faults = 0
    for executor in arguments.executors.split(","):
        tally, dice = Tally(), random.Random(arguments.seed)
        while tally.worker_kills < int(arguments.kills):
            kill_workers(executor, tally, int(arguments.kills) - tally.worker_kills, dice)
        for _ in range(int(arguments.drivers)):
            kill_driver(executor, tally)
        print(executor, asdict(tally), flush=True)
        faults += tally.faults
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
