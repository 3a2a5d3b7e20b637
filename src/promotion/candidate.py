"""A run's model, rebuilt by our own code: its configuration is replayed, its weights are verified, nothing stored is executed."""

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from hydra.core.config_loader import ConfigLoader
from hydra.types import RunMode
from scipy.stats import binomtest

from src import trial
from src.config.command_line import replayed
from src.config.paths import trial_config
from src.errors import TrialbookError
from src.tracking.runs import StoredRun

LATENCY_ROUNDS = 30


@dataclass(frozen=True)
class Candidate:
    """A model and what it does on the test split.

    Attributes:
        probabilities: shape (test examples, classes).
        correct: bool, shape (test examples,).
        milliseconds: median time of a prediction for one example alone.
    """

    run: StoredRun
    prepared: trial.Prepared
    probabilities: np.ndarray
    correct: np.ndarray
    milliseconds: float

    @property
    def accuracy(self) -> float:
        """The share of test examples that it classifies correctly."""
        return float(self.correct.mean())

    @property
    def interval(self) -> tuple[float, float]:
        """The accuracy's 95 % interval (Wilson 1927)."""
        found = binomtest(int(self.correct.sum()), len(self.correct)).proportion_ci(method="wilson")
        return float(found.low), float(found.high)

    @property
    def finite(self) -> bool:
        """Whether every weight and every probability is a number."""
        weights = (weight.numpy() for weight in self.prepared.model.weights)
        return all(np.isfinite(values).all() for values in (*weights, self.probabilities))


def rebuild(run: StoredRun, loader: ConfigLoader) -> trial.Prepared:
    """The run's network with its kept epoch's weights.

    Only overrides of known groups and keys are replayed; a configuration that comes out of a store is never instantiated.

    Raises:
        TrialbookError: unknown overrides, other weights than recorded, other data than trained on.
    """
    lines = replayed(loader, run.overrides)
    if (found := hashlib.sha256(run.weights).hexdigest()) != run.digest:
        raise TrialbookError(f"run {run.run_id}: model.weights.h5 was changed: SHA-256 {found}, recorded {run.digest}. It is not used.")
    prepared = trial.prepare(trial.Job(0, 1, trial_config(loader.load_configuration("config", lines, RunMode.RUN)), Path()))
    if prepared.data.digest != run.data_digest:
        raise TrialbookError(f"run {run.run_id} was trained on other data: digest {run.data_digest}, here it is {prepared.data.digest}.")
    trial.load_weights(prepared, run.weights)
    return prepared


def evaluate(run: StoredRun, loader: ConfigLoader) -> Candidate:
    """Rebuilds a run's model and opens the test split."""
    prepared = rebuild(run, loader)
    x, y = prepared.data.test()
    probabilities = trial.probabilities(prepared, x)
    seconds = []
    for _ in range(LATENCY_ROUNDS):
        start = time.perf_counter()
        prepared.model.predict_on_batch(x[:1])
        seconds.append(time.perf_counter() - start)
    return Candidate(run, prepared, probabilities, probabilities.argmax(axis=1) == y, float(np.median(seconds)) * 1000)
