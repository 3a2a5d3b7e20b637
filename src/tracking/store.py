"""The MLflow store and its experiment, created once, under a lock: two processes at once would break a new database."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlparse

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # by default a dead server costs four minutes a call
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")

from filelock import FileLock
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from src.errors import TrialbookError

for noisy in ("mlflow", "alembic"):
    logging.getLogger(noisy).setLevel(logging.ERROR)


@contextmanager
def client(uri: str) -> Iterator[MlflowClient]:
    """A client of a store; a local one is created when it is new, and locked meanwhile.

    Raises:
        TrialbookError: the store does not answer.
    """
    if urlparse(uri).scheme in ("", "file"):
        raise TrialbookError(
            f"tracking.uri={uri}: MLflow no longer writes to a folder; expected sqlite:///PATH/mlflow.db or http://HOST:PORT"
        )
    try:
        with locked(uri):
            _create(uri)
            yield MlflowClient(uri)
    except (MlflowException, OSError) as error:
        said = str(error).splitlines()[0]
        raise TrialbookError(f"tracking.uri={uri}: {said}. Expected a running MLflow server; leave it out for a local file.") from error


def connect(uri: str, experiment: str) -> tuple[MlflowClient, str]:
    """A client, and the id of the experiment, which is created when it is new.

    Raises:
        TrialbookError: the store does not answer, or its artifacts lie where another copy of it stands.
    """
    with client(uri) as connected:
        if folder := local_folder(uri):
            return connected, _local_experiment(connected, experiment, folder)
        found = connected.get_experiment_by_name(experiment)
        return connected, found.experiment_id if found else connected.create_experiment(experiment)


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
    with FileLock(folder / name):
        yield


def _local_experiment(client: MlflowClient, name: str, folder: Path) -> str:
    location = (folder / "artifacts").as_uri()
    found = client.get_experiment_by_name(name)
    if found is None:
        created: str = client.create_experiment(name, artifact_location=location)
        return created
    if found.artifact_location != location:
        raise TrialbookError(
            f"{folder} was moved or copied: its artifacts would be written to {found.artifact_location}, expected {location}.\n"
            "Move it back, or start a new record: tracking.uri=sqlite:///NEW_FOLDER/mlflow.db"
        )
    identity: str = found.experiment_id
    return identity
