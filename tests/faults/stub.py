"""A trial that trains nothing, leaves lines in a ledger, and scores by its configuration alone."""

import json
import os
import random
import time
from collections.abc import Callable
from pathlib import Path

from src.job import Job, Outcome

SWEEP = """
import sys
from hydra.utils import get_object
from src.config.command_line import conf_loader, read_command_line
from src.exits import exit_on_error
from src.running.run import run
run_trial, words = get_object(sys.argv[1]), sys.argv[2:]
with exit_on_error(), conf_loader() as loader:
    line = read_command_line(loader, ["-m", *words])
    sys.exit(run(loader, line.request, line.config, run_trial=run_trial))
"""  # a program of its own, and no module: a worker imports its driver's main module, and would import all of this
EPOCHS, SECONDS_PER_EPOCH = 3, float(os.environ.get("SECONDS_PER_EPOCH", "0.03"))


def stub(job: Job, report: Callable, check_stop: Callable) -> Outcome:
    """Writes `start|end number process time` into `ledger`."""
    write("start", job.number)
    score = random.Random(json.dumps(job.config, sort_keys=True)).random()
    history: dict[str, list[float]] = {"val_accuracy": []}
    for epoch in range(1, EPOCHS + 1):
        time.sleep(SECONDS_PER_EPOCH)
        history["val_accuracy"].append(score * epoch / EPOCHS)
        report(epoch, {"accuracy": score, "val_accuracy": history["val_accuracy"][-1]})
    metrics = {"kept/val_accuracy": score, "kept/epoch": EPOCHS}
    write("end", job.number)
    return Outcome("FINISHED", metrics, history, EPOCHS * SECONDS_PER_EPOCH, files={"model.h5": b"stub" * 1000})


def write(what: str, number: int) -> None:
    with Path("ledger").open("a") as ledger:
        ledger.write(f"{what} {number} {os.getpid()} {time.monotonic()}\n")


def read(folder: Path) -> list[tuple[str, int, int, float]]:
    """The ledger's lines: start or end, trial, process, seconds."""
    file = folder / "ledger"
    lines = [line.split() for line in file.read_text().splitlines()] if file.exists() else []
    return [(what, int(number), int(process), float(seconds)) for what, number, process, seconds in lines]
