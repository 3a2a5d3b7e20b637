"""Two promoters at once, and promoters that are killed.

    python -m tests.faults.promote [races=20] [kills=20] [seed=0]

Each promoter is a forked process, so that it costs no imports.
"""

import contextlib
import os
import random
import signal
import sqlite3
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import mlflow
import numpy as np
from mlflow import MlflowClient

from src import promote, sweep
from src.config.arguments import read_arguments
from src.training import runtime
from tests.faults.fork import forked

SWEEP = "-m data=digits training=fixed_epochs training.epochs=2 optimizer=adam model.units=16,64"


@dataclass
class Tally:
    """All but the first two are to be 0."""

    races: int = 0
    kills: int = 0
    worse_champions: int = 0
    failed_promoters: int = 0
    broken_aliases: int = 0
    wrong_histories: int = 0


def swept() -> int:
    """The sweep of which runs are promoted."""
    sys.argv = ["sweep", *SWEEP.split()]
    sweep.main()
    return 0


def promoter(run: str) -> int:
    """Promotes a run in a new process; its process id."""

    def work() -> int:
        sys.argv = ["promote", f"run={run}"]
        return promote.main()

    return forked(work)


def exit_code(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def champion_loads() -> bool:
    """Whether the champion answers, in a new process."""

    def work() -> int:
        mlflow.set_tracking_uri("sqlite:///mlruns/mlflow.db")
        return int(len(mlflow.pyfunc.load_model("models:/digits@champion").predict(np.zeros((2, 8, 8), np.float32))) != 2)

    return exit_code(forked(work)) == 0


def fresh(client: MlflowClient) -> None:
    """No model is registered."""
    with contextlib.suppress(mlflow.exceptions.MlflowException):
        client.delete_registered_model("digits")


def champion(client: MlflowClient) -> str | None:
    with contextlib.suppress(mlflow.exceptions.MlflowException):
        return str(client.get_model_version_by_alias("digits", "champion").run_id)
    return None


def race(tally: Tally, client: MlflowClient, better: str, worse: str, dice: random.Random) -> None:
    """Two promoters start within half a second of each other."""
    fresh(client)
    runs = [better, worse]
    dice.shuffle(runs)
    pids = {}
    for run in runs:
        pids[run] = promoter(run)
        time.sleep(dice.uniform(0, 0.5))
    codes = {run: exit_code(pid) for run, pid in pids.items()}
    tally.races += 1
    tally.failed_promoters += codes[better] != 0 or codes[worse] not in (0, 3)
    tally.worse_champions += champion(client) != better
    tally.broken_aliases += not champion_loads()


def kill(tally: Tally, client: MlflowClient, better: str, worse: str, seconds: float) -> None:
    """A champion is to be replaced by a promoter that is killed after some seconds, and by one that is not."""
    if champion(client) != worse:
        fresh(client)
        exit_code(promoter(worse))
    pid = promoter(better)
    time.sleep(seconds)
    os.kill(pid, signal.SIGKILL)
    killed = exit_code(pid) == -signal.SIGKILL
    tally.kills += killed
    tally.broken_aliases += champion(client) not in (better, worse) or not champion_loads()
    if champion(client) == worse:
        tally.failed_promoters += exit_code(promoter(better)) != 0
    from src.tracking.registry import Registry

    tally.wrong_histories += [event["run"] for event in Registry("sqlite:///mlruns/mlflow.db").history("digits")] != [worse, better]
    fresh(client)


@dataclass(frozen=True)
class Arguments:
    """What may be said behind the command."""

    races: str = "20"
    kills: str = "20"
    seed: str = "0"


def main() -> int:
    """Prints the tally."""
    arguments, tally = read_arguments(Arguments, sys.argv[1:]), Tally()
    runtime.tensorflow()
    dice = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        if exit_code(forked(swept)):
            raise AssertionError(Path("log").read_text())
        study = next(Path("mlruns/sweeps").glob("*/study.db"))
        better, worse = (row[0] for row in sqlite3.connect(study).execute("select run_id from trial order by score desc"))
        client = MlflowClient("sqlite:///mlruns/mlflow.db")
        began = time.monotonic()
        exit_code(promoter(worse))
        seconds = time.monotonic() - began
        for _ in range(int(arguments.races)):
            race(tally, client, better, worse, dice)
        while tally.kills < int(arguments.kills):
            kill(tally, client, better, worse, dice.uniform(0.2, 1.5 * seconds))
        if any(list(asdict(tally).values())[2:]):
            print(Path("log").read_text()[-4000:])
    print(asdict(tally))
    return int(any(list(asdict(tally).values())[2:]))


if __name__ == "__main__":
    sys.exit(main())
