"""Removes runs from a store so that they can be restored: MLflow marks them as deleted, and the caller moves their files."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mlflow.entities import ViewType

from src.tracking.address import database, local_path
from src.tracking.paging import every
from src.tracking.store import client


@dataclass(frozen=True)
class Registered:
    """A version of a registered model that a run made."""

    model: str
    version: str
    run: str
    champion: bool


class Removal:
    """The runs of a sweep, or of some of its trials, in one store.

    Args:
        experiment_id: that of the sweep; empty if it is not known.
        trials: numbers, from 0; empty for the sweep as a whole.

    Attributes:
        runs: their ids.

    Raises:
        TrialbookError: on construction, if the store does not answer.
    """

    def __init__(self, uri: str, experiment_id: str, sweep: str, trials: Iterable[int] = ()) -> None:
        with client(uri) as self._client:
            wanted = f"tags.`trialbook.sweep` = '{sweep}'"
            places = [experiment_id] if experiment_id else [one.experiment_id for one in every(self._client.search_experiments)]
            found = every(self._client.search_runs, places, wanted, ViewType.ACTIVE_ONLY) if places else ()
            numbers = {str(number) for number in trials}
            kept = [run for run in found if not numbers or run.data.tags.get("trialbook.trial") in numbers]
        self.runs = [str(run.info.run_id) for run in kept]
        self._places = {str(run.info.run_id): str(run.info.artifact_uri) for run in kept}
        self._file = database(uri)

    @property
    def folders(self) -> list[Path]:
        """The folders of their files, of a local store; a server keeps its files."""
        if not self._file:
            return []
        artifacts = [local_path(address) for address in self._places.values()]
        folders = [path.parent for path in artifacts if path]
        return [folder for folder in folders if folder.name in self._places and self._file.parent in folder.parents and folder.is_dir()]

    @property
    def registered(self) -> list[Registered]:
        """The versions of registered models that these runs made."""
        found = []
        for model in every(self._client.search_registered_models):
            champion = str(model.aliases.get("champion"))
            for version in every(self._client.search_model_versions, f"name = '{model.name}'"):
                if version.run_id in self._places:
                    number = str(version.version)
                    found.append(Registered(model.name, number, str(version.run_id), champion=number == champion))
        return found

    def delete(self) -> None:
        """Marks the runs as deleted."""
        for run in self.runs:
            self._client.delete_run(run)


def restoring(uri: str, runs: list[str]) -> str:
    """Returns a line of Python that makes MLflow show deleted runs again."""
    return (
        f"from mlflow import MlflowClient; client = MlflowClient({uri!r}); [client.restore_run(run) for run in {' '.join(runs)!r}.split()]"
    )
