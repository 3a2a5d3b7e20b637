"""Keras' own callbacks, from conf/training/."""

from typing import Any

import keras

from src.config.targets import build
from src.errors import ConfigError, collecting

BATCH_HOOKS = ("on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end")


def build_callbacks(nodes: list[Any], *, per_batch: bool) -> list[keras.callbacks.Callback]:
    """Builds the callbacks of a configuration.

    Args:
        per_batch: whether the engine calls what they do for each batch.

    Raises:
        ConfigError: with all that are rejected, or would not be called.
    """
    mistakes: list[str] = []
    built = []
    for node in nodes:
        with collecting(mistakes):
            built.append(build("training", node))
    mistakes += [
        f"training.callbacks: {type(callback).__name__} acts on every batch, but training.engine=compiled runs whole epochs; "
        "expected training.engine=keras"
        for callback in built
        if not per_batch and _acts_on_batches(callback)
    ]
    if mistakes:
        raise ConfigError(mistakes)
    return built


def _acts_on_batches(callback: keras.callbacks.Callback) -> bool:
    if "epoch" in (getattr(callback, "save_freq", None), getattr(callback, "update_freq", None)):
        return False  # ModelCheckpoint and TensorBoard have batch hooks that do nothing then
    return any(getattr(type(callback), hook) is not getattr(keras.callbacks.Callback, hook) for hook in BATCH_HOOKS)
