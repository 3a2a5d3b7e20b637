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
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
import psutil

from src.config.arguments import read_arguments
from src.config.paths import ROOT

HERE = Path(__file__).parent
TRIALS = 6
SIX = "-m optimizer=sgd,adam,rmsprop model.dropout=0.0,0.3 training=fixed_epochs training.epochs="
OURS = {
    "Trialbook inline": "executor=inline",
    "Trialbook local": "executor=local",
    "Trialbook fused": f"executor=fused training.threads={os.cpu_count()}",
}
PEERS = {"loop around fit": "loop", "KerasTuner GridSearch": "keras_tuner", "Optuna": "optuna", "Ray Tune": "ray_tune"}
PACKAGES = ("tensorflow", "keras", "keras-tuner", "mlflow", "hydra-core", "optuna", "ray")


@dataclass(frozen=True)
class Run:
    """One process, with those that it started: its seconds, and the most megabytes that they had together."""

    seconds: float
    megabytes: float


def process(folder: Path, *words: str, **environment: str) -> Run:
    """Runs a command of ours in an empty folder."""
    began = time.perf_counter()
    everything = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    with (folder / "log").open("w") as log:
        child = subprocess.Popen([sys.executable, "-m", *words], cwd=folder, env=everything, stdout=log, stderr=log)
    seen = [0.0]
    threading.Thread(target=watch, args=(psutil.Process(child.pid), seen), daemon=True).start()
    if child.wait():
        raise RuntimeError(f"{' '.join(words)}: {(folder / 'log').read_text()[-2000:]}")
    return Run(time.perf_counter() - began, max(seen))


def watch(process: psutil.Process, seen: list[float]) -> None:
    """Adds every second how many megabytes a process and its descendants have, what they share counted once."""
    with suppress(psutil.NoSuchProcess):
        while True:
            together = [process, *process.children(recursive=True)]
            seen.append(sum(megabytes(one) for one in together))
            time.sleep(1)


def megabytes(process: psutil.Process) -> float:
    """Of memory, its share of what is shared included."""
    try:
        return float(process.memory_full_info().pss / 2**20)
    except psutil.Error:
        return 0.0


def temporary(run: Callable[[Path], Run]) -> Run:
    """Runs in a folder that is deleted."""
    with tempfile.TemporaryDirectory() as folder:
        return run(Path(folder))


def ours(name: str, epochs: int) -> Run:
    """Our sweep of the six trials."""
    return temporary(lambda folder: process(folder, "src.sweep", *f"{SIX}{epochs} {OURS[name]}".split()))


def peer(name: str, epochs: int) -> Run:
    """A peer's; `*` behind its name: with what Keras' guide names for speed."""
    tuned = "1" if name.endswith("*") else ""
    words = ("tests.benchmarks.peers", PEERS[name.rstrip("* ")])
    return temporary(lambda folder: process(folder, *words, EPOCHS=str(epochs), TUNED=tuned))


def side_by_side(epochs: int, rounds: int, peers: list[str]) -> dict[str, list[Run]]:
    """Each peer once; the best of them, and ours, in turns."""
    found = {name: [peer(name, epochs)] for name in peers}
    best = min(found, key=lambda name: found[name][0].seconds)
    for number in range(rounds):
        for name in OURS:
            found.setdefault(name, []).append(ours(name, epochs))
        if number:
            found[best].append(peer(best, epochs))
        print(table(found), flush=True)
    return found


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


def growth(stubs: int) -> tuple[float, float]:
    """Milliseconds that a trial of a sweep of stubs costs around its training: of the first ten, and of the last tenth."""
    from tests.benchmarks.executors import stubs as sweep

    ended = sweep("inline", trials=stubs, kind="instant").ended
    few, many = sweep("inline", trials=11, kind="instant").ended, ended[-(stubs // 10) :]
    return 1000 * (few[-1] - few[0]) / (len(few) - 1), 1000 * (many[-1] - many[0]) / (len(many) - 1)


def table(found: dict[str, list[Run]]) -> str:
    """Markdown: trials per minute, and how often ours is the best peer's."""
    rates = {name: statistics.median(60 * TRIALS / run.seconds for run in runs) for name, runs in found.items()}
    best = max(rate for name, rate in rates.items() if name not in OURS)
    lines = ["| what | trials/min | of the best peer | peak MB, all processes | rounds |", "|---|---|---|---|---|"]
    for name, rate in sorted(rates.items(), key=lambda item: item[1]):
        most = max(run.megabytes for run in found[name])
        lines.append(f"| {name} | {rate:.1f} | {rate / best:.1f} x | {most:.0f} | {len(found[name])} |")
    return "\n".join(lines)


def plot(found: dict[int, dict[str, list[Run]]]) -> None:
    """Bars of trials per minute."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, len(found), figsize=(11, 4), layout="constrained", squeeze=False)
    for axis, (epochs, runs) in zip(axes[0], found.items(), strict=True):
        rates = sorted((statistics.median(60 * TRIALS / run.seconds for run in known), name) for name, known in runs.items())
        axis.barh([name for _, name in rates], [rate for rate, _ in rates], color=["C0" if name in OURS else "0.7" for _, name in rates])
        axis.set(title=f"6 trials of {epochs} epochs", xlabel="trials per minute, whole process")
    figure.savefig(HERE / "RESULTS.png", dpi=100)


@dataclass(frozen=True)
class Arguments:
    """What may be said behind the command."""

    rounds: str = "3"
    stubs: str = "10000"


def main() -> None:
    """Prints what it writes."""
    arguments = read_arguments(Arguments, sys.argv[1:])
    five = side_by_side(5, int(arguments.rounds), ["loop around fit", *(f"{name} *" for name in PEERS)])
    best = [min((name for name in five if name not in OURS), key=lambda name: five[name][0].seconds)]
    twenty = side_by_side(20, int(arguments.rounds), best)
    ratios = against_sgemm()
    print(ratios, flush=True)
    difference, p = against_plain_fit()
    print(difference, p, flush=True)
    few, many = growth(int(arguments.stubs))
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    text = f"""# Benchmark

`make bench` on {time.strftime("%Y-%m-%d")}: {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {versions}.
Whole processes, from the command to its end, medians. `*`: with jit_compile and steps_per_execution. `fused` has all cores.

## 6 trials (3 optimizers x 2 dropout rates) of 5 epochs

{table(five)}

## The same of 20 epochs

{table(twenty)}

![trials per minute](RESULTS.png)

## Where the time goes

| what | measured |
|---|---|
| an epoch of the 2-layer network against sgemm of its operations, one core, no dropout | {ratios[0.0]:.2f} x |
| the same, dropout 0.3 | {ratios[0.3]:.2f} x |
| validation accuracy, compiled against plain fit, five seeds | {difference:+.4f}, p = {p:.2f} |
| around a trial of a sweep of 11 | {few:.1f} ms |
| around a trial, the last tenth of {arguments.stubs} | {many:.1f} ms, {many / few:.2f} x |
"""
    (HERE / "RESULTS.md").write_text(text)
    plot({5: five, 20: twenty})
    print(text)


if __name__ == "__main__":
    main()
