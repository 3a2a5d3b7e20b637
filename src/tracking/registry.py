"""MLflow's model registry: aliases `champion`, `previous` and `challenger`, moved under a lock."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from src.tracking.runs import Runs, StoredRun  # first: it sets MLflow's environment

import mlflow  # isort: skip
import numpy as np
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from src.errors import TrialbookError
from src.tracking import served
from src.tracking.store import locked

EVENT = "trialbook.champion."  # tag of a version + time = who made it champion, and how


class Registry:
    """The registered models of one store, one for each data set."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self.runs = Runs(uri)
        self._client = self.runs.client
        mlflow.set_tracking_uri(uri)

    @property
    def names(self) -> list[str]:
        """The registered models."""
        return [model.name for model in self._client.search_registered_models()]

    def count_opening(self, run: StoredRun) -> int:
        """Counts on the sweep (or the single run) that the test split was opened for it."""
        owner = run.parent_id or run.run_id
        count = int(self._client.get_run(owner).data.tags.get("trialbook.test_openings", 0)) + 1
        self._client.set_tag(owner, "trialbook.test_openings", str(count))
        return count

    def refuse(self, run: StoredRun, reasons: list[str]) -> None:
        """Records a refusal on the run."""
        self._client.set_tag(run.run_id, "trialbook.promotion", f"refused {_now()}: {'; '.join(reasons)}"[:5000])

    def version(self, name: str, alias: str = "champion") -> ModelVersion | None:
        """The version that an alias names."""
        try:
            return self._client.get_model_version_by_alias(name, alias)
        except MlflowException:
            return None

    @contextmanager
    def registered(
        self, run: StoredRun, config: dict[str, Any], names: tuple[str, ...], x: np.ndarray, tags: dict[str, str]
    ) -> Iterator[tuple[str, np.ndarray]]:
        """Registers a run's model as challenger; nobody else registers in this store meanwhile.

        Args:
            config: of the trial.
            names: of the classes.
            x: inputs, shape (examples, *input_shape).

        Yields:
            The new version, and the probabilities (examples, classes) that it gives when it is loaded as anybody would load it.
        """
        with locked(self._uri, "registry.lock"):
            source = served.log_model(self._client, run.run_id, run.weights, config, names, x[:1])
            if run.data not in self.names:
                self._client.create_registered_model(run.data)
            version = str(self._client.create_model_version(run.data, source, run.run_id, tags=tags).version)
            self._client.set_registered_model_alias(run.data, "challenger", version)
            answer = mlflow.pyfunc.load_model(f"models:/{run.data}@challenger").predict(x)
            yield version, np.asarray(answer.iloc[:, 2:])
            self._client.delete_registered_model_alias(run.data, "challenger")

    def promote(self, name: str, new: str, expected: str | None, how: str) -> bool:
        """Moves `champion`, and keeps the former one as `previous`.

        Args:
            expected: the champion's version when the decision was made; None for none.

        Returns:
            Whether it is champion now; not if somebody else promoted in between, which wants a new decision.
        """
        with locked(self._uri):
            if self._champion(name) != expected:
                return False
            self._move(name, new, expected, how)
            return self._champion(name) == new

    def rollback(self, name: str) -> str:
        """Makes `previous` champion again, and returns its version.

        Raises:
            TrialbookError: there is no previous champion.
        """
        with locked(self._uri):
            old, previous = self._champion(name), self.version(name, "previous")
            if not old or not previous or str(previous.version) == old:
                raise TrialbookError(f"{name} has no previous champion to roll back to; expected one that was replaced by a promotion.")
            self._move(name, str(previous.version), old, f"rollback from version {old}")
            return str(previous.version)

    def history(self, name: str) -> list[dict[str, str]]:
        """Who was champion since when, oldest first; what was killed before the alias moved never was."""
        events = [
            {"since": key.removeprefix(EVENT), "version": str(one.version), "run": one.run_id, "how": value}
            for one in self._client.search_model_versions(f"name = '{name}'")
            for key, value in one.tags.items()
            if key.startswith(EVENT)
        ]
        events.sort(key=lambda event: event["since"])
        while events and events[-1]["version"] != self._champion(name):
            events.pop()
        return events

    def _champion(self, name: str) -> str | None:
        found = self.version(name)
        return str(found.version) if found else None

    def _move(self, name: str, new: str, old: str | None, how: str) -> None:
        """Each step leaves the alias at a version that is whole; what a kill left behind is swept away first."""
        true = {event["since"] for event in self.history(name)}
        for one in self._client.search_model_versions(f"name = '{name}'"):
            for key in one.tags:
                if key.startswith(EVENT) and key.removeprefix(EVENT) not in true:
                    self._client.delete_model_version_tag(name, one.version, key)
        self._client.set_model_version_tag(name, new, f"{EVENT}{_now()}", f"{how}, by {getpass.getuser()}")
        if old:
            self._client.set_registered_model_alias(name, "previous", old)
        self._client.set_registered_model_alias(name, "champion", new)


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f}"
