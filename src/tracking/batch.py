"""Logs parameters, metrics and tags of one run. An item that MLflow refuses does not keep the others from being logged."""

import getpass
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.utils import validation

from src.errors import first_words

Item = Any  # Metric, Param or RunTag: mlflow has no types
KINDS = {"metrics": Metric, "params": Param, "tags": RunTag}  # argument of log_batch → type of its items
MOST_ITEMS = 1000  # per call of log_batch
FOR_PEOPLE = ("mlflow.note.content", "trialbook.cause")  # tags that may be cut
LONGEST_NAME = 250  # characters of a run's name that every database takes
MOST_TAG = 5000  # characters of a tag that every version of MLflow takes
PASSING = ("INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED", "DEADLINE_EXCEEDED")  # codes of errors that may pass


def metrics(values: dict[str, float], step: int, seconds: float) -> list[Item]:
    """Makes the metrics of one step. NaN and infinity are valid values."""
    return [Metric(name, value, int(seconds * 1000), step) for name, value in values.items()]


def params(values: dict[str, Any]) -> list[Item]:
    """Makes parameters, whose values are text."""
    return [Param(key, _storable(value)) for key, value in values.items()]


def tags(values: dict[str, Any]) -> list[Item]:
    """Makes tags, whose values are text."""
    return [RunTag(key, _storable(value)) for key, value in values.items()]


def source() -> dict[str, str]:
    """The tags by which MLflow tells who began a run, and how."""
    return {"mlflow.user": getpass.getuser(), "mlflow.source.name": "src.sweep", "mlflow.source.type": "LOCAL"}


def milliseconds(seconds: float | None) -> int | None:
    """Time as MLflow counts it."""
    return None if seconds is None else int(1000 * seconds)


def started(values: dict[str, Any], labels: dict[str, str]) -> list[Item]:
    """Makes the parameters and tags of a run that starts."""
    return [*params(values), *tags(_cut(labels))]


def epochs(reported: list[dict[str, Any]]) -> list[Item]:
    """Makes the metrics of epochs; the number of an epoch is the step."""
    return [metric for epoch in reported for metric in metrics(epoch["metrics"], epoch["epoch"], epoch["time"])]


def ended(contents: dict[str, Any], seconds: float) -> list[Item]:
    """Makes what a run gets at its end, and what was refused earlier."""
    items = metrics(contents["metrics"], 0, seconds) + tags(_cut(contents["tags"]))
    return items + params(contents.get("params", {})) + epochs(contents.get("epochs", []))


def log(client: MlflowClient, run_id: str, items: list[Item]) -> list[tuple[Item, str]]:
    """Logs every item that MLflow takes; returns the others, each with the reason.

    Raises:
        MlflowException: MLflow does not answer now, or the run takes nothing because it does not exist or was deleted.
    """
    refused: list[tuple[Item, str]] = []
    valid = []
    for item in items:
        if why := mistake(item):
            refused.append((item, why))
        else:
            valid.append(item)
    for start in range(0, len(valid), MOST_ITEMS):
        refused += _log_by_halves(client, run_id, valid[start : start + MOST_ITEMS])
    return refused


def _log_by_halves(client: MlflowClient, run_id: str, items: list[Item], *, run_exists: bool = False) -> list[tuple[Item, str]]:
    """Logs items in one call; if MLflow refuses it, logs each half alone, down to single items.

    MLflow may have logged an item before it refused the call; logging it again changes nothing.
    """
    by_kind = {name: [item for item in items if isinstance(item, kind)] for name, kind in KINDS.items()}
    try:
        client.log_batch(run_id, **by_kind)
        return []
    except MlflowException as error:
        if error.error_code in PASSING or not (run_exists or client.get_run(run_id).info.lifecycle_stage == "active"):
            raise
        if len(items) == 1:
            return [(items[0], f"{items[0].key}: {first_words(error)}")]
    half = len(items) // 2
    refused = _log_by_halves(client, run_id, items[:half], run_exists=True)
    return refused + _log_by_halves(client, run_id, items[half:], run_exists=True)


def payload(items: list[Item], seconds: float) -> dict[str, Any]:
    """Returns the message that adds items to a run that has everything else: the arguments of Tracker.end, and `files`."""
    epochs: dict[tuple[int, int], dict[str, float]] = {}
    for item in items:
        if isinstance(item, Metric):
            epochs.setdefault((item.step, item.timestamp), {})[item.key] = item.value
    return {
        "state": None,
        "metrics": {},
        "tags": {item.key: item.value for item in items if isinstance(item, RunTag)},
        "params": {item.key: item.value for item in items if isinstance(item, Param)},
        "epochs": [{"epoch": step, "metrics": values, "time": stamp / 1000} for (step, stamp), values in epochs.items()],
        "time": seconds,
        "files": "none",
    }


def mistake(item: Item) -> str:
    """Returns why MLflow's own rules refuse an item, or ""; a server may have more rules."""
    try:
        if isinstance(item, Metric):
            validation._validate_metric(item.key, item.value, item.timestamp, item.step)
        elif isinstance(item, Param):
            validation._validate_param(item.key, item.value)
        else:
            validation._validate_tag(item.key, item.value)
    except MlflowException as error:
        return f"{item.key[:100]}: {first_words(error)}"
    return ""


def _cut(labels: dict[str, str]) -> dict[str, str]:
    """Cuts the tags for people to the length that every MLflow takes."""
    return {key: value[:MOST_TAG] if key in FOR_PEOPLE else value for key, value in labels.items()}


def _storable(value: Any) -> str:
    """Converts a value to text that every database takes: without NUL, which PostgreSQL refuses, and without lone surrogates."""
    return str(value).replace("\0", "\\x00").encode(errors="backslashreplace").decode()
