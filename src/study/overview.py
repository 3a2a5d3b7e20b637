"""Reads the state of a sweep from its folder, also while its driver writes there. Imports neither TensorFlow nor MLflow."""

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from statistics import mean

from src.objective import Objective
from src.space.values import of_texts, value_text
from src.states import RESUMABLE, TrialState
from src.study import result
from src.study.folders import bytes_in
from src.study.instructions import ADD
from src.study.lock import is_driven
from src.study.schema import TrialRow
from src.study.store import Store
from src.tracking.address import database

EPOCHS = "training.epochs"


class SweepState(StrEnum):
    """The state of a sweep. INTERRUPTED, which includes killed and crashed, means that it can be resumed."""

    RUNNING = "running"
    INTERRUPTED = "interrupted"
    ENDED = "ended"


@dataclass(frozen=True)
class TrialView:
    """A trial as `status` shows it.

    Attributes:
        name: the values that distinguish it from the other trials.
        most: upper bound on the number of epochs; None if it is not known.
        curve: the objective after each epoch that reported it.
    """

    number: int
    name: str
    state: TrialState
    score: float | None
    epochs: int
    most: int | None
    curve: list[float]


@dataclass(frozen=True)
class Overview:
    """A sweep as `status` shows it.

    Attributes:
        created: seconds since 1970.
        states: state → number of trials.
        budget, slots: most trials, and most trials at once; None if they are not known.
        running: the running trials; empty if the sweep does not run.
        best: the trials with the best scores, the best one first.
        undelivered, refused: number of records that MLflow does not have yet, and that it refused.
        causes: causes of failures → number of trials.
        seconds_left: an estimate; None if the sweep does not run or no trial has finished.
        added: number of points that users added and that have not become trials yet.
        resume: the command that resumes it.
    """

    id: str
    name: str
    created: float
    state: SweepState
    objective: Objective
    states: dict[str, int]
    budget: int | None
    slots: int | None
    running: list[TrialView]
    best: list[TrialView]
    undelivered: int
    refused: int
    causes: dict[str, int]
    seconds_left: float | None
    added: int
    resume: str
    note: str
    tags: list[str]

    @property
    def ended(self) -> int:
        """The number of trials that ended for good: failed ones are included, killed ones are not."""
        return sum(count for state, count in self.states.items() if state not in RESUMABLE)


def look(folder: Path, most: int = 5) -> Overview:
    """Reads the state of a sweep, with at most `most` of its best trials.

    Raises:
        TrialbookError: a newer version made it.
        sqlite3.DatabaseError: the file is not a study.
    """
    driven = is_driven(folder)  # asked before the study is read, so that a sweep that ends in between counts as running
    with closing(Store.open(folder / "study.db")) as store:
        meta, rows = store.meta(), store.trials()
        objective = Objective.parse(meta["objective"])
        finished = [row for row in rows if row.state == TrialState.FINISHED and row.score is not None]
        finished.sort(key=lambda row: objective.key(row.score))
        points = [of_texts(row.point) for row in rows]
        keys = [  # `varying` finds the same ones, but makes a look three times as long, and `watch` looks every second
            key for key in dict.fromkeys(key for point in points for key in point) if len({repr(point.get(key)) for point in points}) > 1
        ]
        running = [_view(row, store, keys, objective) for row in rows if row.state == TrialState.RUNNING] if driven else []
        state = SweepState.RUNNING if driven else _state(folder, rows)
        budget, slots = (json.loads(meta.get(name, "null")) for name in ("budget", "slots"))
        if budget:
            budget = max(budget, len(rows))  # users may have added trials
        causes = Counter(row.cause or "" for row in rows if row.state == TrialState.FAILED)
        return Overview(
            id=meta.get("sweep_id", folder.name),
            name=meta.get("name", ""),
            created=float(meta["created"]),
            state=state,
            objective=objective,
            states=dict(Counter(str(row.state) for row in rows)),
            budget=budget,
            slots=slots,
            running=running,
            best=[_view(row, store, keys, objective) for row in finished[:most]],
            undelivered=store.waiting(),
            refused=len(store.refusals()),
            causes=dict(causes.most_common()),
            seconds_left=_left(rows, running, budget, slots or 1) if driven else None,
            added=len(store.unheard(ADD)),
            resume=command_to_resume(meta, folder),
            note=meta.get("note", ""),
            tags=json.loads(meta.get("tags", "[]")),
        )


def command_to_resume(meta: dict[str, str], folder: Path) -> str:
    """Returns the command that resumes a sweep: the recorded one, or one made from the command of an older study."""
    return meta.get("command_to_resume") or f"{meta.get('command', '')} resume={folder.name}"


def _state(folder: Path, rows: Sequence[TrialRow]) -> SweepState:
    file = folder / result.FILE
    code = json.loads(file.read_bytes())["exit_code"] if file.exists() else None  # a killed sweep has no such file
    open_trials = any(row.state in RESUMABLE for row in rows)
    return SweepState.INTERRUPTED if open_trials or code is None or code > 128 else SweepState.ENDED


def _view(row: TrialRow, store: Store, keys: Sequence[str], objective: Objective) -> TrialView:
    """Returns the view of a trial, which is named by the keys that vary."""
    values, epochs = of_texts(row.point), list(store.epochs(row.number))
    name = " ".join(f"{key}={value_text(values[key])}" for key in keys if key in values)
    curve = [metrics[objective.name] for _, _, metrics in epochs if objective.name in metrics]
    most = row.rung_epochs or row.configuration.get(EPOCHS)
    done = row.initial_epoch + len(epochs) if row.parent is not None else len(epochs)
    return TrialView(row.number, name, row.state, row.score, done, int(most) if most else None, curve)


def _left(rows: Sequence[TrialRow], running: Sequence[TrialView], budget: int | None, slots: int) -> float | None:
    """Estimates the seconds that a sweep still takes, assuming that later trials take the mean time of the finished ones."""
    known = [row.seconds for row in rows if row.seconds and row.state == TrialState.FINISHED]
    if not known or not budget:
        return None
    done = sum(min(1.0, trial.epochs / trial.most) for trial in running if trial.most)
    ended = sum(row.state not in RESUMABLE for row in rows)
    return max(0.0, budget - ended - done) * mean(known) / slots


def size(folder: Path) -> int:
    """Returns the bytes of a sweep on this disk: its folder and, in a local store, the files of its runs."""
    with closing(Store.open(folder / "study.db")) as store:
        meta, runs = store.meta(), [row.run_id for row in store.trials()]
    places, file = [folder.resolve()], database(meta.get("tracking_uri", ""))
    if file:
        places += [file.parent / "artifacts" / run for run in (*runs, meta.get("parent_run")) if run]
    return sum(map(bytes_in, places))
