"""MLflow's record of a sweep: a parent run, and a child run per trial. Explicit run ids, no active-run stack."""

import functools
import getpass
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from src.tracking.store import connect  # first: it sets MLflow's environment

from mlflow.entities import Run, ViewType  # isort: skip
from mlflow.exceptions import MlflowException
from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor
from requests import RequestException

from src.errors import Refused, Unreachable, first_words
from src.tracking import batch, links
from src.tracking.batch import PASSING, Item

IDENTITY = ("trialbook.sweep", "trialbook.kind", "trialbook.trial")  # one trial is one run for life
LONGEST_NAME = 250  # characters of a run's name that every database takes
FOR_PEOPLE = ("mlflow.note.content", "trialbook.swept", "trialbook.cause")  # tags that may be cut
MOST_TAG = 5000  # characters of a tag that every version of MLflow takes
BUSY = (408, 425, 429)  # answers of a server that may take the same request later


def reaching(method: Callable[..., Any]) -> Callable[..., Any]:
    """Tells a store that does not answer from one that refuses."""

    @functools.wraps(method)
    def reach(*arguments: Any, **named: Any) -> Any:
        try:
            return method(*arguments, **named)
        except (MlflowException, RequestException, OSError) as error:
            if _is_refusal(error):
                raise
            raise Unreachable(first_words(error) if isinstance(error, MlflowException) else f"{type(error).__name__}: {error}") from error

    return reach


def _is_refusal(error: Exception) -> bool:
    """Whether a store answered that it will not take it."""
    if isinstance(error, MlflowException):
        return error.error_code not in PASSING
    status = getattr(getattr(error, "response", None), "status_code", 0)
    return 400 <= status < 500 and status not in BUSY


class MlflowTracker:
    """Writes to one experiment of one store.

    Args:
        experiment_id: that of an experiment which was there before; it may have another name by now.

    Attributes:
        experiment_id: of the experiment.

    Raises:
        TrialbookError: on construction, when the store does not answer, or the experiment was deleted.
    """

    def __init__(self, uri: str, experiment: str, experiment_id: str = "") -> None:
        self._uri = uri
        self._monitors: dict[str, SystemMetricsMonitor] = {}  # run → what watches the machine meanwhile
        self._client, self.experiment_id = connect(uri, experiment, experiment_id)

    @reaching
    def start(self, *, name: str, params: dict[str, Any], tags: dict[str, str], parent: str | None, again: bool) -> str:
        """Begins a run, or goes on with the one that has the same sweep and trial."""
        if parent:
            tags = {**tags, "mlflow.parentRunId": parent}
        found = self._find(tags) if again else None
        if found:
            run_id = str(found.info.run_id)
            self._client.update_run(run_id, status="RUNNING")
            params = {key: value for key, value in params.items() if key not in found.data.params}  # MLflow's can not change
        else:
            known = {"mlflow.user": getpass.getuser(), "mlflow.source.name": "src.sweep", "mlflow.source.type": "LOCAL"}
            own = {key: tags[key] for key in (*IDENTITY, "mlflow.parentRunId") if key in tags}  # the others may be refused
            created = self._client.create_run(self.experiment_id, run_name=name[:LONGEST_NAME], tags={**known, **own})
            run_id = str(created.info.run_id)
        if (
            tags["trialbook.kind"] == "sweep" and shutil.which("nvidia-smi") and run_id not in self._monitors
        ):  # what a GPU does is worth a curve
            self._monitors[run_id] = SystemMetricsMonitor(run_id, resume_logging=again, tracking_uri=self._uri)
            self._monitors[run_id].start()
        self._log(run_id, [*batch.params(params), *batch.tags(_cut(tags))])
        return run_id

    @reaching
    def epochs(self, run_id: str, epochs: list[dict[str, Any]]) -> None:
        """Logs the metrics of epochs in as few calls as MLflow takes; an epoch's number is the step."""
        self._log(run_id, _items(epochs))

    @reaching
    def end(self, run_id: str, *, state: str | None, time: float, folder: Path, **contents: Any) -> None:
        """Logs metrics, tags, files and what was refused earlier, and ends the run whatever of these MLflow takes."""
        items = batch.metrics(contents["metrics"], 0, time) + batch.tags(_cut(contents["tags"]))
        items += batch.params(contents.get("params", {})) + _items(contents.get("epochs", []))
        refusal = None
        try:
            self._log(run_id, items)
        except Refused as error:
            refusal = error
        unsent = self._log_files(run_id, folder)
        if state:
            if run_id in self._monitors:
                self._monitors.pop(run_id).finish()
            self._client.set_terminated(run_id, state)
        if unsent:
            left = refusal.left if refusal else batch.payload([], time)
            refusal = Refused("; ".join(filter(None, [str(refusal or ""), *unsent])), {**left, "files": folder.name})
        if refusal:
            raise refusal

    def link(self, sweep_id: str, run_ids: list[str], objective: str) -> str:
        """Where MLflow's UI shows runs side by side."""
        return links.comparison(self._uri, self.experiment_id, run_ids, sweep_id, objective)

    def _log(self, run_id: str, items: list[Item]) -> None:
        """Logs items.

        Raises:
            Refused: with those that MLflow does not take.
        """
        if refused := batch.log(self._client, run_id, items):
            why = "; ".join(dict.fromkeys(why for _, why in refused))
            raise Refused(why, batch.payload([item for item, _ in refused], time.time()), run_id)

    def _log_files(self, run_id: str, folder: Path) -> list[str]:
        """Logs the files of a folder, if it is there; why MLflow does not take some of them, which alone stay in it."""
        if not folder.is_dir():
            return []
        try:
            self._client.log_artifacts(run_id, str(folder))
            return []
        except (MlflowException, RequestException) as error:
            if not _is_refusal(error):
                raise
        unsent = []
        for file in sorted(folder.iterdir()):
            try:
                self._client.log_artifact(run_id, str(file))
                file.unlink()
            except (MlflowException, RequestException) as error:
                if not _is_refusal(error):
                    raise
                unsent.append(f"{file.name}: {first_words(error)}")
        return unsent

    def _find(self, tags: dict[str, str]) -> Run | None:
        """The run with the same sweep and trial; a deleted one is found, too, and takes nothing until it is restored."""
        if "trialbook.sweep" not in tags:
            return None
        wanted = " and ".join(f"tags.`{name}` = '{tags[name]}'" for name in IDENTITY if name in tags)
        found = list(self._client.search_runs([self.experiment_id], wanted, ViewType.ALL, max_results=100))
        return next((run for run in found if run.info.lifecycle_stage == "active"), found[0] if found else None)


def _items(epochs: list[dict[str, Any]]) -> list[Item]:
    return [metric for one in epochs for metric in batch.metrics(one["metrics"], one["epoch"], one["time"])]


def _cut(tags: dict[str, str]) -> dict[str, str]:
    """Tags, those for people as long as every MLflow takes them."""
    return {key: value[:MOST_TAG] if key in FOR_PEOPLE else value for key, value in tags.items()}
