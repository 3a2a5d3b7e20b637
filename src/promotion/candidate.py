"""A run's model, rebuilt by our own code: its configuration is replayed, its weights are checked, nothing stored is executed."""

import io
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
from hydra.core.config_loader import ConfigLoader
from scipy.stats import binomtest

from src import datasets, models, trial
from src.config.command_line import replayed
from src.config.composer import Composer
from src.config.paths import TRIAL_GROUPS, TRIAL_KEYS, trial_config
from src.config.targets import check_names
from src.errors import TrialbookError
from src.tracking.runs import StoredRun
from src.training import runtime

if TYPE_CHECKING:
    import keras

LATENCY_ROUNDS = 30
HARMLESS = ("EarlyStopping", "ReduceLROnPlateau", "TerminateOnNaN")  # callbacks that write and send nothing


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
        """Whether every probability is a number."""
        return bool(np.isfinite(self.probabilities).all())


def replay(run: StoredRun, loader: ConfigLoader) -> tuple[list[str], dict[str, Any]]:
    """The overrides that repeat a run, and the configuration that they compose.

    They come out of a store, so they may do less than a command line: set the keys of a trial to plain values.

    Raises:
        TrialbookError: it names the run, and each override that is unknown or does more.
    """
    with _naming(run):
        lines = replayed(loader, run.overrides)
        if refused := [line for line in lines if line.lstrip("+").partition("=")[0].partition(".")[0] not in TRIAL_KEYS]:
            raise TrialbookError(f"{', '.join(refused)} is no part of a trial; expected {', '.join(TRIAL_KEYS)} and keys below them")
        if refused := [line for line in lines if ":" in line.partition("${")[2]]:
            raise TrialbookError(f"{', '.join(refused)} would look a value up on this machine; expected plain values")
        composed = Composer(loader)(lines)
        if (data := composed.hydra.runtime.choices.data) != run.data:
            raise TrialbookError(f"it says data={run.data}, its overrides say data={data}; expected the same")
        config = trial_config(composed)
        for group in TRIAL_GROUPS:
            check_names(group, config[group])
        if any(line.lstrip("+").startswith("training.callbacks") for line in lines):
            names = [str(node["_target_"]).rpartition(".")[2] for node in config["training"]["callbacks"]]
            if refused := [name for name in names if name not in HARMLESS]:
                raise TrialbookError(f"the callback {', '.join(refused)} may write files; expected one of {', '.join(HARMLESS)}")
    return lines, config


def rebuild(run: StoredRun, loader: ConfigLoader) -> trial.Prepared:
    """The run's network with its kept epoch's weights.

    Only overrides of known groups and keys are replayed; a configuration that comes out of a store is never instantiated.

    Raises:
        TrialbookError: it names the run; unknown overrides, other data than trained on, weights that are not those of this network.
    """
    _, config = replay(run, loader)
    with _naming(run):
        prepared = trial.prepare(config)
        if prepared.data.digest != run.data_digest:
            raise TrialbookError(f"it was trained on other data: digest {run.data_digest}, here it is {prepared.data.digest}")
        with _checking(run.weights, prepared.model):
            trial.load_weights(prepared, run.weights)
    return prepared


def load_registered(run: StoredRun, artifacts: Path, loader: ConfigLoader) -> None:
    """Builds the network of a registered model and loads its weights, as serving it would, without its data and by our own code.

    Args:
        artifacts: folder of its files.

    Raises:
        TrialbookError: as `rebuild`.
    """
    _, config = replay(run, loader)
    with _naming(run):
        described = json.loads((artifacts / "classes.json").read_text())
        runtime.configure(config["training"]["threads"])
        network = models.build(config["model"], tuple(described["input_shape"]), len(described["names"]))
        with _checking(run.weights, network):
            network.load_weights(artifacts / "model.weights.h5")


@contextmanager
def _checking(weights: bytes, network: "keras.Model") -> Iterator[None]:
    """Looks at weights before and after they are loaded."""
    with h5py.File(io.BytesIO(weights), "r") as file:
        if link := file.visititems_links(lambda name, link: None if isinstance(link, h5py.HardLink) else name):
            raise TrialbookError(f"model.weights.h5 refers to something else at {link}; expected weights alone")
    yield
    if bad := [weight.path for weight in network.weights if not np.isfinite(weight.numpy()).all()]:
        raise TrialbookError(f"weights that are not finite in {', '.join(bad)}; expected numbers")


@contextmanager
def _naming(run: StoredRun) -> Iterator[None]:
    """Whatever somebody else's overrides and weights make Hydra, Keras, h5py and numpy raise becomes one error that names the run."""
    try:
        yield
    except Exception as error:
        raise TrialbookError(f"run {run.run_id} can not be used: {error or type(error).__name__}") from error


def evaluate(run: StoredRun, loader: ConfigLoader) -> Candidate:
    """Rebuilds a run's model and opens the test split.

    Raises:
        TrialbookError: as `rebuild`; the test split does not fit the training split, or the model gives no probabilities.
    """
    prepared = rebuild(run, loader)
    with _naming(run):
        x, y = datasets.open_test(prepared.data, prepared.config["data"])
        probabilities = trial.probabilities(prepared, x)
    seconds = []
    for _ in range(LATENCY_ROUNDS):
        start = time.perf_counter()
        prepared.model.predict_on_batch(x[:1])
        seconds.append(time.perf_counter() - start)
    return Candidate(run, prepared, probabilities, probabilities.argmax(axis=1) == y, float(np.median(seconds)) * 1000)
