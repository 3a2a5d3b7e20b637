"""Makes the items of a message (parameters, metrics, tags, data set) and logs them. One that MLflow refuses does not stop the others."""

import getpass
import json
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.utils import validation

from src.errors import first_words

Item = Any  # Metric, Param or RunTag: mlflow has no types
KINDS = {"metrics": Metric, "params": Param, "tags": RunTag}  # argument of log_batch → type of its items
DIGITS = 8  # of a data set's digest, as MLflow's own have
MOST_ITEMS = 1000  # per call of log_batch
FOR_PEOPLE = ("mlflow.note.content", "trialbook.cause")  # tags that may be cut
LONGEST_NAME = 250  # characters of a run's name that every database takes
MOST_TAG = 5000  # characters of a tag that every version of MLflow takes
PASSING = ("INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED", "DEADLINE_EXCEEDED")  # error codes that may pass


def source() -> dict[str, str]:
    """Returns the tags in which MLflow shows who began a run, and how."""
    return {"mlflow.user": getpass.getuser(), "mlflow.source.name": "src.sweep", "mlflow.source.type": "LOCAL"}


def milliseconds(seconds: float | None) -> int | None:
    """Returns a time as MLflow counts it; None for None."""
    return None if seconds is None else int(1000 * seconds)


def of_start(params: dict[str, Any], tags: dict[str, str]) -> list[Item]:
    """Returns the parameters and tags of a run that starts."""
    return _params(params) + _tags(tags)


def of_epochs(epochs: list[dict[str, Any]]) -> list[Item]:
    """Returns the metrics of epochs, with the number of the epoch as step."""
    return [metric for epoch in epochs for metric in _metrics(epoch["metrics"], epoch["epoch"], epoch["time"])]


def of_end(contents: dict[str, Any], seconds: float) -> list[Item]:
    """Returns the metrics and tags of a run that ends, and what was refused earlier."""
    refused_earlier = _params(contents.get("params", {})) + of_epochs(contents.get("epochs", []))
    return _metrics(contents["metrics"], 0, seconds) + _tags(contents["tags"]) + refused_earlier


def dataset(name: str, digest: str) -> DatasetInput:
    """Returns a data set as MLflow lists it with the runs that were trained on it.

    Args:
        digest: SHA-256 of the examples; MLflow shows and takes its beginning.
    """
    entity = Dataset(name=name, digest=digest[:DIGITS], source_type="code", source=json.dumps({"tags": {"sha256": digest}}))
    return DatasetInput(entity, [InputTag("mlflow.data.context", "training")])


def _metrics(values: dict[str, float], step: int, seconds: float) -> list[Item]:
    """Returns the metrics of one step. NaN and infinity are valid values."""
    return [Metric(name, value, int(seconds * 1000), step) for name, value in values.items()]


def _params(values: dict[str, Any]) -> list[Item]:
    return [Param(key, _storable(value)) for key, value in values.items()]


def _tags(values: dict[str, str]) -> list[Item]:
    """Returns tags; those for people are cut to the length that every MLflow takes."""
    return [RunTag(key, _storable(value[:MOST_TAG] if key in FOR_PEOPLE else value)) for key, value in values.items()]


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


def _storable(value: Any) -> str:
    """Converts a value to text that every database takes: without NUL, which PostgreSQL refuses, and without lone surrogates."""
    return str(value).replace("\0", "\\x00").encode(errors="backslashreplace").decode()
