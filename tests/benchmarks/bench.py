"""`make bench`: what a sweep costs here and with other tools, side by side; writes RESULTS.md and RESULTS.png beside this file.

    python -m tests.benchmarks.bench [rounds=3] [stubs=10000]

All peers run once with what Keras' guide names for speed, the loop around `fit` also without; the best then runs as often as we do.
"""

import importlib.metadata
import os
import platform
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from src.config.arguments import read_arguments
from src.config.paths import ROOT
from tests.benchmarks import sweeps
from tests.benchmarks.processes import process

HERE = Path(__file__).parent
PACKAGES = ("tensorflow", "keras", "keras-tuner", "mlflow", "hydra-core", "optuna", "ray")


def against_sgemm(rounds: int = 5) -> dict[float, float]:
    """Dropout rate → seconds of an epoch of the 2-layer network over those of a matrix product with as many operations, on one core."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    ratios: dict[float, list[float]] = {0.0: [], 0.3: []}
    for _ in range(rounds):
        for dropout, known in ratios.items():
            done = subprocess.run(
                [sys.executable, "-m", "tests.benchmarks.epoch", str(dropout)],
                cwd=ROOT,
                env=environment,
                capture_output=True,
                text=True,
                check=True,
            )
            known.append(float(done.stdout.split()[-1]))
    return {dropout: statistics.median(known) for dropout, known in ratios.items()}


def against_plain_fit() -> tuple[float, float]:
    """Five seeds by either engine, five epochs: the mean difference of the validation accuracy, and the p value of a paired t-test."""
    from scipy import stats

    words = "-m training.engine=compiled,keras seed=range(1,6) training=fixed_epochs training.epochs=5 optimizer=adam model.dropout=0.3"
    with tempfile.TemporaryDirectory() as folder:
        process(Path(folder), "src.sweep", *words.split())
        rows = scores(Path(folder))
    fast, plain = (np.array([score for overrides, score in rows if engine in overrides]) for engine in ("compiled", "keras"))
    return float((fast - plain).mean()), float(stats.ttest_rel(fast, plain).pvalue)


def scores(folder: Path) -> list[tuple[str, float]]:
    """Overrides and score of each trial of the only sweep in a folder."""
    study = next((folder / "mlruns" / "sweeps").glob("*/study.db"))
    return sqlite3.connect(study).execute("select overrides, score from trial order by number").fetchall()


def around(stubs: int) -> tuple[float, float]:
    """Milliseconds that a trial of a sweep of stubs costs around its training: of the first ten, and of the last tenth."""
    from tests.benchmarks.executors import stubs as sweep

    ended = sweep("inline", trials=stubs, kind="instant").ended
    few, many = sweep("inline", trials=11, kind="instant").ended, ended[-(stubs // 10) :]
    return 1000 * (few[-1] - few[0]) / (len(few) - 1), 1000 * (many[-1] - many[0]) / (len(many) - 1)


@dataclass(frozen=True)
class Arguments:
    """What may be said behind the command."""

    rounds: str = "3"
    stubs: str = "10000"


def main() -> None:
    """Prints what it writes."""
    arguments = read_arguments(Arguments, sys.argv[1:])
    rounds = int(arguments.rounds)
    six = sweeps.side_by_side(5, rounds, ["loop around fit", *(f"{name} *" for name in sweeps.PEERS)])
    best = min((name for name in six if name not in sweeps.OURS), key=lambda name: six[name][0].seconds)
    many = sweeps.many(20, rounds, best)
    growth = sweeps.growth(5)
    print(growth, flush=True)
    ratios = against_sgemm()
    print(ratios, flush=True)
    difference, p = against_plain_fit()
    print(difference, p, flush=True)
    few, last = around(int(arguments.stubs))
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    text = f"""# Benchmark

`make bench` on {time.strftime("%Y-%m-%d")}: {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {versions}.
Whole processes, from the command to its end, medians. `*`: with jit_compile and steps_per_execution. `fused` has all cores.

## 6 trials (3 optimizers x 2 dropout rates) of 5 epochs

{sweeps.table(six, 6)}

## 24 trials (the same with 4 seeds) of 20 epochs

The peer ran six of them, and is scaled: its start-up, and four times the rest.

{sweeps.table(many, 24)}

![trials per minute](RESULTS.png)

## As a sweep grows: the six trials of 5 epochs with 1, 4 and 16 seeds, executor=local

{growth}

## Where the time goes

| what | measured |
|---|---|
| an epoch of the 2-layer network against sgemm of its operations, one core, no dropout | {ratios[0.0]:.2f} x |
| the same, dropout 0.3 | {ratios[0.3]:.2f} x |
| validation accuracy, compiled against plain fit, five seeds | {difference:+.4f}, p = {p:.2f} |
| around a trial of a sweep of 11 | {few:.1f} ms |
| around a trial, the last tenth of {arguments.stubs} | {last:.1f} ms, {last / few:.2f} x |
"""
    (HERE / "RESULTS.md").write_text(text)
    sweeps.plot({"6 trials of 5 epochs": (6, six), "24 trials of 20 epochs": (24, many)}, str(HERE / "RESULTS.png"))
    print(text)


if __name__ == "__main__":
    main()
