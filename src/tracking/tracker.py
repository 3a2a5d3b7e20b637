"""MLflow's record of a sweep: a parent run, and a child run per trial. Explicit run ids, no active-run stack."""

import functools
import getpass
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from src.tracking.store import connect  # first: it sets MLflow's environment

from mlflow.entities import Metric, Param, Run, RunTag  # isort: skip
from mlflow.exceptions import MlflowException
from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor
from requests import RequestException

from src.errors import Unreachable
from src.tracking import links

IDENTITY = ("trialbook.sweep", "trialbook.kind", "trialbook.trial")  # one trial is one run for life
MOST_METRICS = 1000  # that log_batch takes
PASSING = ("INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED", "DEADLINE_EXCEEDED")


def reaching(method: Callable[..., Any]) -> Callable[..., Any]:
    """Tells a store that does not answer from one that refuses."""

    @functools.wraps(method)
    def reach(*arguments: Any, **named: Any) -> Any:
        try:
            return method(*arguments, **named)
        except MlflowException as error:
            if error.error_code in PASSING:
                raise Unreachable(str(error).splitlines()[0]) from error
            raise
        except (RequestException, OSError) as error:
            raise Unreachable(f"{type(error).__name__}: {error}") from error

    return reach


class MlflowTracker:
    """Writes to one experiment of one store.

    Raises:
        TrialbookError: on construction, when the store does not answer.
    """

    def __init__(self, uri: str, experiment: str) -> None:
        self._uri = uri
        self._monitors: dict[str, SystemMetricsMonitor] = {}  # run → what watches the machine meanwhile
        self._client, self._experiment_id = connect(uri, experiment)

    @reaching
    def start(self, *, name: str, params: dict[str, Any], tags: dict[str, str], parent: str | None, again: bool) -> str:
        """Begins a run, or goes on with the one that has the same sweep and trial."""
        if parent:
            tags = {**tags, "mlflow.parentRunId": parent}
        found = self._find(tags) if again else None
        if found:
            run_id = found.info.run_id
            self._client.update_run(run_id, status="RUNNING")
            params = {key: value for key, value in params.items() if key not in found.data.params}  # MLflow's can not change
        else:
            known = {"mlflow.user": getpass.getuser(), "mlflow.source.name": "src.sweep", "mlflow.source.type": "LOCAL"}
            run_id = self._client.create_run(self._experiment_id, run_name=name, tags={**known, **tags}).info.run_id
        self._client.log_batch(
            run_id,
            params=[Param(key, str(value)) for key, value in params.items()],
            tags=[RunTag(key, value) for key, value in tags.items()] if again else (),
        )
        if tags["trialbook.kind"] == "sweep" and shutil.which("nvidia-smi"):  # what a GPU does is worth a curve
            self._monitors[run_id] = SystemMetricsMonitor(run_id, resume_logging=again, tracking_uri=self._uri)
            self._monitors[run_id].start()
        return str(run_id)

    @reaching
    def epochs(self, run_id: str, epochs: list[dict[str, Any]]) -> None:
        """Logs the metrics of epochs in as few calls as MLflow takes; an epoch's number is the step."""
        metrics = [metric for one in epochs for metric in _metrics(one["metrics"], one["epoch"], one["time"])]
        for start in range(0, len(metrics), MOST_METRICS):
            self._client.log_batch(run_id, metrics=metrics[start : start + MOST_METRICS])

    @reaching
    def end(self, run_id: str, *, state: str | None, metrics: dict[str, float], tags: dict[str, str], time: float, folder: Path) -> None:
        """Logs metrics, tags and files, and ends the run."""
        self._client.log_batch(run_id, metrics=_metrics(metrics, 0, time), tags=[RunTag(key, value) for key, value in tags.items()])
        if folder.is_dir():
            self._client.log_artifacts(run_id, str(folder))
        if state:
            if run_id in self._monitors:
                self._monitors.pop(run_id).finish()
            self._client.set_terminated(run_id, state)

    def link(self, sweep_id: str, run_ids: list[str], objective: str) -> str:
        """Where MLflow's UI shows runs side by side."""
        return links.comparison(self._uri, self._experiment_id, run_ids, sweep_id, objective)

    def _find(self, tags: dict[str, str]) -> Run | None:
        wanted = " and ".join(f"tags.`{name}` = '{tags[name]}'" for name in IDENTITY if name in tags)
        found = self._client.search_runs([self._experiment_id], wanted, max_results=1) if "trialbook.sweep" in tags else []
        return found[0] if found else None


def _metrics(metrics: dict[str, float], step: int, time: float) -> list[Metric]:
    return [Metric(name, value, int(time * 1000), step) for name, value in metrics.items()]
