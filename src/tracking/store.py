"""Opens the MLflow store, and creates it and its experiment once, under a lock: two processes at once would break a new database."""

import logging
import os
import re
import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path

from filelock import FileLock
from mlflow import MlflowClient
from mlflow.entities import Experiment
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from src import files
from src.errors import TrialbookError, first_words
from src.tracking import schema
from src.tracking.address import advice, database, local_path, refusal
from src.tracking.local import open_database

NEW_STORE = 2**20  # bytes that a database with MLflow's tables takes

for noisy in ("mlflow", "alembic"):
    logging.getLogger(noisy).setLevel(logging.CRITICAL)  # MLflow also raises its errors, and we report those


@contextmanager
def client(uri: str) -> Iterator[MlflowClient]:
    """Yields a client of a store, which stays usable after the `with`.

    A local store is created if it is new, and locked until the `with` ends.

    Raises:
        TrialbookError: the store does not answer, or was moved or copied, so that artifacts would be written to its old folder.
    """
    if why := refusal(uri):
        raise TrialbookError(f"tracking.uri={uri}: {why}.")
    file = database(uri)
    try:
        with locked(uri):
            if file:
                _create(file)
                schema.upgrade(file)
                if old := moved_from(file):
                    raise TrialbookError(
                        f"{file.parent} was moved or copied: its artifacts would be written to {old[0]}, expected {file.parent.as_uri()}.\n"
                        "Move it back, or let it settle here: python -m src.doctor --fix"
                    )
            else:
                schema.probe(uri)
            yield MlflowClient(uri)
    except (MlflowException, SQLAlchemyError, sqlite3.Error, OSError) as error:
        reason = first_words(error) or type(error).__name__
        if file and "disk is full" in reason:
            raise files.full(file, NEW_STORE) from error
        raise TrialbookError(f"tracking.uri={uri}: {reason}. {advice(uri)}") from error


def connect(uri: str, name: str, experiment_id: str = "") -> tuple[MlflowClient, str]:
    """Returns a client and the id of an experiment; creates the experiment if it is new.

    Args:
        experiment_id: id of an experiment that existed before and may have been renamed since; empty for none.

    Raises:
        TrialbookError: as `client`, or the experiment was deleted.
    """
    with client(uri) as connected:
        experiment = _experiment(connected, uri, name, experiment_id)
        if experiment:
            return connected, str(experiment.experiment_id)
        file = database(uri)
        location = {"artifact_location": artifacts(file)} if file else {}
        return connected, str(connected.create_experiment(name, **location))


def look_up(uri: str, name: str, experiment_id: str = "", run_id: str = "") -> str:
    """Checks that a sweep can be recorded in a store; returns the present name of its experiment.

    Args:
        name: of the experiment, which may be new.
        experiment_id, run_id: of a sweep that was recorded there before; empty for none.

    Raises:
        TrialbookError: as `connect`, or the run of the sweep is missing or was deleted.
    """
    with client(uri) as connected:
        experiment = _experiment(connected, uri, name, experiment_id)
        if run_id:
            _check_run(connected, uri, run_id)
        return str(experiment.name) if experiment else name


def _experiment(connected: MlflowClient, uri: str, name: str, experiment_id: str) -> Experiment | None:
    """Returns an experiment by its id if there is one, else by its name; None if it is new.

    Raises:
        TrialbookError: the store has no experiment of this id, or the experiment was deleted.
    """
    try:
        found = connected.get_experiment(experiment_id) if experiment_id else connected.get_experiment_by_name(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        raise TrialbookError(
            f"tracking.uri={uri}: the experiment {name} (id {experiment_id}) of this sweep is not there; expected the store that it was"
            " recorded in."
        ) from error
    if found and found.lifecycle_stage != "active":
        remedy = _how_to_restore(uri, f"experiments restore --experiment-id {found.experiment_id}")
        raise TrialbookError(
            f"tracking.experiment={found.name}: this experiment was deleted in MLflow, so nothing could be recorded; expected one that is"
            f" there.\n{remedy}\nor choose another one: tracking.experiment=NAME"
        )
    return found


def _how_to_restore(uri: str, command: str) -> str:
    return f"Restore it: MLFLOW_TRACKING_URI={shlex.quote(uri)} mlflow {command}"


def _check_run(connected: MlflowClient, uri: str, run_id: str) -> None:
    """Raises a TrialbookError if the run of a sweep does not exist or was deleted."""
    problem, remedy = "was deleted", _how_to_restore(uri, f"runs restore --run-id {run_id}")
    try:
        if connected.get_run(run_id).info.lifecycle_stage == "active":
            return
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        problem, remedy = "is not there", "Was it another store?"
    raise TrialbookError(
        f"tracking.uri={uri}: the run {run_id} of this sweep {problem}; expected it, otherwise the sweep would be recorded in two places."
        f"\n{remedy}"
    )


def _create(target: Path) -> None:
    """Creates a local database under a temporary name and renames it when it is complete: MLflow cannot repair half a schema."""
    if target.exists():
        return
    for file in target.parent.glob(".*"):
        if beside(target).fullmatch(file.name):  # left by a kill
            file.unlink()
    new = target.with_name(f".{target.name}.{os.getpid()}{files.PART}")
    MlflowClient(f"sqlite:///{new}").search_experiments(max_results=1)
    new.rename(target)


def beside(target: Path) -> re.Pattern[str]:
    """Returns the pattern of the temporary names of a new database, and of the files that SQLite adds to it."""
    return re.compile(rf"\.{re.escape(target.name)}\.\d+{re.escape(files.PART)}(-journal|-wal|-shm)?")


@contextmanager
def locked(uri: str, name: str = "store.lock") -> Iterator[None]:
    """Holds a lock file in the folder of a local store, by default that of the store itself. A server needs no lock."""
    file = database(uri)
    if not file:
        yield
        return
    folder = file.parent
    folder.mkdir(parents=True, exist_ok=True)
    may_write = os.access(folder, os.W_OK)  # otherwise this process only reads, and cannot create a lock
    with FileLock(folder / name) if may_write else nullcontext():
        yield


def moved_from(file: Path) -> list[str]:
    """Returns the addresses of the former folders of a local store that was moved or copied; empty if it was not."""
    locations = {location for (location,) in read(file, "select artifact_location from experiments")} - {artifacts(file)}
    former = []
    for location in locations:
        address = location.removesuffix("/artifacts")
        folder = local_path(address)
        if folder is None or address == location:
            continue
        if not folder.exists() or (folder / file.name).exists():  # otherwise somebody chose it for the artifacts of an experiment
            former.append(address)
    return sorted(former)


def read(file: Path, query: str, *values: str) -> list[tuple[str, ...]]:
    """Returns the rows of a query on a local store's database."""
    with closing(open_database(file)) as database:
        return database.execute(query, values).fetchall()


def artifacts(file: Path) -> str:
    """Returns the address of the folder for the artifacts of a local store."""
    return (file.parent / "artifacts").as_uri()
