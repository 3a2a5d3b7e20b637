"""An epoch of the 2-layer network against a matrix product with as many operations, in turns, on one core:

python -m tests.benchmarks.epoch DROPOUT
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from src import trial
from src.config.command_line import conf_loader
from src.config.composer import Composer
from src.config.paths import trial_config
from src.job import Job

EPOCHS = 8
TRAINING, VALIDATION, INPUTS, UNITS, CLASSES = 48_000, 12_000, 784, 100, 10
# Of matrix products: forward, and backward, where the first layer passes no gradient on; then forward in validation. Adam comes on top.
OPERATIONS = 2 * TRAINING * (2 * INPUTS * UNITS + 3 * UNITS * CLASSES) + 2 * VALIDATION * (INPUTS * UNITS + UNITS * CLASSES)
SIDE = 1200

if __name__ == "__main__":
    left, right = (np.random.default_rng(seed).random((SIDE, SIDE), np.float32) for seed in (1, 2))
    sgemm: list[float] = []
    ends: list[float] = []

    def report(epoch: int, metrics: dict[str, float]) -> None:
        ends.append(time.perf_counter())
        for _ in range(5):
            left @ right
        sgemm.append((time.perf_counter() - ends[-1]) / 5)
        ends.append(time.perf_counter())

    words = [f"model.dropout={sys.argv[1]}", "training=fixed_epochs", f"training.epochs={EPOCHS}", "optimizer=adam"]
    with conf_loader() as loader, tempfile.TemporaryDirectory() as folder:
        config = trial_config(Composer(loader)(words))
        assert trial.run(Job(0, 1, config, Path(folder)), report, lambda: None).state == "FINISHED"
    epoch = statistics.median(ends[2 * number] - ends[2 * number - 1] for number in range(1, EPOCHS))
    rate = 2 * SIDE**3 / statistics.median(sgemm)
    print(f"{epoch:.3f} s, {rate / 1e9:.0f} GFLOP/s, times sgemm:", epoch * rate / OPERATIONS)
