"""Sweeps on disks that are too small, and what is left when there is room again.

    python -m tests.faults.disk [rounds=40] [seed=0]

Each disk is a tmpfs in a mount namespace of its own. A sweep of stubs runs on it, between none and all of what it needs being free; then
the disk grows, and the sweep goes on. Wants root, or a kernel that lets users mount.
"""

import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

from mlflow import MlflowClient

from src.config.arguments import read_arguments
from src.config.paths import ROOT
from src.tracking.store import client
from tests.faults.stub import EPOCHS, SWEEP

WORDS = ["data=digits", "model.units=range(8,14)"]
TRIALS, KILOBYTES, ENOUGH = 6, 2600, "64m"  # what the sweep and its store take
PROGRAM = """
set -e
mount -t tmpfs -o size={size}k none "$PWD"; cd "$PWD"
cp ../mlruns . -r 2>copied || true
head -c {size}K /dev/zero > filler 2>/dev/null || true
truncate -s $(( $(stat -c %s filler) - {free} * 1024 > 0 ? $(stat -c %s filler) - {free} * 1024 : 0 )) filler
set +e
"$@" > ../first 2>&1; echo $? > ../code
rm filler; mount -o remount,size={enough} "$PWD"
if ls mlruns/sweeps/*/study.db > /dev/null 2>&1; then "$@" resume=latest > ../second 2>&1; else "$@" > ../second 2>&1; fi
echo $? > ../resumed
cp -r mlruns ../left
"""


@dataclass
class Tally:
    """What full disks cost; all but the first four are to be 0."""

    disks: int = 0
    untroubled: int = 0  # there was room after all
    phases: dict[str, int] = field(default_factory=dict)  # the file for which there was none
    begun_anew: int = 0  # there was not even room for a study
    unclear_errors: int = 0
    failed_restarts: int = 0
    trials_lost: int = 0
    left_running: int = 0
    damaged_files: int = 0


def one(tally: Tally, folder: Path, free: int) -> None:
    """A sweep with so many kilobytes of room, and the same sweep when there is enough."""
    (folder / "disk").mkdir()
    program = PROGRAM.format(size=6000, free=free, enough=ENOUGH)
    stubbed = [sys.executable, "-c", SWEEP, "tests.faults.stub.stub", *WORDS]
    unshared = ["unshare", "--mount", "bash", "-c", program, "bash", *stubbed]
    subprocess.run(unshared, cwd=folder / "disk", env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True)
    tally.disks += 1
    said, code = (folder / "first").read_text(), int((folder / "code").read_text())
    if code == 0:
        tally.untroubled += 1
    elif "no space left" in said and "bytes are needed" in said and "Traceback" not in said:
        phase = Path(said.split(": no space left")[0].split()[-1]).name
        tally.phases[phase] = tally.phases.get(phase, 0) + 1
    else:
        tally.unclear_errors += 1
        print(free, said[:1500], "\n...\n", said[-500:])
    if (folder / "resumed").read_text().strip() != "0":
        tally.failed_restarts += 1
        print(free, (folder / "second").read_text()[-2500:])
    check(tally, folder / "left")


def check(tally: Tally, record: Path) -> None:
    """Every trial is there once, in the study and in MLflow, with whole files."""
    studies = list(record.glob("sweeps/*/study.db"))
    tally.begun_anew += len(studies) > 1
    rows = sqlite3.connect(max(studies)).execute("select state from trial").fetchall() if studies else []
    tally.trials_lost += TRIALS - rows.count(("FINISHED",))
    client = MlflowClient(f"sqlite:///{record}/mlflow.db")
    runs = client.search_runs([client.get_experiment_by_name("digits").experiment_id], order_by=["start_time"])
    tally.left_running += sum(run.info.status == "RUNNING" for run in runs)
    for run in runs:
        steps = [metric.step for metric in client.get_metric_history(run.info.run_id, "val_accuracy")]
        if run.data.tags["trialbook.kind"] == "trial" and run.info.status == "FINISHED":
            model = record / "artifacts" / run.info.run_id / "artifacts" / "model.h5"
            tally.damaged_files += steps != list(range(1, EPOCHS + 1)) or not model.exists() or model.read_bytes() != b"stub" * 1000


@dataclass(frozen=True)
class Arguments:
    """What may be said behind the command."""

    rounds: str = "40"
    seed: str = "0"


def main() -> int:
    """Prints the tally."""
    arguments, tally = read_arguments(Arguments, sys.argv[1:]), Tally()
    dice = random.Random(arguments.seed)
    for number in range(int(arguments.rounds)):
        with tempfile.TemporaryDirectory() as name:
            if number % 4:  # every fourth begins without a store
                with client(f"sqlite:///{name}/mlruns/mlflow.db"):
                    pass
            one(tally, Path(name), dice.randrange(KILOBYTES))
    found = asdict(tally)
    print(json.dumps(found))
    return int(any(list(found.values())[4:]))


if __name__ == "__main__":
    sys.exit(main())
