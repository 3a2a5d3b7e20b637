"""The MLflow store and its experiment, created once, under a lock: two processes at once would break a new database."""

import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from urllib.parse import quote, unquote, urlparse

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")  # a request that arrived twice would be two runs; the outbox tries again
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")  # seconds

from filelock import FileLock
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from src import files
from src.errors import TrialbookError

NEW_STORE = 2**20  # bytes that a database with MLflow's tables takes

for noisy in ("mlflow", "alembic"):
    logging.getLogger(noisy).setLevel(logging.CRITICAL)  # what fails is raised, too, and told by us


@contextmanager
def client(uri: str) -> Iterator[MlflowClient]:
    """A client of a store; a local one is created when it is new, and locked meanwhile.

    Raises:
        TrialbookError: the store does not answer, or its artifacts lie where another copy of it stands.
    """
    if urlparse(uri).scheme in ("", "file"):
        raise TrialbookError(
            f"tracking.uri={uri}: MLflow no longer writes to a folder; expected sqlite:///PATH/mlflow.db or http://HOST:PORT"
        )
    try:
        with locked(uri):
            _create(uri)
            if (folder := local_folder(uri)) and (old := moved_from(folder)):
                raise TrialbookError(
                    f"{folder} was moved or copied: its artifacts would be written to {old[0]}, expected {folder.as_uri()}.\n"
                    "Move it back, or let it settle here: python -m src.doctor --fix"
                )
            yield MlflowClient(uri)
    except (MlflowException, SQLAlchemyError, sqlite3.Error, OSError) as error:
        said = str(error).splitlines()[0]
        if "disk is full" in said:
            raise files.full(Path(uri.removeprefix("sqlite:///")), NEW_STORE) from error
        raise TrialbookError(f"tracking.uri={uri}: {said}. Expected a running MLflow server; leave it out for a local file.") from error


def connect(uri: str, experiment: str) -> tuple[MlflowClient, str]:
    """A client, and the id of the experiment, which is created when it is new.

    Raises:
        TrialbookError: as `client`.
    """
    with client(uri) as connected:
        folder = local_folder(uri)
        place = {"artifact_location": _artifacts(folder)} if folder else {}
        found = connected.get_experiment_by_name(experiment)
        return connected, found.experiment_id if found else connected.create_experiment(experiment, **place)


def _create(uri: str) -> None:
    """Makes a local database that is either whole or not there: no schema half made, which MLflow can not mend."""
    target = Path(uri.removeprefix("sqlite:///"))
    if not local_folder(uri) or target.exists():
        return
    for left_by_a_kill in target.parent.glob(f".{target.name}.*"):
        left_by_a_kill.unlink()
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    MlflowClient(f"sqlite:///{beside}").search_experiments(max_results=1)
    beside.rename(target)


def local_folder(uri: str) -> Path | None:
    """Where a local store lies; None for a server."""
    return Path(uri.removeprefix("sqlite:///")).resolve().parent if uri.startswith("sqlite:///") else None


@contextmanager
def locked(uri: str, name: str = "store.lock") -> Iterator[None]:
    """Keeps other processes out of a local store, or of what else a lock is named after; a server looks after itself."""
    if not (folder := local_folder(uri)):
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / name) if os.access(folder, os.W_OK) else nullcontext():  # who may not write only reads
        yield


def moved_from(folder: Path) -> list[str]:
    """Addresses of the folders that a local store believes to lie in, where they are others than this one."""
    known = {location for (location,) in read(folder, "select artifact_location from experiments")} - {_artifacts(folder)}
    places = {place.removesuffix("/artifacts") for place in known if place.startswith("file:///") and place.endswith("/artifacts")}
    return sorted(place for place in places if _was_a_store(Path(unquote(urlparse(place).path))))


def _was_a_store(folder: Path) -> bool:
    """Whether a folder is gone, or is a store; else it is where somebody wants an experiment's artifacts."""
    return not folder.exists() or (folder / "mlflow.db").exists()


def read(folder: Path, query: str, *values: str) -> list[tuple[str, ...]]:
    """Rows of a local store's database, which is only read: what a killed writer left half done, SQLite itself first takes back."""
    with closing(sqlite3.connect(f"file:{quote(str(folder / 'mlflow.db'))}?mode=rw", uri=True, timeout=20)) as database:
        return database.execute(query, values).fetchall()


def _artifacts(folder: Path) -> str:
    return (folder.resolve() / "artifacts").as_uri()
