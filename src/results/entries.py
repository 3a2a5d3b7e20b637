"""Results of trials, and entries: the results that repeat one configuration."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from statistics import mean, stdev
from typing import TypeVar

from scipy.special import stdtrit

from src.config.paths import REPEATS
from src.space import Point
from src.space.origin import NOT_RECORDED, Origin
from src.space.values import Values, canonical, of_texts

Value = TypeVar("Value")
SIGNIFICANCE = 0.05


@dataclass(frozen=True)
class TrialResult:
    """The result of one trial.

    Attributes:
        point: the overrides of the trial.
        identity: hash of the configuration's values, seed and fold included.
        score: the objective at the kept epoch; None if the trial has none.
        last: the objective at the last epoch.
        seconds: None if they are not known.
        configuration: hash of the same values without those; empty if they were not recorded.
        recorded: the values of the configuration; empty if they were not recorded.
    """

    number: int
    point: Point
    identity: str
    run_id: str | None
    state: str
    cause: str
    score: float | None
    kept_epoch: int | None
    last: float | None
    seconds: float | None
    sweep: str = ""
    configuration: str = ""
    recorded: Values = field(default_factory=dict)
    origin: Origin = NOT_RECORDED

    @property
    def key(self) -> str:
        """Equal for one trial in several sweeps: the same configuration, seed and fold, data, code and packages."""
        return " ".join(filter(None, (self.identity, self.origin.data, self.origin.code, self.origin.packages)))

    @cached_property
    def values(self) -> Values:
        """The values of the configuration; overrides supply those that were not recorded, and those of whole nodes."""
        return {**of_texts(self.point), **self.recorded}

    @property
    def row(self) -> tuple[str, Origin]:
        """Equal for trials that repeat each other: the configuration without seed and fold, and the origin."""
        return self.configuration or canonical(_without_repeats(self.values)), self.origin


@dataclass(frozen=True)
class Entry:
    """One configuration of one origin, and the trials that repeat it with other seeds or folds.

    Attributes:
        point: overrides without seed and fold.
        trials: those with a score.
        unscored: those without a score.
    """

    point: Point
    trials: tuple[TrialResult, ...]
    unscored: tuple[TrialResult, ...]

    @property
    def origin(self) -> Origin:
        """The origin that all trials share."""
        return (*self.trials, *self.unscored)[0].origin

    @cached_property
    def values(self) -> Values:
        """The values of the configuration."""
        return _without_repeats((*self.trials, *self.unscored)[0].values)

    @property
    def scores(self) -> list[float]:
        """One score per repeat."""
        return [trial.score for trial in self.trials if trial.score is not None]

    @cached_property
    def mean(self) -> float:
        """The mean over repeats; NaN without a score."""
        return mean(self.scores) if self.scores else math.nan

    @cached_property
    def spread(self) -> float | None:
        """The standard deviation over repeats; None for fewer than two."""
        return stdev(self.scores) if len(self.scores) > 1 else None

    @property
    def interval(self) -> float | None:
        """Half the width of the mean's 95 % confidence interval, by Student's t; None without a spread."""
        if self.spread is None:
            return None
        repeats = len(self.scores)
        return float(stdtrit(repeats - 1, 1 - SIGNIFICANCE / 2)) * self.spread / math.sqrt(repeats)


def entry_of(trials: list[TrialResult]) -> Entry:
    """Makes an entry of trials that repeat each other."""
    scored = tuple(trial for trial in trials if trial.score is not None)
    unscored = tuple(trial for trial in trials if trial.score is None)
    point = max((trial.point for trial in trials), key=len)  # the most overrides, because defaults may have changed between sweeps
    return Entry(_without_repeats(point), scored, unscored)


def with_known_data(trials: list[TrialResult]) -> Iterator[TrialResult]:
    """Yields the trials. One that ended before its data were known gets the data of a trial with equal `data` values."""
    known = {_data_values(trial): trial.origin.data for trial in reversed(trials) if trial.origin.data}
    for trial in trials:
        if trial.origin.data or trial.score is not None:
            yield trial
        else:
            yield replace(trial, origin=replace(trial.origin, data=known.get(_data_values(trial), "")))


def _data_values(trial: TrialResult) -> str:
    return canonical({key: value for key, value in trial.values.items() if key.partition(".")[0] == "data"})


def _without_repeats(values: Mapping[str, Value]) -> dict[str, Value]:
    return {key: value for key, value in values.items() if key not in REPEATS}


def overridden_keys(ones: Sequence[TrialResult | Entry]) -> Iterator[str]:
    """The keys that the overrides of results name."""
    return (key.lstrip("+") for result in ones for key in result.point)
