"""Where a study's records go: the store and the experiment, which a study remembers so that they never go to two places."""

import os
import shlex
from pathlib import Path

from src.redaction import redacted
from src.tracking.address import DEFAULT, canonical, database


def described(uri: str, experiment_id: str, folder: Path) -> dict[str, str]:
    """What a study remembers, beside the name of the experiment that was asked for; `folder` is the study's."""
    file = database(uri)
    beside = {"tracking_beside": os.path.relpath(file, folder.resolve())} if file else {}
    return {"tracking_uri": canonical(uri), "experiment_id": experiment_id, **beside}


def is_same(uri: str, meta: dict[str, str], folder: Path) -> bool:
    """Whether an address is that of the store which a study remembers, or of the same store after both were moved together."""
    if not (then := meta.get("tracking_uri")) or canonical(uri) == then:
        return True
    file, gone = database(uri), database(then)
    together = file and gone and not gone.exists() and os.path.relpath(file, folder.resolve()) == meta.get("tracking_beside")
    return bool(together)


def other_store(uri: str, meta: dict[str, str]) -> str:
    """Why a store is not that of a study."""
    return f"tracking.uri: {meta['tracking_uri']} then, {canonical(uri)} now; expected {_setting(meta['tracking_uri'])}"


def other_experiment(name: str, found: str, meta: dict[str, str]) -> str:
    """Why an experiment is not that of a study; empty where it is.

    Args:
        name: that is asked for.
        found: the present name of the study's own experiment; it may have got another one since.
    """
    if name in (meta.get("experiment", name), found):
        return ""
    return f"tracking.experiment: {found} then, {name} now; expected MLFLOW_EXPERIMENT_NAME={shlex.quote(found)}"


def uri_of(meta: dict[str, str], uri: str) -> str:
    """The address of a study's store: the given one where it names the same store, for it may have an account and a password."""
    then = meta.get("tracking_uri", "")
    return then if then and canonical(uri) != then else uri


def prefix(uri: str) -> str:
    """What a command needs in front of it to find a store; nothing for the default one. A password does not show."""
    return "" if canonical(uri) == canonical(DEFAULT) else f"{_setting(redacted(uri))} "


def _setting(uri: str) -> str:
    return f"MLFLOW_TRACKING_URI={shlex.quote(uri)}"
