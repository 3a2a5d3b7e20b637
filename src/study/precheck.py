"""Mistakes that only Keras or the data can tell, found before the first trial trains."""

from collections.abc import Callable
from pathlib import Path

from omegaconf import DictConfig

from src import trial
from src.config.paths import trial_config
from src.errors import ConfigError
from src.space import Space, overrides


def precheck(space: Space, compose: Callable[[list[str]], DictConfig]) -> None:
    """Prepares a trial with every word and the ends of every number range, and trains none.

    Raises:
        ConfigError: a constructor rejects an argument, or a batch is larger than the data.
        DataError: a data set is missing or malformed.
    """
    mistakes: dict[str, str] = {}  # each with the first trial that has it
    for point in space.samples():
        try:
            trial.prepare(trial.Job(0, 1, trial_config(compose(overrides(point))), Path()))
        except ConfigError as error:
            mistakes = {**dict.fromkeys(error.mistakes, " ".join(overrides(point))), **mistakes}
    if mistakes:
        raise ConfigError(f"{mistake}  (in the trial {said or 'of the defaults'})" for mistake, said in mistakes.items())
