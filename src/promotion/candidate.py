"""Rebuilds the model of a run: replays its configuration with the code of this repository, and executes nothing from the store."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
from hydra.core.config_loader import ConfigLoader

from src import models, trial
from src.artifacts import WEIGHTS
from src.config.command_line import replayed
from src.config.composer import Composer
from src.config.overrides import key_of
from src.config.paths import TRIAL_GROUPS, TRIAL_KEYS, trial_config
from src.config.targets import check_names
from src.errors import TrialbookError
from src.models.interface import DESCRIPTION
from src.tracking.runs import Recorded, StoredRun
from src.training import runtime

if TYPE_CHECKING:
    import keras

HARMLESS = ("EarlyStopping", "ReduceLROnPlateau", "TerminateOnNaN")  # callbacks that neither write files nor send data


def replay(run: StoredRun | Recorded, loader: ConfigLoader) -> tuple[list[str], dict[str, Any]]:
    """Returns the overrides that repeat a run, and the configuration that they compose.

    Overrides from a store may do less than those of a command line: they may only set keys of a trial, to plain values, and only those
    arguments of a function that its own file lists.

    Raises:
        TrialbookError: an override is unknown or does more; the message names the run and each such override.
    """
    with errors_naming(run):
        lines = replayed(loader, run.overrides)
        foreign = [line for line in lines if key_of(line).partition(".")[0] not in TRIAL_KEYS]
        if foreign:
            raise TrialbookError(f"{', '.join(foreign)} is no part of a trial; expected {', '.join(TRIAL_KEYS)} and keys below them")
        with_resolver = [line for line in lines if ":" in line.partition("${")[2]]
        if with_resolver:
            raise TrialbookError(f"{', '.join(with_resolver)} would read a value on this machine; expected plain values")
        new = [line for line in lines if line.startswith("+") and key_of(line).startswith("trial.")]
        if new:
            raise TrialbookError(f"{', '.join(new)} is no key of its function; expected those that its file in conf/trial/ lists")
        composed = Composer(loader)(lines)
        for group, option in run.choices.items():
            chosen = composed.hydra.runtime.choices[group]
            if chosen != option:
                raise TrialbookError(f"it says {group}={option}, its overrides say {group}={chosen}; expected the same")
        config = trial_config(composed)
        for group in TRIAL_GROUPS:
            check_names(group, config[group])
        if any(key_of(line).startswith("training.callbacks") for line in lines):
            names = [str(node["_target_"]).rpartition(".")[2] for node in config["training"]["callbacks"]]
            refused = [name for name in names if name not in HARMLESS]
            if refused:
                raise TrialbookError(f"the callback {', '.join(refused)} may write files; expected one of {', '.join(HARMLESS)}")
    return lines, config


def rebuild(run: StoredRun, loader: ConfigLoader) -> trial.Prepared:
    """Rebuilds the network of a run with the weights of its kept epoch.

    Replays only overrides of known groups and keys; never instantiates a configuration from a store.

    Raises:
        TrialbookError: an override is unknown, the data are not those of the training, or the weights do not fit this network;
            the message names the run.
    """
    _, config = replay(run, loader)
    with errors_naming(run):
        prepared = trial.prepare(config)
        from src.training.weights import load

        if prepared.data.digest != run.data_digest:
            raise TrialbookError(f"it was trained on other data: digest {run.data_digest}, here it is {prepared.data.digest}")
        with _weights_checked(run.weights, prepared.model):
            load(prepared.model, run.weights)
    return prepared


def load_registered(run: StoredRun, artifacts: Path, loader: ConfigLoader) -> "tuple[keras.Model, models.Interface]":
    """Builds the network of a registered model from its artifacts, as serving does but with the code of this repository; needs no data.

    Raises:
        TrialbookError: as `rebuild`.
    """
    _, config = replay(run, loader)
    with errors_naming(run):
        if not (artifacts / DESCRIPTION).is_file():
            raise TrialbookError("an earlier version registered it; expected a model that this version can read. Promote it again: run=…")
        runtime.configure(config["training"]["threads"])
        from src.training.weights import load

        runtime.set_precision(config["training"])
        interface = models.Interface.read(artifacts)
        network = models.build(config["model"], interface)
        with _weights_checked(run.weights, network):
            load(network, (artifacts / WEIGHTS).read_bytes())
    return network, interface


@contextmanager
def _weights_checked(weights: bytes, network: "keras.Model") -> Iterator[None]:
    """Checks weights before the body, which loads them, for links to other files; afterwards, for numbers that are not finite."""
    with h5py.File(io.BytesIO(weights), "r") as file:
        link = file.visititems_links(lambda name, link: None if isinstance(link, h5py.HardLink) else name)
        if link:
            raise TrialbookError(f"{WEIGHTS} has a link at {link}; expected weights alone")
    yield
    not_finite = [weight.path for weight in network.weights if not np.isfinite(weight.numpy()).all()]
    if not_finite:
        raise TrialbookError(f"weights that are not finite in {', '.join(not_finite)}; expected numbers")


@contextmanager
def errors_naming(run: StoredRun | Recorded) -> Iterator[None]:
    """Turns every error into a TrialbookError that names the run, because foreign input makes Hydra, Keras and h5py raise many kinds."""
    try:
        yield
    except Exception as error:
        raise TrialbookError(f"run {run.run_id} cannot be used: {error or type(error).__name__}") from error
