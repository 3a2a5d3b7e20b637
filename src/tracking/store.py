"""The MLflow store and its experiment, created once, under a lock: two processes at once would break a new database."""

import logging
import os
from pathlib import Path
from urllib.parse import urlparse

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # by default a dead server costs four minutes a call
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")

from filelock import FileLock
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from src.errors import TrialbookError

for noisy in ("mlflow", "alembic"):
    logging.getLogger(noisy).setLevel(logging.ERROR)

KIND = {"mlflow.experimentKind": "custom_model_development"}  # so that the UI opens on training runs, not on language models


def connect(uri: str, experiment: str) -> tuple[MlflowClient, str]:
    """A client, and the id of the experiment, which is created when it is new.

    Raises:
        TrialbookError: the store does not answer, or its artifacts lie where another copy of it stands.
    """
    if urlparse(uri).scheme in ("", "file"):
        raise TrialbookError(
            f"tracking.uri={uri}: MLflow no longer writes to a folder of files; expected sqlite:///PATH/mlflow.db or http://HOST:PORT"
        )
    try:
        if not uri.startswith("sqlite:///"):
            client = MlflowClient(uri)
            found = client.get_experiment_by_name(experiment)
            return client, found.experiment_id if found else client.create_experiment(experiment, tags=KIND)
        folder = Path(uri.removeprefix("sqlite:///")).resolve().parent
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "store.lock"):
            client = MlflowClient(uri)
            return client, _local_experiment(client, experiment, folder)
    except (MlflowException, OSError) as error:
        said = str(error).splitlines()[0]
        raise TrialbookError(f"tracking.uri={uri}: {said}. Expected a running MLflow server; leave it out for a local file.") from error


def _local_experiment(client: MlflowClient, name: str, folder: Path) -> str:
    location = (folder / "artifacts").as_uri()
    found = client.get_experiment_by_name(name)
    if found is None:
        created: str = client.create_experiment(name, artifact_location=location, tags=KIND)
        return created
    if found.artifact_location != location:
        raise TrialbookError(
            f"{folder} was moved or copied: its artifacts would be written to {found.artifact_location}, expected {location}.\n"
            "Move it back, or start a new record: tracking.uri=sqlite:///NEW_FOLDER/mlflow.db"
        )
    identity: str = found.experiment_id
    return identity
