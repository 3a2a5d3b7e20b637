"""The MLflow store and its experiment, created once, under a lock: two processes at once would break a new database."""

import logging
import os
import re
import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from urllib.parse import unquote, urlparse

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_TRUNCATE_LONG_VALUES", "false")  # a value that is cut is another value; it is refused instead
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")  # a request that arrived twice would be two runs; the outbox tries again
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")  # seconds

from filelock import FileLock
from mlflow import MlflowClient
from mlflow.entities import Experiment, Run
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from src import files
from src.errors import TrialbookError, first_words
from src.tracking import schema
from src.tracking.address import advice, as_file, database, refusal

NEW_STORE = 2**20  # bytes that a database with MLflow's tables takes

for noisy in ("mlflow", "alembic"):
    logging.getLogger(noisy).setLevel(logging.CRITICAL)  # what fails is raised, too, and told by us


@contextmanager
def client(uri: str) -> Iterator[MlflowClient]:
    """A client of a store; a local one is created when it is new, and locked meanwhile.

    Raises:
        TrialbookError: the store does not answer, or its artifacts lie where another copy of it stands.
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
        said = first_words(error) or type(error).__name__
        if file and "disk is full" in said:
            raise files.full(file, NEW_STORE) from error
        raise TrialbookError(f"tracking.uri={uri}: {said}. {advice(uri)}") from error


def connect(uri: str, name: str, experiment_id: str = "") -> tuple[MlflowClient, str]:
    """A client, and the id of the experiment, which is created when it is new.

    Args:
        experiment_id: that of an experiment which was there before; it may have another name by now.

    Raises:
        TrialbookError: as `client`, or the experiment was deleted.
    """
    with client(uri) as connected:
        found = _experiment(connected, uri, name, experiment_id)
        file = database(uri)
        place = {"artifact_location": artifacts(file)} if file else {}
        return connected, str(found.experiment_id if found else connected.create_experiment(name, **place))


def look_up(uri: str, name: str, experiment_id: str = "", run_id: str = "") -> str:
    """Opens the store, and looks whether a sweep can be recorded there; the present name of its experiment, if it is there.

    Args:
        experiment_id, run_id: of a sweep that was recorded there before.

    Raises:
        TrialbookError: as `connect`, or the run of the sweep is not there.
    """
    with client(uri) as connected:
        found = _experiment(connected, uri, name, experiment_id)
        run = _run(connected, run_id) if run_id else None
        if run_id and (not run or run.info.lifecycle_stage != "active"):
            raise TrialbookError(
                f"tracking.uri={uri}: the run {run_id} of this sweep {'was deleted' if run else 'is not there'}; expected it,"
                " otherwise the sweep would be recorded in two places.\n"
                + (_restoring(uri, f"runs restore --run-id {run_id}") if run else "Was it another store?")
            )
        return str(found.name) if found else name


def _experiment(connected: MlflowClient, uri: str, name: str, experiment_id: str) -> Experiment | None:
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
        raise TrialbookError(
            f"tracking.experiment={found.name}: this experiment was deleted in MLflow, so nothing could be recorded; expected one that is"
            f" there.\n{_restoring(uri, f'experiments restore --experiment-id {found.experiment_id}')}\n"
            "or choose another one: tracking.experiment=NAME"
        )
    return found


def _restoring(uri: str, words: str) -> str:
    return f"Restore it: MLFLOW_TRACKING_URI={shlex.quote(uri)} mlflow {words}"


def _run(connected: MlflowClient, run_id: str) -> Run | None:
    try:
        return connected.get_run(run_id)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return None


def _create(target: Path) -> None:
    """Makes a local database that is either whole or not there: no schema half made, which MLflow can not mend."""
    if target.exists():
        return
    for left_by_a_kill in target.parent.glob(".*"):
        if beside(target).fullmatch(left_by_a_kill.name):
            left_by_a_kill.unlink()
    new = target.with_name(f".{target.name}.{os.getpid()}{files.PART}")
    MlflowClient(f"sqlite:///{new}").search_experiments(max_results=1)
    new.rename(target)


def beside(target: Path) -> re.Pattern[str]:
    """The names under which a database is made before it gets its own, with SQLite's own files of it."""
    return re.compile(rf"\.{re.escape(target.name)}\.\d+{re.escape(files.PART)}(-journal|-wal|-shm)?")


@contextmanager
def locked(uri: str, name: str = "store.lock") -> Iterator[None]:
    """Keeps other processes out of a local store, or of what else a lock is named after; a server looks after itself."""
    if not (file := database(uri)):
        yield
        return
    folder = file.parent
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / name) if os.access(folder, os.W_OK) else nullcontext():  # who may not write only reads
        yield


def moved_from(file: Path) -> list[str]:
    """Addresses of the folders that a local store believes to lie in, where they are others than its own."""
    known = {location for (location,) in read(file, "select artifact_location from experiments")} - {artifacts(file)}
    places = {place.removesuffix("/artifacts") for place in known if place.startswith("file:///") and place.endswith("/artifacts")}
    return sorted(place for place in places if _was_a_store(Path(unquote(urlparse(place).path)), file.name))


def _was_a_store(folder: Path, name: str) -> bool:
    """Whether a folder is gone, or is a store of this name; else it is where somebody wants an experiment's artifacts."""
    return not folder.exists() or (folder / name).exists()


def read(file: Path, query: str, *values: str) -> list[tuple[str, ...]]:
    """Rows of a local store's database, which is only read: what a killed writer left half done, SQLite itself first takes back."""
    with closing(sqlite3.connect(f"{as_file(file)}?mode=rw", uri=True, timeout=20)) as database:
        return database.execute(query, values).fetchall()


def artifacts(file: Path) -> str:
    """The address of the folder for the artifacts of a local store."""
    return (file.parent / "artifacts").as_uri()
