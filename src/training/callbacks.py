"""Builds Keras' own callbacks from conf/training/."""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import keras

from src.config.targets import build
from src.errors import ConfigError, collecting

BATCH_HOOKS = ("on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end")
OF_THE_TRIAL = (("checkpoint.npz",), ("trial.log",), (".hydra",), ("undelivered",))  # names in a trial's folder that are not for callbacks
FOLDER = "callbacks"  # in the folder of a trial
NOT_NEEDED = {
    "BackupAndRestore": "a killed trial goes on from its own checkpoint",  # it leaves its first epoch in a model that other trials share
    "SwapEMAWeights": "with optimizer.use_ema the averaged weights are validated and saved",  # it would swap them a second time
}
PATHS = {"CSVLogger": "filename", "ModelCheckpoint": "filepath", "OrbaxCheckpoint": "directory", "TensorBoard": "log_dir"}
"""Callback → its argument that is a path."""


def build_callbacks(nodes: list[Any], folder: Path, *, per_batch: bool) -> list[keras.callbacks.Callback]:
    """Builds the callbacks of a configuration.

    Args:
        folder: the folder of the trial; callbacks write into `callbacks/` in it.
        per_batch: True if the engine calls the batch hooks of callbacks.

    Raises:
        ConfigError: lists every callback that is rejected, would not be called, or would write where other trials write.
    """
    mistakes: list[str] = []
    built = []
    for node in nodes:
        with collecting(mistakes):
            built.append(build("training", _placed(node, folder)))
    for callback in built:
        name = type(callback).__name__
        if name == "TensorBoard" and not find_spec("tensorboard"):
            mistakes.append("training.callbacks: TensorBoard is not installed; expected pip install tensorboard")
        if not isinstance(callback, keras.callbacks.Callback):
            mistakes.append(f"training.callbacks: {name} is none; expected one of keras.callbacks.")
        elif not per_batch and _acts_on_batches(callback):
            mistakes.append(
                f"training.callbacks: {name} acts on every batch, but training.engine=compiled runs whole epochs; "
                "expected training.engine=keras"
            )
    if mistakes:
        raise ConfigError(mistakes)
    return built


def create_folders(callbacks: list[keras.callbacks.Callback]) -> None:
    """Creates the folder for the file of a CSVLogger; other callbacks create theirs."""
    for callback in callbacks:
        if isinstance(callback, keras.callbacks.CSVLogger):
            Path(callback.filename).parent.mkdir(parents=True, exist_ok=True)


def _placed(node: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Returns the node of a callback, with its path moved into the folder of the trial.

    Raises:
        ConfigError: the callback would write somewhere else, or does what this project already does.
    """
    name = str(node["_target_"]).rpartition(".")[2]
    if reason := NOT_NEEDED.get(name):
        raise ConfigError([f"training.callbacks: {name} is not needed: {reason}; expected it to be left out."])
    if name == "EarlyStopping" and node.get("restore_best_weights"):
        why = "would save other weights than those that were scored; expected training.keep=best, which keeps the objective's best epoch"
        raise ConfigError([f"training.callbacks: {name} with restore_best_weights {why}."])
    if name not in PATHS:
        return node
    key = PATHS[name]
    path = str(node.get(key, "logs" if name == "TensorBoard" else ""))  # "logs" is Keras' default
    if not path:
        return node
    home, placed = os.path.abspath(folder), Path(os.path.abspath(folder / FOLDER / path))
    if not placed.is_relative_to(home) or placed.relative_to(home).parts[:1] in OF_THE_TRIAL:
        raise ConfigError(
            [f"training.callbacks: {name} would write to {path}, as all trials do; expected a relative path, in the folder of the trial."]
        )
    return {**node, key: str(placed)}


def _acts_on_batches(callback: keras.callbacks.Callback) -> bool:
    if isinstance(callback, keras.callbacks.TensorBoard) and callback._should_trace:
        return True
    if "epoch" in (getattr(callback, "save_freq", None), getattr(callback, "update_freq", None)):
        return False  # ModelCheckpoint and TensorBoard have batch hooks, which then do nothing
    return any(getattr(type(callback), hook) is not getattr(keras.callbacks.Callback, hook) for hook in BATCH_HOOKS)
