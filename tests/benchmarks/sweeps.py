"""The same sweeps here and with other tools, whole processes side by side; and what ours cost as they grow."""

import os
import statistics
from collections.abc import Iterable

import matplotlib as mpl

from tests.benchmarks.processes import Run, process, temporary

TRIALS = 6
SIX = "-m optimizer=sgd,adam,rmsprop model.dropout=0.0,0.3 training=fixed_epochs"
OURS = {
    "Trialbook inline": "executor=inline",
    "Trialbook local": "executor=local",
    "Trialbook fused": f"executor=fused training.threads={os.cpu_count()}",
}
PEERS = {"loop around fit": "loop", "KerasTuner GridSearch": "keras_tuner", "Optuna": "optuna", "Ray Tune": "ray_tune"}
GROWING = (1, 4, 16)  # seeds of the six trials


def ours(name: str, epochs: int, seeds: int = 1) -> Run:
    """Our sweep of the six trials, each with so many seeds."""
    words = f"{SIX} training.epochs={epochs} seed=range(42,{42 + seeds}) {OURS[name]}"
    return temporary(lambda folder: process(folder, "src.sweep", *words.split()))


def peer(name: str, epochs: int, trials: int = TRIALS) -> Run:
    """A peer's; `*` behind its name: with what Keras' guide names for speed."""
    environment = {"EPOCHS": str(epochs), "TUNED": "1" if name.endswith("*") else "", "TRIALS": str(trials)}
    return temporary(lambda folder: process(folder, "tests.benchmarks.peers", PEERS[name.rstrip("* ")], **environment))


def side_by_side(epochs: int, rounds: int, peers: Iterable[str]) -> dict[str, list[Run]]:
    """Each peer once; the best of them, and ours, in turns."""
    found = {name: [peer(name, epochs)] for name in peers}
    best = min(found, key=lambda name: found[name][0].seconds)
    for number in range(rounds):
        for name in OURS:
            found.setdefault(name, []).append(ours(name, epochs))
        if number:
            found[best].append(peer(best, epochs))
        print(table(found, TRIALS), flush=True)
    return found


def many(epochs: int, rounds: int, best: str) -> dict[str, list[Run]]:
    """24 trials in turns; the time of a peer is scaled from the six trials, less its start-up."""
    seeds = 4
    found: dict[str, list[Run]] = {best: []}
    for _ in range(rounds):
        for name in OURS:
            found.setdefault(name, []).append(ours(name, epochs, seeds))
        start, six = peer(best, epochs, 0), peer(best, epochs)
        found[best].append(Run(start.seconds + (six.seconds - start.seconds) * seeds, six.megabytes))
        print(table(found, TRIALS * seeds), flush=True)
    return found


def growth(epochs: int) -> str:
    """Markdown: what our own sweeps cost as they grow."""
    lines = ["| trials | seconds | seconds per trial | peak MB, all processes |", "|---|---|---|---|"]
    for seeds in GROWING:
        run, trials = ours("Trialbook local", epochs, seeds), TRIALS * seeds
        lines.append(f"| {trials} | {run.seconds:.0f} | {run.seconds / trials:.2f} | {run.megabytes:.0f} |")
    return "\n".join(lines)


def table(found: dict[str, list[Run]], trials: int) -> str:
    """Markdown: trials per minute, and how often ours is the best peer's."""
    rates = {name: statistics.median(60 * trials / run.seconds for run in runs) for name, runs in found.items()}
    best = max(rate for name, rate in rates.items() if name not in OURS)
    lines = ["| what | trials/min | of the best peer | peak MB, all processes | rounds |", "|---|---|---|---|---|"]
    for name, rate in sorted(rates.items(), key=lambda item: item[1]):
        most = max(run.megabytes for run in found[name])
        lines.append(f"| {name} | {rate:.1f} | {rate / best:.1f} x | {most:.0f} | {len(found[name])} |")
    return "\n".join(lines)


def plot(found: dict[str, tuple[int, dict[str, list[Run]]]], file: str) -> None:
    """Bars of trials per minute.

    Args:
        found: title → its number of trials, and the runs.
    """
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, len(found), figsize=(11, 4), layout="constrained", squeeze=False)
    for axis, (title, (trials, runs)) in zip(axes[0], found.items(), strict=True):
        rates = sorted((statistics.median(60 * trials / run.seconds for run in known), name) for name, known in runs.items())
        axis.barh([name for _, name in rates], [rate for rate, _ in rates], color=["C0" if name in OURS else "0.7" for _, name in rates])
        axis.set(title=title, xlabel="trials per minute, whole process")
    figure.savefig(file, dpi=100)
