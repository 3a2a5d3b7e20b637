"""The destination of a study: MLflow store and experiment. The study remembers both, so that its records never go to two places."""

import os
import shlex
from pathlib import Path

from src.redaction import redacted
from src.tracking.address import DEFAULT, canonical, database


def described(uri: str, experiment_id: str, folder: Path) -> dict[str, str]:
    """The facts that a study remembers of its destination.

    Args:
        folder: of the study.
    """
    file = database(uri)
    beside = {"tracking_beside": os.path.relpath(file, folder.resolve())} if file else {}
    return {"tracking_uri": canonical(uri), "experiment_id": experiment_id, **beside}


def is_same(uri: str, meta: dict[str, str], folder: Path) -> bool:
    """True if an address names the store of a study, also after both were moved together."""
    if not (then := meta.get("tracking_uri")) or canonical(uri) == then:
        return True
    file, gone = database(uri), database(then)
    together = file and gone and not gone.exists() and os.path.relpath(file, folder.resolve()) == meta.get("tracking_beside")
    return bool(together)


def other_store(uri: str, meta: dict[str, str]) -> str:
    """The mistake of naming another store than that of the study."""
    return f"tracking.uri: {meta['tracking_uri']} then, {canonical(uri)} now; expected {_setting(meta['tracking_uri'])}"


def other_experiment(name: str, found: str, meta: dict[str, str]) -> str:
    """The mistake of naming another experiment than that of the study; empty if it is the same.

    Args:
        name: the requested one.
        found: the present name of the study's own experiment; it may have got another one since.
    """
    if name in (meta.get("experiment", name), found):
        return ""
    return f"tracking.experiment: {found} then, {name} now; expected MLFLOW_EXPERIMENT_NAME={shlex.quote(found)}"


def uri_of(meta: dict[str, str], uri: str) -> str:
    """The address of a study's store. The given one is preferred if it names the same store: it may hold an account and a password."""
    then = meta.get("tracking_uri", "")
    return then if then and canonical(uri) != then else uri


def prefix(uri: str) -> str:
    """The environment in front of a command that finds a store, without its password; empty for the default store."""
    return "" if canonical(uri) == canonical(DEFAULT) else f"{_setting(redacted(uri))} "


def _setting(uri: str) -> str:
    return f"MLFLOW_TRACKING_URI={shlex.quote(uri)}"
