"""Trials that ended, and the configurations that they repeat."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from statistics import mean, stdev
from typing import TypeVar

from scipy.special import stdtrit

from src.space import Point
from src.space.origin import NOT_RECORDED, Origin
from src.space.values import Values, canonical, of_texts

Value = TypeVar("Value")
SIGNIFICANCE = 0.05


@dataclass(frozen=True)
class TrialResult:
    """One trial: what it was, how it ended, and its score at its kept epoch, None where it has none.

    Attributes:
        identity: equal where the values of the configuration are equal, the seed's included.
        configuration: the same without the seed; empty where it was not recorded.
        recorded: the values of the configuration.
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
    seconds: float
    sweep: str = ""
    configuration: str = ""
    recorded: Values = field(default_factory=dict)
    origin: Origin = NOT_RECORDED

    @property
    def key(self) -> str:
        """Equal for equal trials of different sweeps: the same configuration and seed, data, code and packages."""
        return " ".join(filter(None, (self.identity, self.origin.data, self.origin.code, self.origin.packages)))

    @cached_property
    def values(self) -> Values:
        """The values of the configuration; of what was not recorded, and of nodes, what the overrides say."""
        return {**of_texts(self.point), **self.recorded}

    @property
    def row(self) -> tuple[str, Origin]:
        """Equal for trials that repeat each other."""
        return self.configuration or canonical(_without_seed(self.values)), self.origin


@dataclass(frozen=True)
class Entry:
    """One configuration of one origin, and the trials that repeat it with other seeds."""

    point: Point  # without the seed
    trials: tuple[TrialResult, ...]  # those with a score
    unscored: tuple[TrialResult, ...]

    @property
    def origin(self) -> Origin:
        """That of each of its trials."""
        return (*self.trials, *self.unscored)[0].origin

    @cached_property
    def values(self) -> Values:
        """The values of the configuration."""
        return _without_seed((*self.trials, *self.unscored)[0].values)

    @property
    def scores(self) -> list[float]:
        """One per seed."""
        return [trial.score for trial in self.trials if trial.score is not None]

    @cached_property
    def mean(self) -> float:
        """The mean over seeds; NaN without a score."""
        return mean(self.scores) if self.scores else math.nan

    @cached_property
    def spread(self) -> float | None:
        """The standard deviation over seeds; of one seed there is none."""
        return stdev(self.scores) if len(self.scores) > 1 else None

    @property
    def interval(self) -> float | None:
        """Half the width of the mean's 95 % interval, by Student's t."""
        if self.spread is None:
            return None
        seeds = len(self.scores)
        return float(stdtrit(seeds - 1, 1 - SIGNIFICANCE / 2)) * self.spread / math.sqrt(seeds)


def entry_of(trials: list[TrialResult]) -> Entry:
    """Of trials that repeat each other."""
    scored, unscored = (tuple(one for one in trials if (one.score is not None) is wanted) for wanted in (True, False))
    point = max((one.point for one in trials), key=len)  # the one that says most: a default may have been another one
    return Entry(_without_seed(point), scored, unscored)


def placed(trials: list[TrialResult]) -> Iterator[TrialResult]:
    """The trials; one that ended before its data were known has those of the others whose configuration names the same."""
    known = {_data(trial): trial.origin.data for trial in reversed(trials) if trial.origin.data}
    for trial in trials:
        if trial.origin.data or trial.score is not None:
            yield trial
        else:
            yield replace(trial, origin=replace(trial.origin, data=known.get(_data(trial), "")))


def _data(trial: TrialResult) -> str:
    return canonical({key: value for key, value in trial.values.items() if key.partition(".")[0] == "data"})


def _without_seed(values: Mapping[str, Value]) -> dict[str, Value]:
    return {key: value for key, value in values.items() if key != "seed"}


def named(ones: Sequence[TrialResult | Entry]) -> Iterator[str]:
    """The keys that overrides name."""
    return (key.lstrip("+") for one in ones for key in one.point)
