"""Records a sweep in MLflow: a parent run, and a child run per trial. Uses explicit run ids, no active-run stack."""

import functools
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlflow.entities import Run, ViewType
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor
from requests import RequestException

from src.errors import Refused, Unreachable, first_words
from src.objective import Objective
from src.tracking import Parcel, Receipt, batch, links
from src.tracking.address import database, local_path
from src.tracking.batch import PASSING, Item
from src.tracking.bulk import NOTHING_TAKEN, Bulk
from src.tracking.store import connect

IDENTITY = ("trialbook.sweep", "trialbook.kind", "trialbook.trial")  # tags that identify a run; a trial keeps its run for life
STOP, HEARD = "trialbook.stop", "heard"  # the tag by which people stop a run on MLflow's page, and its value afterwards
BUSY = (408, 425, 429)  # HTTP codes of a server that may take the same request later


def reaching(method: Callable[..., Any]) -> Callable[..., Any]:
    """Makes a method raise Unreachable if the store does not answer; a refusal is raised unchanged."""

    @functools.wraps(method)
    def reach(*arguments: Any, **named: Any) -> Any:
        try:
            return method(*arguments, **named)
        except (MlflowException, RequestException, OSError) as error:
            if _is_refusal(error):
                raise
            reason = first_words(error) if isinstance(error, MlflowException) else f"{type(error).__name__}: {error}"
            raise Unreachable(reason) from error

    return reach


def _is_refusal(error: Exception) -> bool:
    """True if the store answered that it does not take this request, neither now nor later."""
    if isinstance(error, MlflowException):
        return error.error_code not in PASSING
    status = getattr(getattr(error, "response", None), "status_code", 0)
    return 400 <= status < 500 and status not in BUSY


def _why_refused(send: Callable[[], object]) -> str:
    """Calls a function that sends something to a store; returns the reason why the store refuses it, or ""."""
    try:
        send()
        return ""
    except (MlflowException, RequestException) as error:
        if not _is_refusal(error):
            raise
        return first_words(error) or type(error).__name__


class MlflowTracker:
    """Writes to one experiment of one store.

    Args:
        experiment_id: id of an experiment that existed before and may have been renamed since; empty for none.

    Attributes:
        experiment_id: id of the experiment, new or not.

    Raises:
        TrialbookError: on construction, if the store does not answer, or the experiment was deleted.
    """

    def __init__(self, uri: str, experiment: str, experiment_id: str = "") -> None:
        self._uri = uri
        self._monitors: dict[str, SystemMetricsMonitor] = {}  # run id → thread that logs the load of the machine
        self._client, self.experiment_id = connect(uri, experiment, experiment_id)
        file = database(uri)
        self._bulk = Bulk(file, self.experiment_id, self._send) if file else None

    @reaching
    def take(self, parcels: Sequence[Parcel], parent: str | None) -> list[Receipt]:
        """Records the waiting messages of many runs at once, if the store is local; otherwise takes nothing."""
        return self._bulk.take(parcels, parent) if self._bulk else [NOTHING_TAKEN] * len(parcels)

    @reaching
    def start(
        self, *, name: str, params: dict[str, Any], tags: dict[str, str], parent: str | None, again: bool, time: float | None = None
    ) -> str:
        """Starts a run, or continues the run of the same sweep and trial."""
        if parent:
            tags = {**tags, "mlflow.parentRunId": parent}
        existing = self._find(tags) if again else None
        if existing:
            run_id = str(existing.info.run_id)
            self._client.update_run(run_id, status="RUNNING")
            params = {key: value for key, value in params.items() if key not in existing.data.params}  # MLflow never changes one
        else:
            identity = {key: tags[key] for key in (*IDENTITY, "mlflow.parentRunId") if key in tags}  # other tags may be refused
            labels = {**batch.source(), **identity}
            created = self._client.create_run(self.experiment_id, batch.milliseconds(time), labels, name[: batch.LONGEST_NAME])
            run_id = str(created.info.run_id)
        is_sweep = tags["trialbook.kind"] == "sweep"
        if is_sweep and shutil.which("nvidia-smi") and run_id not in self._monitors:  # the load of a GPU is worth a curve
            self._monitors[run_id] = SystemMetricsMonitor(run_id, resume_logging=again, tracking_uri=self._uri)
            self._monitors[run_id].start()
        self._log(run_id, batch.of_start(params, tags))
        return run_id

    @reaching
    def epochs(self, run_id: str, epochs: list[dict[str, Any]]) -> None:
        """Logs the metrics of epochs in as few calls as possible."""
        self._log(run_id, batch.of_epochs(epochs))

    @reaching
    def end(self, run_id: str, *, state: str | None, time: float, folder: Path, **contents: Any) -> None:
        """Logs metrics, tags, files and a part that was refused earlier; ends the run even if MLflow refuses some of them."""
        refused = batch.log(self._client, run_id, batch.of_end(contents, time))
        if contents.get("dataset"):
            self._client.log_inputs(run_id, datasets=[batch.dataset(**contents["dataset"])])
        unsent = self._log_files(run_id, folder)
        if state:
            if run_id in self._monitors:
                self._monitors.pop(run_id).finish()
            self._client.set_terminated(run_id, state, batch.milliseconds(time))
        if refused or unsent:
            raise _refusal(run_id, refused, unsent, folder.name)

    @reaching
    def stopped(self, is_mine: Callable[[str], bool]) -> list[str]:
        """Returns the runs that somebody tagged `trialbook.stop=true` on MLflow's page. The tag then says `heard`."""
        found = [str(run.info.run_id) for run in self._client.search_runs([self.experiment_id], f"tags.`{STOP}` ILIKE 'true'")]
        mine = [run_id for run_id in found if is_mine(run_id)]
        for run_id in mine:
            self._client.set_tag(run_id, STOP, HEARD)
        return mine

    def link(self, sweep_id: str, run_ids: list[str], objective: Objective) -> str:
        """Returns the address of the charts of a sweep's trials, or of a single run."""
        return links.comparison(self._uri, self.experiment_id, run_ids, sweep_id, objective)

    def _log(self, run_id: str, items: list[Item]) -> None:
        """Logs items; raises Refused, with those that MLflow does not take."""
        if refused := batch.log(self._client, run_id, items):
            raise _refusal(run_id, refused)

    def _log_files(self, run_id: str, folder: Path) -> list[str]:
        """Logs the files of a folder, if it exists.

        Returns:
            The reasons why MLflow refuses some of them; then only these stay in the folder.
        """
        if not folder.is_dir() or not _why_refused(lambda: self._client.log_artifacts(run_id, str(folder))):
            return []
        unsent = []
        for file in sorted(folder.iterdir()):
            if why := _why_refused(functools.partial(self._client.log_artifact, run_id, str(file))):
                unsent.append(f"{file.name}: {why}")
            else:
                file.unlink()
        return unsent

    def _send(self, address: str, folder: Path) -> bool:
        """Moves or copies files to the address of a run's artifacts; returns False if some are refused."""
        target = local_path(address)
        if target:
            with suppress(OSError):  # there are some already, or they are on another disk
                target.parent.mkdir(parents=True, exist_ok=True)
                folder.rename(target)
                return True
        return not _why_refused(lambda: get_artifact_repository(address, tracking_uri=self._uri).log_artifacts(str(folder)))

    def _find(self, tags: dict[str, str]) -> Run | None:
        """Returns the run of the same sweep and trial, even a deleted one, which takes nothing until it is restored."""
        if "trialbook.sweep" not in tags:
            return None
        wanted = " and ".join(f"tags.`{name}` = '{tags[name]}'" for name in IDENTITY if name in tags)
        runs = list(self._client.search_runs([self.experiment_id], wanted, ViewType.ALL, max_results=100))
        active = [run for run in runs if run.info.lifecycle_stage == "active"]
        return next(iter(active or runs), None)


def _refusal(run_id: str, refused: Sequence[tuple[Item, str]], unsent: Sequence[str] = (), files: str = "none") -> Refused:
    """Returns the error that carries what MLflow did not take.

    Args:
        refused: items, each with the reason.
        unsent: reasons why files were not taken.
        files: the folder where such files stay.
    """
    reasons = dict.fromkeys([*(why for _, why in refused), *unsent])
    left = batch.payload([item for item, _ in refused], time.time())
    if unsent:
        left["files"] = files
    return Refused("; ".join(reasons), left, run_id)
