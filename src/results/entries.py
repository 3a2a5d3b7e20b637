"""Results of trials, and entries: the results that repeat one configuration."""

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
        point: the overrides of the trial.
        identity: hash of the configuration's values, seed and fold included.
        score: the objective at the kept epoch; None if the trial has none.
        last: the objective at the last epoch.
        seconds: None if they are not known.
        configuration: hash of the same values without those; empty if they were not recorded.
        recorded: the values of the configuration; empty if they were not recorded.
        rung: the epochs of its rung, if the oracle chose them; None otherwise.
        before: seconds of the trainings that it continues.
        epochs: the last one that it trained; None if there is none.
        second: its second objective; None if it has none.
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
        """Equal for one trial in several sweeps: the same configuration, seed and fold, data, code and packages."""
        return " ".join(filter(None, (self.identity, self.origin.data, self.origin.code, self.origin.packages)))

    @property
    def state_text(self) -> str:
        """Its state; of a pruned one with its last epoch, since its score is not that of a whole trial."""
        return f"{self.state} at {self.epochs}" if self.state == TrialState.PRUNED else self.state

    @cached_property
    def values(self) -> Values:
        """The values of the configuration; overrides supply those that were not recorded, and those of whole nodes."""
        return {**of_texts(self.point), **self.recorded}

    @property
    def row(self) -> tuple[str, Origin]:
        """Equal for trials that repeat or continue each other: the configuration without seed, fold and rung, and the origin."""
        if self.rung is not None:
            values = {key: value for key, value in without_repeats(self.values).items() if key != EPOCHS}
            return f"of any rung {canonical(values)}", self.origin
        return self.configuration or canonical(without_repeats(self.values)), self.origin


@dataclass(frozen=True)
class Entry:
    """One configuration of one origin, and the trials that repeat it with other seeds or folds.

    Attributes:
        point: overrides without seed and fold.
        trials: those with a score, of the longest rung; pruned ones only if there are no others.
        unscored: those without a score.
        earlier: those with a score of shorter rungs.
        pruned: pruned ones beside whole ones, whose mean leaves them out.
    """

    point: Point
    trials: tuple[TrialResult, ...]
    unscored: tuple[TrialResult, ...]
    earlier: tuple[TrialResult, ...] = ()
    pruned: tuple[TrialResult, ...] = ()

    @property
    def all(self) -> tuple[TrialResult, ...]:
        """Every trial."""
        return (*self.trials, *self.earlier, *self.pruned, *self.unscored)

    @property
    def repeats(self) -> tuple[TrialResult, ...]:
        """Every trial but those of shorter rungs."""
        return (*self.trials, *self.pruned, *self.unscored)

    @property
    def whole(self) -> bool:
        """True if its score is that of trials that were not pruned."""
        return any(trial.state != TrialState.PRUNED for trial in self.trials)

    @property
    def complete(self) -> bool:
        """True if its mean leaves out no repeat that failed or was pruned."""
        return not self.failed and not self.pruned

    @property
    def rung(self) -> int | None:
        """The epochs of the rung that its score is of; None if no oracle chose them."""
        return self.trials[0].rung if self.trials else None

    @property
    def epochs(self) -> int:
        """The epochs that its trials were allowed; 0 if they have none."""
        return self.rung or int(self.values.get(EPOCHS) or 0)

    @cached_property
    def folds(self) -> tuple[int, ...]:
        """The folds that its trials validate on, sorted, those that failed included; empty where data have none."""
        found = {trial.values.get(FOLD) for trial in (*self.trials, *self.unscored)}
        return tuple(sorted(int(fold) for fold in found if fold is not None))

    @property
    def failed(self) -> int:
        """The number of trials that failed."""
        return sum(trial.state == TrialState.FAILED for trial in self.unscored)

    @property
    def seconds(self) -> float | None:
        """The mean seconds of a trial, with the trainings that it continues; None if they are not known of any."""
        known = [trial.seconds + trial.before for trial in (*self.trials, *self.unscored) if trial.seconds is not None]
        return mean(known) if known else None

    @property
    def origin(self) -> Origin:
        """The origin that all trials share."""
        return (*self.trials, *self.unscored)[0].origin

    @cached_property
    def values(self) -> Values:
        """The values of the configuration."""
        return without_repeats((*self.trials, *self.unscored)[0].values)

    @property
    def scores(self) -> list[float]:
        """One score per repeat."""
        return [trial.score for trial in self.trials if trial.score is not None]

    @cached_property
    def mean(self) -> float:
        """The mean over repeats; NaN without a score."""
        return mean(self.scores) if self.scores else math.nan

    @cached_property
    def second(self) -> float | None:
        """The mean of the second objective; None if a trial with a score has none."""
        found = [trial.second for trial in self.trials]
        return mean(one for one in found if one is not None) if found and None not in found else None

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
    """Makes an entry of trials that repeat each other."""
    scored = [trial for trial in trials if trial.score is not None]
    unscored = tuple(trial for trial in trials if trial.score is None)
    whole = [trial for trial in scored if trial.state != TrialState.PRUNED]
    pruned = tuple(trial for trial in scored if trial.state == TrialState.PRUNED) if whole else ()
    scored = whole or scored
    longest = max((trial.rung or 0 for trial in scored), default=0)
    last = tuple(trial for trial in scored if (trial.rung or 0) == longest)
    earlier = tuple(trial for trial in scored if (trial.rung or 0) < longest)
    point = max((trial.point for trial in (*last, *unscored)), key=len)  # the most overrides: defaults may have changed between sweeps
    return Entry(changed(point, without_repeats(point)), last, unscored, earlier, pruned)


def with_known_data(trials: list[TrialResult]) -> Iterator[TrialResult]:
    """Yields the trials. One that ended before its data were known gets the data of a trial with equal `data` values."""
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
    """Returns the values without seed and fold."""
    return {key: value for key, value in values.items() if key not in REPEATS}


def overridden_keys(ones: Sequence[TrialResult | Entry]) -> Iterator[str]:
    """Yields the keys that the overrides of results name."""
    return (key for result in ones for key in result.point)
