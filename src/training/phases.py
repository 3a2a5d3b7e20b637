"""Phases of a training, to train new layers first and then a whole network gently (`training.phases`)."""

import copy
from collections.abc import Mapping
from typing import Any

import keras

from src.errors import ConfigError, did_you_mean
from src.training import Phase

KEYS = ("start", "frozen", "learning_rate")


def read(node: Mapping[str, Any] | None, model: keras.Model) -> tuple[Phase, ...]:
    """Returns the phases of a configuration, in the order of their first epochs; no phases for None.

    Raises:
        ConfigError: lists every mistake: a key or layer that does not exist, no phase for the first epoch, two for the same one.
    """
    layers = [layer.name for layer in model.layers]
    mistakes = []
    phases = []
    for name, one in (node or {}).items():
        place = f"training.phases.{name}"
        if not isinstance(one, dict):
            mistakes.append(f"{place}={one}: expected a mapping with {', '.join(KEYS)}.")
            continue
        mistakes += [
            f"{place}.{key}: there is no such key{did_you_mean(key, KEYS)} Keys: {', '.join(KEYS)}" for key in one if key not in KEYS
        ]
        frozen, rate, start = one.get("frozen", []), one.get("learning_rate"), one.get("start")
        if type(start) is not int or start < 1:
            mistakes.append(f"{place}.start={start}: expected the first epoch of the phase, counted from 1.")
            start = 1
        if rate is not None and not (type(rate) in (int, float) and rate > 0):
            mistakes.append(f"{place}.learning_rate={rate}: expected a number above 0, or null for that of the optimizer.")
            rate = None
        if not isinstance(frozen, list):
            mistakes.append(f"{place}.frozen={frozen}: expected a list of names of layers.")
            frozen = []
        mistakes += [
            f"{place}.frozen: the model has no layer {layer!r}{did_you_mean(str(layer), layers)} Layers: {', '.join(layers)}"
            for layer in frozen
            if layer not in layers
        ]
        phases.append(Phase(start, tuple(frozen), None if rate is None else float(rate)))
    starts = [phase.start for phase in phases]
    if phases and (min(starts) != 1 or len(set(starts)) < len(starts)):
        mistakes.append(f"training.phases: they start with the epochs {starts}; expected one with epoch 1, and no two with the same.")
    if mistakes:
        raise ConfigError(mistakes)
    return tuple(sorted(phases, key=lambda phase: phase.start))


class Phases(keras.callbacks.Callback):  # type: ignore[misc]
    """Enters each phase before its first epoch: freezes layers, and gives the model a new optimizer."""

    def __init__(self, phases: tuple[Phase, ...], model: keras.Model) -> None:
        """Stores the phases, the settings of the model's optimizer, and which layers are frozen in every phase."""
        super().__init__()
        self._phases, self._optimizer = phases, keras.optimizers.serialize(model.optimizer)
        self._always_frozen = [layer for layer in model._flatten_layers(include_self=False) if not layer.trainable]

    def enter(self, model: keras.Model, epoch: int) -> None:
        """Prepares a model for the phase of an epoch, counted from 1."""
        phase = next(one for one in reversed(self._phases) if one.start <= epoch)
        for layer in model.layers:
            layer.trainable = layer.name not in phase.frozen  # also of the layers inside
        for layer in self._always_frozen:
            layer.trainable = False
        optimizer = copy.deepcopy(self._optimizer)
        if phase.learning_rate:
            settings = optimizer["config"]
            if "inner_optimizer" in settings:  # Keras wraps an optimizer to scale the loss
                settings = settings["inner_optimizer"]["config"]
            settings["learning_rate"] = phase.learning_rate
        model.optimizer = keras.optimizers.deserialize(optimizer)
        model.optimizer.build(model.trainable_variables)
        model.make_train_function(force=True)

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Enters a phase that starts with this epoch."""
        if epoch + 1 in [phase.start for phase in self._phases]:
            self.enter(self.model, epoch + 1)
