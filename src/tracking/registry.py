"""MLflow's model registry: aliases `champion`, `previous` and `challenger`, moved under a lock."""

import getpass
import json
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from src.tracking.runs import Runs, StoredRun  # first: it sets MLflow's environment

import mlflow  # isort: skip
import numpy as np
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.types.schema import Schema, TensorSpec

from src.config.paths import ROOT
from src.errors import TrialbookError
from src.tracking.store import locked

EVENT = "trialbook.champion."  # tag of a version + time = who made it champion, and how


class Registry:
    """The registered model of one data set in one store."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self.runs = Runs(uri)
        self._client = self.runs.client
        mlflow.set_tracking_uri(uri)

    def count_opening(self, run: StoredRun) -> int:
        """Counts on the sweep (or the single run) that the test split was opened for it."""
        owner = run.parent_id or run.run_id
        count = int(self._client.get_run(owner).data.tags.get("trialbook.test_openings", 0)) + 1
        self._client.set_tag(owner, "trialbook.test_openings", str(count))
        return count

    def refuse(self, run: StoredRun, reasons: list[str]) -> None:
        """Records a refusal on the run."""
        self._client.set_tag(run.run_id, "trialbook.promotion", f"refused {_now()}: {'; '.join(reasons)}"[:5000])

    def champion(self, name: str, alias: str = "champion") -> ModelVersion | None:
        """The version that an alias names."""
        try:
            return self._client.get_model_version_by_alias(name, alias)
        except MlflowException:
            return None

    def register(self, run: StoredRun, node: dict[str, Any], names: tuple[str, ...], example: np.ndarray, tags: dict[str, str]) -> str:
        """Builds one loadable model of the run, registers it as challenger, and returns its version.

        Args:
            node: the `model:` node of its configuration, without what belongs to the engine.
            example: one batch of inputs, shape (1, *input_shape).
        """
        description = {"model": node, "class_names": names, "input_shape": example.shape[1:]}
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "model.weights.h5").write_bytes(run.weights)
            (folder / "model.json").write_text(json.dumps(description))
            mlflow.pyfunc.save_model(
                folder / "model",
                python_model=str(Path(__file__).with_name("served.py")),
                artifacts={file: str(folder / file) for file in ("model.weights.h5", "model.json")},
                code_paths=[str(ROOT / "src")],
                signature=ModelSignature(Schema([TensorSpec(np.dtype(np.float32), (-1, *example.shape[1:]))])),
                input_example=example,
                pip_requirements=[f"{package}=={version(package)}" for package in ("mlflow", "keras", "tensorflow", "hydra-core")],
            )
            self._client.log_artifacts(run.run_id, str(folder / "model"), "champion")
        if not self._client.search_registered_models(f"name = '{run.data}'"):
            self._client.create_registered_model(run.data)
        created = self._client.create_model_version(run.data, f"runs:/{run.run_id}/champion", run.run_id, tags=tags)
        self._client.set_registered_model_alias(run.data, "challenger", created.version)
        return str(created.version)

    def predictions(self, name: str, alias: str, x: np.ndarray) -> np.ndarray:
        """The probabilities (examples, classes) that the registered model gives, loaded as anybody would load it."""
        answer = mlflow.pyfunc.load_model(f"models:/{name}@{alias}").predict(x)
        return np.asarray(answer.iloc[:, 2:])

    def promote(self, name: str, new: str, expected: str | None, why: str) -> None:
        """Moves `champion`, and keeps the former one as `previous`.

        Args:
            expected: the champion's version when the decision was made; None for none.

        Raises:
            TrialbookError: somebody else promoted in between.
        """
        with locked(self._uri):
            old = self.champion(name)
            if (found := str(old.version) if old else None) != expected:
                raise TrialbookError(f"{name}: the champion changed from version {expected} to {found} meanwhile. Promote again.")
            self._move(name, new, found, why)
            self._client.delete_registered_model_alias(name, "challenger")

    def rollback(self, name: str) -> str:
        """Makes `previous` champion again, and returns its version.

        Raises:
            TrialbookError: there is no previous champion.
        """
        with locked(self._uri):
            old, previous = self.champion(name), self.champion(name, "previous")
            if not old or not previous:
                raise TrialbookError(f"{name} has no previous champion to roll back to; expected one that was replaced by a promotion.")
            self._move(name, str(previous.version), str(old.version), f"rollback from version {old.version}")
            return str(previous.version)

    def history(self, name: str) -> list[dict[str, str]]:
        """Who was champion since when, oldest first."""
        events = [
            {"since": key.removeprefix(EVENT), "version": str(one.version), "run": one.run_id, "how": value}
            for one in self._client.search_model_versions(f"name = '{name}'")
            for key, value in one.tags.items()
            if key.startswith(EVENT)
        ]
        return sorted(events, key=lambda event: event["since"])

    def _move(self, name: str, new: str, old: str | None, why: str) -> None:
        self._client.set_model_version_tag(name, new, f"{EVENT}{_now()}", f"{why}, by {getpass.getuser()}")
        if old:
            self._client.set_registered_model_alias(name, "previous", old)
        self._client.set_registered_model_alias(name, "champion", new)


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f}"
