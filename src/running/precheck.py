"""Mistakes that only Keras or the data can tell, found before the first trial trains."""

import json
import tempfile
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import DictConfig

from src import artifacts, models, trial
from src.config.paths import leaves, trial_config
from src.errors import ConfigError, DataError, TrialbookError, TrialError, first_words
from src.executors import Executor
from src.objective import Objective
from src.running import record
from src.space import Point, Space, overrides

MOST_TOLD = 3  # causes


@dataclass(frozen=True)
class Tried:
    """What one trial's configuration comes to before it trains.

    Attributes:
        mistakes: of the configuration.
        cause: why it can not be trained, in the words of Keras or of the model's own code; other values may do.
        lines: for people.
    """

    mistakes: tuple[str, ...] = ()
    cause: str = ""
    lines: tuple[str, ...] = ()


def precheck(space: Space, compose: Callable[[list[str]], DictConfig], executor: Executor) -> list[str]:
    """Tries a trial with every word and the ends of every number range, and trains none; what people should know, in lines.

    Raises:
        ConfigError: a configuration or its data have mistakes, or no trial can be trained.
    """
    points = list(space.samples())
    composed = [compose(overrides(point)) for point in points]
    found: list[Tried] = executor.apply(tried, [trial_config(one) for one in composed])()
    ended = [(one.cause, point) for one, point in zip(found, points, strict=True) if one.cause]
    hopeless = len(ended) == len(points) or any(_misspelled(point, points, found) for _, point in ended)
    unrecordable = [(some, point) for one, point in zip(composed, points, strict=True) for some in record.mistakes(one, overrides(point))]
    mistakes = [(mistake, point) for one, point in zip(found, points, strict=True) for mistake in one.mistakes]
    if unrecordable or mistakes or hopeless:
        raise ConfigError(_each_once([*unrecordable, *mistakes, *ended]))
    lines = dict.fromkeys(line for one in found for line in one.lines)
    return [*lines, *([_infeasible(ended, len(points))] if ended else [])]


def _infeasible(ended: list[tuple[str, Point]], count: int) -> str:
    causes = _each_once(ended)
    more = [f"and {len(causes) - MOST_TOLD} more"] if len(causes) > MOST_TOLD else []
    start = f"{len(ended)} of {count} tried trials can not be trained; such trials will end as FAILED:"
    return "\n  ".join([start, *causes[:MOST_TOLD], *more])


def _misspelled(point: Point, points: list[Point], found: list[Tried]) -> bool:
    """Whether it holds a name, such as that of an activation, with which no tried trial can be trained."""
    trained = {item for other, one in zip(points, found, strict=True) if not one.cause for item in other.items()}
    named = [(key, text) for key, text in point.items() if "." in key and text.isidentifier() and text not in ("true", "false", "null")]
    return any(item not in trained for item in named)


def _each_once(told: Iterable[tuple[str, Point]]) -> list[str]:
    """Each mistake once, with a trial that has it."""
    first: dict[str, Point] = {}
    for mistake, point in told:
        first.setdefault(mistake, point)
    return [f"{mistake}  (in the trial {' '.join(overrides(point)) or 'of the defaults'})" for mistake, point in first.items()]


def tried(configs: list[dict[str, Any]]) -> list[Tried]:
    """Prepares each trial, and takes a step with each kind of them; runs where TensorFlow is."""
    kinds: dict[str, Tried] = {}
    return [_tried(config, kinds) for config in configs]


def _tried(config: dict[str, Any], kinds: dict[str, Tried]) -> Tried:
    from src.training import runtime

    runtime.configure(config["training"]["threads"])
    with tempfile.TemporaryDirectory() as folder:
        try:
            prepared = trial.prepare(config, Path(folder))
        except Exception as error:
            return _failed(error)
        if (kind := _kind(prepared)) not in kinds:
            try:
                kinds[kind] = Tried(lines=_rehearsed(prepared))
            except Exception as error:
                kinds[kind] = _failed(error)
        return kinds[kind]


def _failed(error: Exception) -> Tried:
    """What an exception says of a trial; raises it again where it is none of the trial's."""
    if isinstance(error, ConfigError):
        return Tried(mistakes=tuple(error.mistakes))
    if isinstance(error, DataError):
        return Tried(mistakes=(str(error).replace("\n", "\n  "),))
    if isinstance(error, TrialbookError) and not isinstance(error, TrialError):
        raise error
    cause = error.__cause__ or error
    frames = [*traceback.extract_tb(error.__traceback__), *traceback.extract_tb(cause.__traceback__)]  # the first of them is here
    place = next(frame for frame in reversed(frames) if "site-packages" not in frame.filename)
    said = str(error) if isinstance(error, TrialError) else f"{type(cause).__name__}: {first_words(cause)}"
    return Tried(cause=f"{said}  ({place.filename}:{place.lineno})")


def _kind(prepared: trial.Prepared) -> str:
    """Equal for trials that differ in numbers alone: one step tells of all of them."""
    words = {key: None if type(value) in (int, float) else value for key, value in leaves(prepared.config).items()}
    return json.dumps([words, [type(layer).__name__ for layer in prepared.model._flatten_layers()]], default=str)


def _rehearsed(prepared: trial.Prepared) -> tuple[str, ...]:
    """Takes a step, and saves what it leaves; lines on what can not be saved.

    Raises:
        ConfigError: the objective is not reported, or the weights that are read back are not those that were saved.
    """
    import keras

    from src.training import state
    from src.training.rehearsal import rehearse

    config, arguments = prepared.config, prepared.arguments
    steps = {"callbacks": arguments.get("callbacks", []), "trains": "batch_size" in arguments}
    rehearse(prepared.model, prepared.data, Objective.parse(config["objective"]), **steps)
    target, why = config["model"]["_target_"], ""
    try:
        files, lines = artifacts.saved(prepared.model)
        keras.backend.clear_session()  # so that the layers without a name get the same ones once more
        again = models.build(config["model"], prepared.data.input_shape, prepared.data.num_classes)
        trial.load_weights(replace(prepared, model=again), files[artifacts.WEIGHTS])
        saved, read = (state.values(state.of_model(one)) for one in (prepared.model, again))
        if changed := [
            name for name, value in saved.items() if not state.is_seed(name) and (name not in read or not np.array_equal(value, read[name]))
        ]:
            why = f"{', '.join(changed)} is another one after reading"
    except Exception as error:
        why = f"{type(error).__name__}: {first_words(error)}"
    if why:
        raise ConfigError([f"model: the weights of {target} can not be saved and read back, so no trial could be used: {why}"])
    return tuple(f"{target}: {line}" for line in lines)
