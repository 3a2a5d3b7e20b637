"""Mistakes that only Keras or the data can tell, found before the first trial trains."""

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from src import trial
from src.config.paths import trial_config
from src.errors import ConfigError, TrialbookError
from src.executors import Executor
from src.space import Space, overrides
from src.study import record


def precheck(space: Space, compose: Callable[[list[str]], DictConfig], executor: Executor) -> None:
    """Prepares a trial with every word and the ends of every number range, and trains none.

    Raises:
        ConfigError: a constructor rejects an argument, or a batch is larger than the data.
        DataError: a data set is missing or malformed.
    """
    trials = [overrides(point) for point in space.samples()]
    found = executor.apply(mistakes, [trial_config(compose(words)) for words in trials])()
    found = [[*record.mistakes(compose(words), words), *some] for words, some in zip(trials, found, strict=True)]
    first: dict[str, str] = {}
    for words, some in zip(trials, found, strict=True):
        first = {**dict.fromkeys(some, " ".join(words)), **first}
    if first:
        raise ConfigError(f"{mistake}  (in the trial {said or 'of the defaults'})" for mistake, said in first.items())


def mistakes(configs: list[dict[str, Any]]) -> list[list[str]]:
    """Of each trial's configuration what Keras, the data or the model's own code reject."""
    return [_mistakes(config) for config in configs]


def _mistakes(config: dict[str, Any]) -> list[str]:
    try:
        trial.prepare(trial.Job(0, 1, config, Path()))
    except ConfigError as error:
        return error.mistakes
    except TrialbookError:
        raise
    except Exception as error:
        cause = error.__cause__ or error
        frames = [*traceback.extract_tb(error.__traceback__), *traceback.extract_tb(cause.__traceback__)]  # the first of them is here
        place = next(frame for frame in reversed(frames) if "site-packages" not in frame.filename)
        said, _, _ = str(cause).partition("\n")
        return [f"{type(cause).__name__}: {said}  ({place.filename}:{place.lineno})"]
    return []
