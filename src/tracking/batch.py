"""Parameters, metrics and tags on their way into one run: what MLflow does not take is sorted out, and costs nothing else."""

from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.utils import validation

from src.errors import first_words

Item = Any  # Metric, Param or RunTag: mlflow has no types
MOST_ITEMS = 1000  # that log_batch takes
PASSING = ("INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED", "DEADLINE_EXCEEDED")


def metrics(values: dict[str, float], step: int, seconds: float) -> list[Item]:
    """The metrics of one step; NaN and infinite ones are values, too."""
    return [Metric(name, value, int(seconds * 1000), step) for name, value in values.items()]


def params(values: dict[str, Any]) -> list[Item]:
    """Parameters, as text."""
    return [Param(key, _storable(value)) for key, value in values.items()]


def tags(values: dict[str, Any]) -> list[Item]:
    """Tags, as text."""
    return [RunTag(key, _storable(value)) for key, value in values.items()]


def log(client: MlflowClient, run_id: str, items: list[Item]) -> list[tuple[Item, str]]:
    """Logs all that MLflow takes; returns the rest, each with the reason.

    Raises:
        MlflowException: MLflow does not answer now, or the run itself takes nothing because it is not there.
    """
    refused = [(item, why) for item in items if (why := _mistake(item))]
    bad = {id(item) for item, _ in refused}
    good = [item for item in items if id(item) not in bad]
    for start in range(0, len(good), MOST_ITEMS):
        refused += _halved(client, run_id, good[start : start + MOST_ITEMS])
    return refused


def _halved(client: MlflowClient, run_id: str, items: list[Item], *, is_there: bool = False) -> list[tuple[Item, str]]:
    """Logs items together, and halves of them where MLflow does not take them all; an item that comes twice is the same as once."""
    try:
        client.log_batch(run_id, **{name: [one for one in items if isinstance(one, kind)] for name, kind in KINDS.items()})
    except MlflowException as error:
        if error.error_code in PASSING or not (is_there or client.get_run(run_id).info.lifecycle_stage == "active"):
            raise
        if len(items) == 1:
            return [(items[0], f"{items[0].key}: {first_words(error)}")]
        half = len(items) // 2
        return [found for part in (items[:half], items[half:]) for found in _halved(client, run_id, part, is_there=True)]
    return []


def payload(items: list[Item], seconds: float) -> dict[str, Any]:
    """The message that adds items to a run which has all the rest: what `end` of the tracker takes, with the name of its files."""
    epochs: dict[tuple[int, int], dict[str, float]] = {}
    for one in items:
        if isinstance(one, Metric):
            epochs.setdefault((one.step, one.timestamp), {})[one.key] = one.value
    return {
        "state": None,
        "metrics": {},
        "tags": {one.key: one.value for one in items if isinstance(one, RunTag)},
        "params": {one.key: one.value for one in items if isinstance(one, Param)},
        "epochs": [{"epoch": step, "metrics": values, "time": stamp / 1000} for (step, stamp), values in epochs.items()],
        "time": seconds,
        "files": "none",
    }


KINDS = {"metrics": Metric, "params": Param, "tags": RunTag}


def _mistake(item: Item) -> str:
    """Why MLflow's own rules refuse an item; a server may have more of them."""
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
    """A text that every database takes: PostgreSQL has no NUL, and no encoding has half a character."""
    return str(value).replace("\0", "\\x00").encode(errors="backslashreplace").decode()
