"""Results of trials, and entries: groups of results that repeat one configuration."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from statistics import mean, stdev
from typing import TypeVar

from scipy.special import stdtrit

from src.config.paths import REPEATS
from src.significance import ERROR
from src.space import Point
from src.space.origin import NOT_RECORDED, Origin
from src.space.point import changed
from src.space.values import Values, canonical, of_texts
from src.states import TrialState

Value = TypeVar("Value")
EPOCHS = "training.epochs"
FOLD = "data.fold"


@dataclass(frozen=True)
class TrialResult:
    """The result of one trial.

    Attributes:
        identity: hash of the configuration's values, including seed and fold.
        score, second: both objectives, at the kept epoch or logged once; None if the trial has none.
        last: the objective at the last epoch.
        configuration: hash of the configuration's values without seed and fold; empty if they were not recorded.
        recorded: the values of the configuration; empty if they were not recorded.
        rung: the epochs of its rung, if the oracle chose them; None otherwise.
        seconds, before: its duration, None if it is not known, and that of the trainings that it continues.
        epochs: the last epoch that it trained; None if there is none.
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
    rung: int | None = None
    before: float = 0.0
    epochs: int | None = None
    second: float | None = None

    @property
    def key(self) -> str:
        """A text that is equal for the same trial in several sweeps: configuration, seed, fold, data, code and packages agree."""
        return " ".join(filter(None, (self.identity, self.origin.data, self.origin.code, self.origin.packages)))

    @property
    def state_text(self) -> str:
        """Its state; for a pruned trial with its last epoch, because its score is not that of a whole trial."""
        return f"{self.state} at {self.epochs}" if self.state == TrialState.PRUNED else self.state

    @cached_property
    def values(self) -> Values:
        """The values of the configuration. Overrides fill in those that were not recorded, and those of whole nodes."""
        return {**of_texts(self.point), **self.recorded}

    @property
    def row(self) -> tuple[str, Origin]:
        """A key that is equal for trials that repeat or continue each other: configuration without seed, fold and rung, and origin."""
        if self.rung is not None:
            values = {key: value for key, value in without_repeats(self.values).items() if key != EPOCHS}
            return f"of any rung {canonical(values)}", self.origin
        return self.configuration or canonical(without_repeats(self.values)), self.origin


@dataclass(frozen=True)
class Entry:
    """One configuration of one origin, and the trials that repeat it with other seeds or folds.

    Attributes:
        point: overrides without seed and fold.
        trials: the trials with a score, of the longest rung; they are pruned ones only if all are.
        unscored: trials without a score.
        earlier: trials with a score of shorter rungs.
        pruned: pruned trials, which the mean leaves out, if others were not pruned.
    """

    point: Point
    trials: tuple[TrialResult, ...]
    unscored: tuple[TrialResult, ...]
    earlier: tuple[TrialResult, ...] = ()
    pruned: tuple[TrialResult, ...] = ()

    @property
    def all(self) -> tuple[TrialResult, ...]:
        """All trials."""
        return (*self.trials, *self.earlier, *self.pruned, *self.unscored)

    @property
    def repeats(self) -> tuple[TrialResult, ...]:
        """All trials except those of shorter rungs."""
        return (*self.trials, *self.pruned, *self.unscored)

    @property
    def whole(self) -> bool:
        """True if its score is that of trials that were not pruned."""
        return any(trial.state != TrialState.PRUNED for trial in self.trials)

    @property
    def complete(self) -> bool:
        """True if no repeat failed or was pruned, so that the mean leaves none out."""
        return not self.failed and not self.pruned

    @property
    def rung(self) -> int | None:
        """The epochs of the rung to which its score belongs; None if no oracle chose the epochs."""
        return self.trials[0].rung if self.trials else None

    @property
    def epochs(self) -> int:
        """The largest number of epochs that its trials may train; 0 if they have no epochs."""
        return self.rung or int(self.values.get(EPOCHS) or 0)

    @cached_property
    def folds(self) -> tuple[int, ...]:
        """The folds that its trials validate on, including failed trials, sorted; empty if the data have no folds."""
        found = {trial.values.get(FOLD) for trial in (*self.trials, *self.unscored)}
        return tuple(sorted(int(fold) for fold in found if fold is not None))

    @property
    def failed(self) -> int:
        """The number of trials that failed."""
        return sum(trial.state == TrialState.FAILED for trial in self.unscored)

    @property
    def seconds(self) -> float | None:
        """The mean seconds of a trial, including the trainings that it continues; None if they are not known for any."""
        known = [trial.seconds + trial.before for trial in (*self.trials, *self.unscored) if trial.seconds is not None]
        return mean(known) if known else None

    @property
    def origin(self) -> Origin:
        """The origin that all trials share."""
        return (*self.trials, *self.unscored)[0].origin

    @cached_property
    def values(self) -> Values:
        """The values of the configuration without seed and fold."""
        return without_repeats((*self.trials, *self.unscored)[0].values)

    @property
    def scores(self) -> list[float]:
        """The scores of `trials`."""
        return [trial.score for trial in self.trials if trial.score is not None]

    @cached_property
    def mean(self) -> float:
        """The mean over repeats; NaN without a score."""
        return mean(self.scores) if self.scores else math.nan

    @cached_property
    def second(self) -> float | None:
        """The mean of the second objective; None unless all trials with a score have it."""
        found = [trial.second for trial in self.trials if trial.second is not None]
        return mean(found) if found and len(found) == len(self.trials) else None

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
        return float(stdtrit(repeats - 1, 1 - ERROR / 2)) * self.spread / math.sqrt(repeats)


def entry_of(trials: list[TrialResult]) -> Entry:
    """Groups trials that repeat each other into an entry."""
    unscored = tuple(trial for trial in trials if trial.score is None)
    pruned = tuple(trial for trial in trials if trial.score is not None and trial.state == TrialState.PRUNED)
    whole = tuple(trial for trial in trials if trial.score is not None and trial.state != TrialState.PRUNED)
    scored, left_out = (whole, pruned) if whole else (pruned, ())
    longest = max((trial.rung or 0 for trial in scored), default=0)
    last = tuple(trial for trial in scored if (trial.rung or 0) == longest)
    earlier = tuple(trial for trial in scored if (trial.rung or 0) < longest)
    point = max((trial.point for trial in (*last, *unscored)), key=len)  # most overrides, because defaults may change between sweeps
    return Entry(changed(point, without_repeats(point)), last, unscored, earlier, left_out)


def with_known_data(trials: list[TrialResult]) -> Iterator[TrialResult]:
    """Yields the trials. A trial that ended before its data were loaded gets the digest of a trial with the same data settings."""
    known = {data_settings(trial.values): trial.origin.data for trial in reversed(trials) if trial.origin.data}
    for trial in trials:
        if trial.origin.data or trial.score is not None:
            yield trial
        else:
            yield replace(trial, origin=replace(trial.origin, data=known.get(data_settings(trial.values), "")))


def data_settings(values: Values) -> str:
    """Returns the settings of the data set in the order of their keys; equal texts mean the same data."""
    return canonical({key: value for key, value in values.items() if key.partition(".")[0] == "data"})


def without_repeats(values: Mapping[str, Value]) -> dict[str, Value]:
    """Returns values without seed and fold."""
    return {key: value for key, value in values.items() if key not in REPEATS}


def overridden_keys(ones: Sequence[TrialResult | Entry]) -> Iterator[str]:
    """Yields the keys of the results' overrides; a key may repeat."""
    return (key for result in ones for key in result.point)
