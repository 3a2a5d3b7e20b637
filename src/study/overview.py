"""The state of a sweep, read from its folder while its driver may be writing there. Imports neither TensorFlow nor MLflow."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from src.objective import Objective
from src.space.values import of_texts, value_text
from src.states import RESUMABLE, TrialState
from src.study import result
from src.study.instructions import ADD
from src.study.lock import is_driven
from src.study.schema import TrialRow
from src.study.store import Store
from src.tracking.address import database

EPOCHS = "training.epochs"


class SweepState(StrEnum):
    """Of a sweep. INTERRUPTED may go on; a kill or a crash is an interruption, too."""

    RUNNING = "running"
    INTERRUPTED = "interrupted"
    ENDED = "ended"


@dataclass(frozen=True)
class TrialView:
    """A trial as `status` shows it.

    Attributes:
        name: the values that distinguish it from the other trials.
        epochs: how many it has trained.
        most: upper bound on them, if it is known.
        curve: the objective after each of them, as far as it was reported.
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
        budget: upper bound on the number of trials; None if it is not known.
        slots: how many trials run at once; None if it is not known.
        running: the trials that run, if the sweep does.
        best: the trials with the best scores, the best one first.
        undelivered: number of records that MLflow does not have yet.
        refused: number of records that MLflow refused.
        causes: causes of failures → number of trials.
        seconds_left: an estimate; None if nothing runs, or nothing tells how long it takes.
        added: number of trials that somebody added, and that wait for the sweep to take them up.
        resume: the command that goes on with it.
        note, tags: of its user.
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
        """The number of trials that will not run again."""
        return sum(count for state, count in self.states.items() if state not in RESUMABLE)


def look(folder: Path, most: int = 5) -> Overview:
    """Reads the state of a sweep.

    Args:
        most: how many of its best trials are of interest.

    Raises:
        TrialbookError: a newer version made it.
        sqlite3.DatabaseError: it is no study.
    """
    driven = is_driven(folder)  # before its study is read: a sweep that ends between the two still counts as running
    with closing(Store.open(folder / "study.db")) as store:
        meta, rows = store.meta(), store.trials()
        objective, views = Objective.parse(meta["objective"]), _Views(store, rows, meta)
        scored = sorted(
            (row for row in rows if row.state == TrialState.FINISHED and row.score is not None), key=lambda row: objective.key(row.score)
        )
        running = [views.of(row) for row in rows if row.state == TrialState.RUNNING] if driven else []
        state = SweepState.RUNNING if driven else _state(folder, rows)
        budget, slots = (int(meta[name]) if meta.get(name, "null") != "null" else None for name in ("budget", "slots"))
        budget = max(budget, len(rows)) if budget else None  # somebody may have added trials
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
            best=[views.of(row) for row in scored[:most]],
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
    """The command that goes on with a sweep, as it was noted, or as earlier versions noted it."""
    return meta.get("command_to_resume") or f"{meta.get('command', '')} resume={folder.name}"


def _state(folder: Path, rows: Sequence[TrialRow]) -> SweepState:
    """The state of a sweep that no driver runs."""
    file = folder / result.FILE
    code = json.loads(file.read_bytes())["exit_code"] if file.exists() else None  # none where it was killed
    open_trials = any(row.state in RESUMABLE for row in rows)
    return SweepState.INTERRUPTED if open_trials or code is None or code > 128 else SweepState.ENDED


class _Views:
    """Makes the views of a study's trials."""

    def __init__(self, store: Store, rows: Sequence[TrialRow], meta: dict[str, str]) -> None:
        self._store, self._metric = store, Objective.parse(meta["objective"]).name
        self._values = {row.number: of_texts(row.point) for row in rows}
        keys = dict.fromkeys(key for values in self._values.values() for key in values)
        self._keys = [key for key in keys if len({repr(values.get(key)) for values in self._values.values()}) > 1]

    def of(self, row: TrialRow) -> TrialView:
        """The view of one trial."""
        values, epochs = self._values[row.number], list(self._store.epochs(row.number))
        name = " ".join(f"{key}={value_text(values[key])}" for key in self._keys if key in values)
        curve = [metrics[self._metric] for _, _, metrics in epochs if self._metric in metrics]
        most = row.rung_epochs or row.configuration.get(EPOCHS)
        done = row.initial_epoch + len(epochs) if row.parent is not None else len(epochs)
        return TrialView(row.number, name, row.state, row.score, done, int(most) if most else None, curve)


def _left(rows: Sequence[TrialRow], running: Sequence[TrialView], budget: int | None, slots: int) -> float | None:
    """The seconds that a sweep still takes, if the trials that follow take as long as those that ended."""
    known = [row.seconds for row in rows if row.seconds and row.state == TrialState.FINISHED]
    if not known or not budget:
        return None
    done = sum(min(1.0, trial.epochs / trial.most) for trial in running if trial.most)
    ended = sum(row.state not in RESUMABLE for row in rows)
    return max(0.0, budget - ended - done) * sum(known) / len(known) / slots


def size(folder: Path) -> int:
    """The bytes on this disk of a sweep: its folder, and the files of its runs where a local store keeps them."""
    with closing(Store.open(folder / "study.db")) as store:
        meta, runs = store.meta(), [row.run_id for row in store.trials()]
    file = database(meta.get("tracking_uri", ""))
    places = [file.parent / "artifacts" / run for run in (*runs, meta.get("parent_run")) if run] if file else []
    return sum(count for place in (folder.resolve(), *places) for count in _sizes(place))


def _sizes(folder: Path) -> Iterator[int]:
    for file in folder.rglob("*"):
        try:
            yield file.stat().st_size if file.is_file() else 0
        except FileNotFoundError:  # its sweep runs, and has just removed it
            continue
