"""MLflow's record of a sweep: a parent run, and a child run per trial. Explicit run ids, no active-run stack."""

import functools
import getpass
import hashlib
import logging
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mlflow.entities import Metric, Param, RunTag

from src.tracking import links
from src.tracking.store import connect
from src.trial import Outcome

log = logging.getLogger(__name__)
DIGESTED = {"model.h5": "trialbook.sha256.model", "model.weights.h5": "trialbook.sha256.weights"}  # an .h5 has no checksum of its own


def delivered(method: Callable[..., Any]) -> Callable[..., Any]:
    """Keeps an outage of MLflow away from the sweep: it is noted, and told at the end."""

    @functools.wraps(method)
    def deliver(self: "MlflowTracker", *arguments: Any) -> Any:
        try:
            return method(self, *arguments)
        except Exception as error:
            self.lost.append(f"{method.__name__}: {str(error).splitlines()[0] if str(error) else type(error).__name__}")
            log.info("MLflow: %s", self.lost[-1], exc_info=error)
            return None

    return deliver


class MlflowTracker:
    """Writes to one experiment of one store.

    Raises:
        TrialbookError: on construction, when the store does not answer.
    """

    def __init__(self, uri: str, experiment: str, sweep_id: str, tags: dict[str, str]) -> None:
        self.lost: list[str] = []
        self._uri, self._sweep_id = uri, sweep_id
        self._client, self._experiment_id = connect(uri, experiment)
        self._tags = {"mlflow.user": getpass.getuser(), "mlflow.source.name": "src.sweep", "mlflow.source.type": "LOCAL", **tags}
        self.parent: str | None = None
        self._runs: dict[int, str] = {}

    @delivered
    def open(self, name: str, params: dict[str, object], tags: dict[str, str], note: str) -> None:
        """Starts the parent run of a sweep."""
        self.parent = self._create(name, params, {**tags, "trialbook.kind": "sweep", "mlflow.note.content": note})

    @delivered
    def start(self, number: int, name: str, params: dict[str, object], tags: dict[str, str]) -> str | None:
        """Starts a trial's run and returns its id."""
        parent = {"mlflow.parentRunId": self.parent} if self.parent else {}
        self._runs[number] = self._create(name, params, {**tags, **parent})
        return self._runs[number]

    @delivered
    def epoch(self, number: int, epoch: int, metrics: dict[str, float]) -> None:
        """Logs the metrics of one epoch; its number is the step."""
        self._client.log_batch(self._runs[number], metrics=_metrics(metrics, epoch))

    @delivered
    def finish(self, number: int, outcome: Outcome) -> None:
        """Logs metrics, files and facts of a trial, and ends its run."""
        digests = {DIGESTED[name]: hashlib.sha256(content).hexdigest() for name, content in outcome.files.items() if name in DIGESTED}
        cause = {"trialbook.cause": outcome.cause[:500]} if outcome.cause else {}
        facts = {f"trialbook.{name}": value for name, value in outcome.facts.items()}
        self._end(self._runs[number], outcome.state, outcome.metrics, {**digests, **cause, **facts}, outcome.files)

    @delivered
    def attach(self, number: int, files: dict[str, bytes]) -> None:
        """Adds files to the run of a trial that ended."""
        self._upload(self._runs[number], files)

    @delivered
    def close(self, state: str, metrics: dict[str, float], tags: dict[str, str], files: dict[str, bytes]) -> None:
        """Logs what the sweep found, and ends its run."""
        if self.parent:
            self._end(self.parent, state, metrics, tags, files)

    def link(self, objective: str) -> str:
        """Where MLflow's UI shows these runs side by side."""
        return links.comparison(self._uri, self._experiment_id, list(self._runs.values()), self._sweep_id, objective)

    def _create(self, name: str, params: dict[str, object], tags: dict[str, str]) -> str:
        run_id: str = self._client.create_run(self._experiment_id, run_name=name, tags={**self._tags, **tags}).info.run_id
        self._client.log_batch(run_id, params=[Param(key, str(value)) for key, value in params.items()])
        return run_id

    def _end(self, run_id: str, state: str, metrics: dict[str, float], tags: dict[str, str], files: dict[str, bytes]) -> None:
        try:
            self._client.log_batch(run_id, metrics=_metrics(metrics, 0), tags=[RunTag(key, value) for key, value in tags.items()])
            self._upload(run_id, files)
        finally:
            self._client.set_terminated(run_id, state)

    def _upload(self, run_id: str, files: dict[str, bytes]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            for name, content in files.items():
                (Path(folder) / name).write_bytes(content)
            self._client.log_artifacts(run_id, folder)


def _metrics(metrics: dict[str, float], step: int) -> list[Metric]:
    now = int(time.time() * 1000)
    return [Metric(name, value, now, step) for name, value in metrics.items()]
