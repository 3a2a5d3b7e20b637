"""Finds mistakes that only Keras or the data can show, before the first trial trains."""

import json
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import DictConfig

from src import artifacts, datasets, function, models, training, trial
from src.config.paths import leaves, nested, trial_config
from src.errors import BeyondLimit, ConfigError, DataError, TrialbookError, TrialError, first_words, raised_at
from src.executors import Executor
from src.objective import Objective
from src.running import record
from src.space import Point, Space, overrides

MOST_SHOWN = 3  # causes that are printed


@dataclass(frozen=True)
class TrialCheck:
    """The result of checking one configuration before it trains.

    Attributes:
        cause: the error of Keras or of the model's code, if it cannot be trained; other values may work.
        beyond: the limit that it exceeds; empty if it exceeds none.
    """

    mistakes: tuple[str, ...] = ()
    cause: str = ""
    beyond: str = ""
    lines: tuple[str, ...] = ()


def precheck(
    space: Space, compose: Callable[[list[str]], DictConfig], executor: Executor, limits: Mapping[str, float] | None = None
) -> list[str]:
    """Prepares trials that cover every word and both ends of every number range; returns lines for people.

    Raises:
        ConfigError: a configuration or its data have mistakes, or no trial can be trained.
    """
    points = list(space.samples())
    composed = [compose(overrides(point)) for point in points]
    configs = [trial_config(config) for config in composed]
    if "_target_" in configs[0]["trial"]:
        function.check(configs)
        checks = [TrialCheck() for _ in configs]
    else:
        checks = _checked(configs, executor, limits or {})
    infeasible = [(check.cause, point) for check, point in zip(checks, points, strict=True) if check.cause]
    beyond = [(check.beyond, point) for check, point in zip(checks, points, strict=True) if check.beyond]
    hopeless = len(infeasible) + len(beyond) == len(points) or any(_misspelled(point, points, checks) for _, point in infeasible)
    mistakes = [(text, point) for config, point in zip(composed, points, strict=True) for text in record.mistakes(config, overrides(point))]
    mistakes += [(text, point) for check, point in zip(checks, points, strict=True) for text in check.mistakes]
    if hopeless:
        raise ConfigError(_each_once([*mistakes, *infeasible, *beyond]))
    if mistakes:
        raise ConfigError(_each_once([*mistakes, *infeasible]))
    lines = list(dict.fromkeys(line for check in checks for line in check.lines))
    if infeasible:
        lines.append(_summary(infeasible, len(points), "cannot be trained; such trials will end as FAILED"))
    if beyond:
        lines.append(_summary(beyond, len(points), "are beyond a limit; such trials will not train"))
    return lines


def _checked(configs: list[dict[str, Any]], executor: Executor, limits: Mapping[str, float]) -> list[TrialCheck]:
    """Checks configurations in all processes that will run trials, which also loads the data there."""
    parts = min(len(configs), executor.parallel_calls)
    answers = [executor.apply(check_trials, configs[part::parts], limits) for part in range(parts)]
    checks = [iter(answer()) for answer in answers]
    return [next(checks[number % parts]) for number in range(len(configs))]


def _summary(causes: list[tuple[str, Point]], tried: int, words: str) -> str:
    lines = _each_once(causes)
    more = [f"and {len(lines) - MOST_SHOWN} more"] if len(lines) > MOST_SHOWN else []
    return "\n  ".join([f"{len(causes)} of {tried} tried trials {words}:", *lines[:MOST_SHOWN], *more])


def _misspelled(point: Point, points: list[Point], checks: list[TrialCheck]) -> bool:
    """Returns True if the point has a name, such as an activation, with which no checked trial can be trained."""
    trained = {item for other, check in zip(points, checks, strict=True) if not check.cause for item in other.items()}
    named = [(key, text) for key, text in point.items() if "." in key and text.isidentifier() and text not in ("true", "false", "null")]
    return any(item not in trained for item in named)


def _each_once(mistakes: Iterable[tuple[str, Point]]) -> list[str]:
    """Returns a line for each distinct mistake, with the first trial that has it."""
    first: dict[str, Point] = {}
    for mistake, point in mistakes:
        first.setdefault(mistake, point)
    return [f"{mistake}  (in the trial {' '.join(overrides(point)) or 'of the defaults'})" for mistake, point in first.items()]


def check_data(space: Space, compose: Callable[[list[str]], DictConfig]) -> None:
    """Checks the data of trials, or their functions, without TensorFlow, before a plan is shown.

    Raises:
        ConfigError: data are missing, damaged or not as configured, or a function cannot be imported.
    """
    by_data = {json.dumps(nested(space.leaves(point), "data"), default=str): point for point in space.samples()}
    points = list(by_data.values())
    configs = [trial_config(compose(overrides(point))) for point in points]
    if "_target_" in configs[0]["trial"]:
        function.check(configs)
        return
    mistakes = []
    for config, point in zip(configs, points, strict=True):
        try:
            datasets.load(config["data"])
        except (ConfigError, DataError) as error:
            mistakes += [(text, point) for text in _as_check(error).mistakes]
    if mistakes:
        raise ConfigError(_each_once(mistakes))


def check_trials(configs: list[dict[str, Any]], limits: Mapping[str, float]) -> list[TrialCheck]:
    """Prepares each trial, and takes a step with one of each kind; runs in a process with TensorFlow."""
    kinds: dict[str, TrialCheck] = {}
    return [_check_trial(config, kinds, limits) for config in configs]


def _check_trial(config: dict[str, Any], kinds: dict[str, TrialCheck], limits: Mapping[str, float]) -> TrialCheck:
    """Checks one trial; `kinds` holds the results of the kinds that were tried before, and gets a new one."""
    from src.training import runtime

    runtime.configure(config["training"]["threads"])
    with tempfile.TemporaryDirectory() as folder:
        try:
            prepared = trial.prepare(config, Path(folder))
            trial.check_limits(prepared, limits)
        except BeyondLimit as error:
            return TrialCheck(beyond=str(error))
        except Exception as error:
            return _as_check(error)
        kind = _kind(prepared)
        if kind not in kinds:
            try:
                kinds[kind] = TrialCheck(lines=_rehearse(prepared))
            except Exception as error:
                kinds[kind] = _as_check(error)
        return kinds[kind]


def _as_check(error: Exception) -> TrialCheck:
    """Converts an exception into a check; raises it again if the trial did not cause it."""
    if isinstance(error, ConfigError):
        return TrialCheck(mistakes=tuple(error.mistakes))
    if isinstance(error, DataError):
        return TrialCheck(mistakes=(str(error).replace("\n", "\n  "),))
    if isinstance(error, TrialbookError) and not isinstance(error, TrialError):
        raise error
    cause = error.__cause__ or error
    text = str(error) if isinstance(error, TrialError) else f"{type(cause).__name__}: {first_words(cause)}"
    return TrialCheck(cause=f"{text}  ({raised_at(error, cause)})")


def _kind(prepared: trial.Prepared) -> str:
    """Returns a text that is equal for trials that differ only in numbers, of which one step is enough."""
    words = {key: None if type(value) in (int, float) else value for key, value in leaves(prepared.config).items()}
    return json.dumps([words, [type(layer).__name__ for layer in prepared.model._flatten_layers()]], default=str)


def _rehearse(prepared: trial.Prepared) -> tuple[str, ...]:
    """Takes a step, saves the model and reads it back; returns lines about files that cannot be saved.

    Raises:
        ConfigError: the objective is not reported, or the weights differ after they are read back.
    """
    import keras

    from src.training import state, weights
    from src.training.rehearsal import rehearse

    config, arguments = prepared.config, prepared.arguments
    steps = {"callbacks": arguments.get("callbacks", []), "trains": "callbacks" in arguments}
    own = training.reports(training.engine_of(config))
    rehearse(prepared.model, prepared.data, Objective.parse(config["objective"]), **steps, own=own)
    target, why = config["model"]["_target_"], ""
    try:
        files, lines = artifacts.saved(prepared.model)
        keras.backend.clear_session()  # so that unnamed layers get the same names again
        again = models.build(config["model"], prepared.interface)
        weights.load(again, files[artifacts.WEIGHTS])
        saved, read = (state.values(state.of_model(one)) for one in (prepared.model, again))
        names = [name for name in saved if not state.is_seed(name)]
        changed = [name for name in names if name not in read or not np.array_equal(saved[name], read[name])]
        if changed:
            why = f"{', '.join(changed)} differs after reading"
    except Exception as error:
        why = f"{type(error).__name__}: {first_words(error)}"
    if why:
        raise ConfigError([f"model: the weights of {target} cannot be saved and read back, so no trial could be used: {why}"])
    return tuple(f"{target}: {line}" for line in lines)
