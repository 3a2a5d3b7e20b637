"""Opens the test split, and scores a model on it."""

import hashlib
import time
from dataclasses import dataclass, replace

import numpy as np
from hydra.core.config_loader import ConfigLoader

from src import datasets, models, trial
from src.datasets import trees
from src.promotion.candidate import errors_naming, rebuild
from src.promotion.comparison import interval_of
from src.tracking.runs import StoredRun

LATENCY_ROUNDS = 30


@dataclass(frozen=True)
class Opened:
    """A run's model, and the test examples (x, y) for which it has not predicted yet.

    Attributes:
        split: SHA-256 of the test examples.
    """

    run: StoredRun
    prepared: trial.Prepared
    x: trees.Tree
    y: trees.Tree
    split: str


@dataclass(frozen=True)
class Candidate:
    """A model and its predictions on the test split.

    Attributes:
        predicted: the model's outputs for the test examples.
        scores: the task's score of each test example, shape (test examples,); higher is better.
        constant: scores of a constant answer, learned from the training split; shape (test examples,).
        milliseconds: median time of a prediction for a single example.
    """

    run: StoredRun
    prepared: trial.Prepared
    predicted: trees.Tree
    scores: np.ndarray
    constant: np.ndarray
    milliseconds: float
    split: str

    @property
    def measure(self) -> str:
        """The name of the score."""
        return f"test {self.prepared.data.task.measure}"

    @property
    def score(self) -> float:
        """The mean score of the test examples."""
        return float(self.scores.mean())

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the mean score, as `interval_of` returns it."""
        return interval_of(self.scores)

    @property
    def finite(self) -> bool:
        """True if every output is a finite number."""
        return all(bool(np.isfinite(array).all()) for array in trees.arrays(self.predicted).values())


def open_split(run: StoredRun, loader: ConfigLoader) -> Opened:
    """Rebuilds the model of a run and loads the test split.

    Raises:
        TrialbookError: as `rebuild`; or the test split does not fit the training split.
    """
    prepared = rebuild(run, loader)
    with errors_naming(run):
        x, y = datasets.contract.open_test(prepared.data, prepared.config["data"]["_target_"])
        digest = hashlib.sha256()
        trees.update(digest, (x, y))
    return Opened(run, prepared, x, y, digest.hexdigest())


def evaluate(opened: Opened) -> Candidate:
    """Predicts and scores the test split.

    Raises:
        TrialbookError: the model's outputs are not predictions of the task; the message names the run.
    """
    run, prepared, x, y = opened.run, opened.prepared, opened.x, opened.y
    data, task = prepared.data, prepared.data.task
    with errors_naming(run):
        predicted = trial.predictions(prepared, x)
    one = replace(data, x=x).inputs(np.arange(1))
    seconds = []
    for _ in range(LATENCY_ROUNDS):
        start = time.perf_counter()
        models.predicted(prepared.model, one)
        seconds.append(time.perf_counter() - start)
    scores = task.score(y, predicted)
    constant = trees.take(task.constant(trees.take(data.y, data.train_index)), np.zeros(len(scores), int))
    return Candidate(run, prepared, predicted, scores, task.score(y, constant), float(np.median(seconds)) * 1000, opened.split)
