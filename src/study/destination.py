"""The MLflow store and experiment of a study. The study notes both, so that its records never go to two places."""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from src.redaction import redacted
from src.tracking.address import DEFAULT, canonical, database


def described(uri: str, experiment_id: str, folder: Path) -> dict[str, str]:
    """Returns the facts that a study in `folder` notes about its destination."""
    file = database(uri)
    beside = {"tracking_beside": os.path.relpath(file, folder.resolve())} if file else {}
    return {"tracking_uri": canonical(uri), "experiment_id": experiment_id, **beside}


def is_same(uri: str, meta: Mapping[str, str], folder: Path) -> bool:
    """Returns True if an address names the store of a study, even if store and study were moved together."""
    if not (then := meta.get("tracking_uri")) or canonical(uri) == then:
        return True
    file, gone = database(uri), database(then)
    together = file and gone and not gone.exists() and os.path.relpath(file, folder.resolve()) == meta.get("tracking_beside")
    return bool(together)


def other_store(uri: str, meta: Mapping[str, str]) -> str:
    """Returns the message for a request that names another store than the study's."""
    return f"tracking.uri: {meta['tracking_uri']} then, {canonical(uri)} now; expected {_setting(meta['tracking_uri'])}"


def other_experiment(name: str, found: str, meta: Mapping[str, str]) -> str:
    """Returns the message for a request that names another experiment than the study's, now called `found`; empty if it is the same."""
    if name in (meta.get("experiment", name), found):
        return ""
    return f"tracking.experiment: {found} then, {name} now; expected MLFLOW_EXPERIMENT_NAME={shlex.quote(found)}"


def uri_of(meta: Mapping[str, str], uri: str) -> str:
    """Returns the address of a study's store; the given one if it names the same store, as it may contain a password."""
    then = meta.get("tracking_uri", "")
    return then if then and canonical(uri) != then else uri


def prefix(uri: str) -> str:
    """Returns the environment variable, without password, that a command needs to find a store; empty for the default store."""
    return "" if canonical(uri) == canonical(DEFAULT) else f"{_setting(redacted(uri))} "


def _setting(uri: str) -> str:
    return f"MLFLOW_TRACKING_URI={shlex.quote(uri)}"
