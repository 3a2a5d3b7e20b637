"""Records many runs in a local store at once, with the same rows as MLflow's API.

That API takes one run per call: per trial 40 ms of the processor and a dozen waits for the disk. So usual messages of many runs are
written in two transactions, between which files are copied, so that a run has its files when it is marked as ended. Unusual messages
are left to the API, because it alone says what it refuses: a value that MLflow's rules do not allow, a deleted run, a database that
another MLflow made.
"""

import logging
import math
import sqlite3
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from uuid import uuid4

from mlflow.entities import DatasetInput, Metric, Param, RunTag
from mlflow.environment_variables import MLFLOW_TRUNCATE_LONG_VALUES
from mlflow.exceptions import MlflowException
from mlflow.tracking.fluent import get_active_model_id
from mlflow.utils import validation
from mlflow.utils.time import get_current_time_millis
from mlflow.utils.uri import append_to_uri_path

from src.tracking import Parcel, Receipt, batch
from src.tracking.local import Row, Tables, open_tables

log = logging.getLogger(__name__)
RUN_NAME = "mlflow.runName"
STATES = ("RUNNING", "FINISHED", "FAILED", "KILLED")
NOTHING_TAKEN = Receipt("", 0)
MOST = sys.float_info.max  # stands for infinity in the database


@dataclass
class Contents:
    """The contents of a run's messages.

    Attributes:
        states: position of a message → its state, and the milliseconds if it ends the run.
        folders: position of a message → the folder of its files.
    """

    items: list[batch.Item] = field(default_factory=list)
    datasets: list[DatasetInput] = field(default_factory=list)
    states: dict[int, tuple[str, int | None]] = field(default_factory=dict)
    folders: dict[int, Path] = field(default_factory=dict)


@dataclass
class Entry:
    """A run, and what is to be written for it.

    Attributes:
        place: the address of its artifacts.
        began: name and milliseconds of a new run; None for one that exists.
    """

    run_id: str
    place: str
    began: tuple[str, int] | None
    contents: Contents


class Bulk:
    """Writes to one experiment of a local store.

    Args:
        send: takes the address of a run's artifacts and a folder; returns True if its files are there now, False if some are refused.
    """

    def __init__(self, file: Path, experiment_id: str, send: Callable[[str, Path], bool]) -> None:
        self._file, self._experiment_id, self._send = file, experiment_id, send

    def take(self, parcels: Sequence[Parcel], parent: str | None) -> list[Receipt]:
        """Records the waiting messages of many runs, as Tracker.take does."""
        contents = [_contents(parcel, parent) for parcel in parcels]
        with open_tables(self._file) as tables:
            try:
                with tables.transaction():
                    entries = self._entries(tables, parcels, contents)
                    self._write(tables, [entry for entry in entries if entry])
            except (sqlite3.IntegrityError, sqlite3.DataError) as error:
                log.info("MLflow: not at once: %s", error, exc_info=error)
                return [NOTHING_TAKEN] * len(parcels)
            receipts = [
                Receipt(entry.run_id, self._send_files(entry, len(parcel.messages))) if entry else NOTHING_TAKEN
                for parcel, entry in zip(parcels, entries, strict=True)
            ]
            states = [_state(entry, receipt.taken) for entry, receipt in zip(entries, receipts, strict=True) if entry]
            with tables.transaction():
                tables.settle(filter(None, states))
        return receipts

    def _send_files(self, entry: Entry, count: int) -> int:
        """Sends the files of `count` messages; returns how many messages arrived, from the first."""
        for index, folder in entry.contents.folders.items():
            if folder.is_dir() and not self._send(entry.place, folder):
                return index
        return count

    def _entries(self, tables: Tables, parcels: Sequence[Parcel], contents: Sequence[Contents | None]) -> list[Entry | None]:
        """Returns the run of each parcel; None where MLflow's API decides."""
        place = tables.place(self._experiment_id) if tables.known else None
        if not place or get_active_model_id() or MLFLOW_TRUNCATE_LONG_VALUES.get():  # metrics of a model, too; values that are cut
            return [None] * len(parcels)
        tags = [parcel.messages[0][1]["tags"] for parcel in parcels if parcel.again and not parcel.run_id and _starts(parcel)]
        trials = [str(one["trialbook.trial"]) for one in tags]
        found = tables.of_trials(self._experiment_id, tags[0]["trialbook.sweep"], trials) if tags else {}
        active = tables.active([*(parcel.run_id for parcel in parcels if parcel.run_id), *chain.from_iterable(found.values())])
        return [_entry(parcel, some, found, active, place) if some else None for parcel, some in zip(parcels, contents, strict=True)]

    def _write(self, tables: Tables, entries: list[Entry]) -> None:
        rows: dict[str, list[Row]] = {name: [] for name in ("runs", "params", "tags", "metrics", "latest_metrics")}
        source = batch.source()
        for entry in entries:
            run_id = entry.run_id
            labels = {}
            if entry.began:
                name, milliseconds = entry.began
                fixed = ("UNKNOWN", "", "", source["mlflow.user"], "RUNNING", milliseconds, None, "", "active")
                rows["runs"].append((run_id, name, *fixed, entry.place, int(self._experiment_id), None))
                labels = {**source, RUN_NAME: name}
            labels |= {item.key: item.value for item in entry.contents.items if isinstance(item, RunTag)}
            rows["tags"] += [(key, value, run_id) for key, value in labels.items()]
            rows["params"] += [(item.key, item.value, run_id) for item in entry.contents.items if isinstance(item, Param)]
            metrics = [_metric(item, run_id) for item in entry.contents.items if isinstance(item, Metric)]
            rows["metrics"] += metrics
            rows["latest_metrics"] += _latest(metrics)
        for table, some in rows.items():
            tables.insert(table, some)
        self._use(tables, entries)

    def _use(self, tables: Tables, entries: list[Entry]) -> None:
        """Records the data sets of runs."""
        for entry in entries:
            for used in entry.contents.datasets:
                data = used.dataset
                row = (data.name, data.digest, data.source_type, data.source, data.schema, data.profile)
                tables.insert("datasets", [(uuid4().hex, int(self._experiment_id), *row)])
                labels = [(label.key, label.value) for label in used.tags]
                tables.use(self._experiment_id, data.name, data.digest, entry.run_id, uuid4().hex, labels)


def _starts(parcel: Parcel) -> bool:
    """True if the messages begin with the start of a trial of a sweep."""
    kind, payload = parcel.messages[0]
    return kind == "start" and payload["tags"].get("trialbook.kind") == "trial" and "trialbook.sweep" in payload["tags"]


def _entry(parcel: Parcel, contents: Contents, found: dict[str, list[str]], active: dict[str, str], place: str) -> Entry | None:
    """Returns the run of a parcel; None if it is not known, or takes nothing.

    Args:
        found: trial → its existing runs.
        active: existing run that is not deleted → address of its artifacts.
        place: address of the artifacts of the experiment.
    """
    kind, payload = parcel.messages[0]
    if (kind == "start" or not parcel.run_id) and not _starts(parcel):
        return None
    runs = []
    if parcel.run_id:
        runs = [parcel.run_id]
    elif parcel.again:
        runs = found.get(str(payload["tags"]["trialbook.trial"]), [])
    if len(runs) > 1 or not active.keys() >= set(runs):
        return None
    if runs:
        return Entry(runs[0], active[runs[0]], None, contents)
    run_id, name = uuid4().hex, payload["name"][: batch.LONGEST_NAME]
    if not name:
        return None
    began = batch.milliseconds(payload.get("time")) or get_current_time_millis()
    return Entry(run_id, append_to_uri_path(place, run_id, "artifacts"), (name, began), contents)


def _contents(parcel: Parcel, parent: str | None) -> Contents | None:
    """Returns the contents of a parcel; None if MLflow's API must decide about some of it."""
    found = Contents()
    for index, (kind, payload) in enumerate(parcel.messages):
        if kind == "start":
            tags = {**payload["tags"], "mlflow.parentRunId": parent} if parent else payload["tags"]
            found.items += batch.of_start(payload["params"], tags)
            found.states[index] = "RUNNING", None
        elif kind == "epoch":
            found.items += batch.of_epochs([payload])
        elif payload.get("params"):  # they were refused once, and the run may have other values of them
            return None
        else:
            found.items += batch.of_end(payload, payload["time"])
            found.folders[index] = payload["folder"]
            if payload.get("dataset"):
                found.datasets.append(batch.dataset(**payload["dataset"]))
            if payload["state"]:
                found.states[index] = payload["state"], batch.milliseconds(payload["time"]) or get_current_time_millis()
    try:
        validation._validate_dataset_inputs(found.datasets)
    except MlflowException:
        return None
    if any(state not in STATES for state, _ in found.states.values()):
        return None
    return None if any(batch.mistake(item) or item.key == RUN_NAME for item in found.items) else found


def _state(entry: Entry, count: int) -> tuple[str, int | None, str] | None:
    """Returns (state, milliseconds of the end, run) after the first `count` messages; None if the state does not change."""
    states = [state for index, state in entry.contents.states.items() if index < count]
    if not states or (entry.began and len(states) == 1):
        return None
    ended = [milliseconds for _, milliseconds in states if milliseconds]
    return states[-1][0], ended[-1] if ended else None, entry.run_id


def _metric(item: Metric, run_id: str) -> Row:
    """Returns the row of a metric as MLflow writes it: 0 for NaN, the greatest number for infinity."""
    value = float(item.value)
    return item.key, 0.0 if math.isnan(value) else max(-MOST, min(MOST, value)), item.timestamp, run_id, item.step, math.isnan(value)


def _latest(metrics: list[Row]) -> list[Row]:
    """Returns, for each metric of a run, the latest row by step, then time, then value; of equal rows the first."""
    latest: dict[str, Row] = {}
    for row in metrics:
        key, value, timestamp, _, step, _ = row
        if key not in latest or (step, timestamp, value) > (latest[key][4], latest[key][2], latest[key][1]):
            latest[key] = row
    return list(latest.values())
