"""MLflow's model registry: moves the aliases `champion`, `previous` and `challenger` under a lock."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import mlflow
import numpy as np
import pandas as pd
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from src.datasets import Tree
from src.errors import TrialbookError, first_words
from src.tracking import champions, inputs, openings, served
from src.tracking.batch import MOST_TAG
from src.tracking.champions import now
from src.tracking.paging import every
from src.tracking.runs import Runs, StoredRun, registered_name
from src.tracking.served import Served
from src.tracking.store import locked

SAME = 1e-5  # largest difference between an answer of a registered model and that of its run, relative to the largest answer above 1
ABSENT = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")  # error codes for a missing model, and for a missing alias
Loaded = TypeVar("Loaded")
STATE = "trialbook.state"  # tag of a version that is not checked yet


class Registry:
    """The registered models of one store, one per data set."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self.runs = Runs(uri)
        self._client = self.runs.client
        mlflow.set_tracking_uri(uri)

    @property
    def names(self) -> list[str]:
        """The names of all registered models."""
        return [model.name for model in every(self._client.search_registered_models)]

    def opening(self, run: StoredRun, split: str, champion: str | None) -> int:
        """Records an opening of a test split and returns its number, see src/tracking/openings.py."""
        return openings.number(self._client, run.experiment_id, split, run.run_id, champion)

    def refuse(self, run: StoredRun, reasons: list[str]) -> None:
        """Records a refusal on the run."""
        self._client.set_tag(run.run_id, "trialbook.promotion", f"refused {now()}: {'; '.join(reasons)}"[:MOST_TAG])

    def version(self, name: str, alias: str = "champion") -> ModelVersion | None:
        """Returns the version that an alias names; None if the alias or the model does not exist."""
        try:
            return self._client.get_model_version_by_alias(name, alias)
        except MlflowException as error:
            if error.error_code not in ABSENT:  # a store that does not answer may still have a champion
                raise
            return None

    def champion_tags(self, experiment: str) -> dict[str, str]:
        """Returns the tags of the run of an experiment's champion; empty if there is no champion."""
        version = self.version(registered_name(experiment))
        return self.runs.recorded(str(version.run_id)).tags if version else {}

    @contextmanager
    def registered(self, run: StoredRun, contents: Served, x: Tree, expected: pd.DataFrame, tags: dict[str, str]) -> Iterator[str]:
        """Registers a run's model as challenger and checks it, under a lock that keeps others from registering in this store.

        After any error, even in the body of the `with`, the version and the alias are removed. If the process is killed, a tag of the
        version says that it is unchecked.

        Args:
            x: inputs of some examples.
            expected: what the task answers with the weights of the run.

        Yields:
            The new version.

        Raises:
            TrialbookError: the model, loaded as any user would load it, answers otherwise.
        """
        with locked(self.uri, "registry.lock"):
            source = served.log_model(self._client, run.run_id, contents)
            if run.model not in self.names:
                self._client.create_registered_model(run.model)
            tags = {**tags, STATE: f"not checked yet, since {now()}; if it stays so, its promotion was killed"}
            version = str(self._client.create_model_version(run.model, source, run.run_id, tags=tags).version)
            try:
                self._client.set_registered_model_alias(run.model, "challenger", version)
                answer = mlflow.pyfunc.load_model(f"models:/{run.model}/{version}").predict(inputs.for_model(x))
                if difference := _difference(answer, expected):
                    raise TrialbookError(f"version {version} of {run.model} differs from its run: {difference}")
                self._client.delete_model_version_tag(run.model, version, STATE)
                yield version
            except BaseException:
                self._withdraw(run.model, version)
                raise
            self._client.delete_registered_model_alias(run.model, "challenger")

    def promote(self, name: str, new: str, expected: str | None, how: str) -> bool:
        """Moves `champion` to a version, and `previous` to the former champion.

        Args:
            expected: version of the champion when the decision was made; None for none.

        Returns:
            True if the version is champion now; False if somebody else promoted in between, so that a new decision is needed.
        """
        with locked(self.uri):
            if self._champion(name) != expected:
                return False
            self._move(name, new, expected, how)
            return self._champion(name) == new

    def rollback(self, name: str, load: Callable[[StoredRun, Path], object]) -> tuple[str, list[str]]:
        """Makes the latest former champion that can be loaded champion again.

        Args:
            load: takes a run and the folder of its registered model's artifacts; raises a TrialbookError if it cannot load the model.

        Returns:
            Its version, and why later ones were skipped.

        Raises:
            TrialbookError: no former champion can be loaded, or somebody else moved the alias meanwhile.
        """
        old, skipped = self._champion(name), []
        how = f"rollback from version {old}" if old else "rollback, no version was champion"
        for version in champions.before(self.history(name), old):
            try:
                self.load(name, version, load)
            except TrialbookError as error:
                skipped.append(f"version {version} is passed over, it cannot be loaded: {error}")
                continue
            if not self.promote(name, version, old, how):
                raise TrialbookError(f"{name}: somebody else moved the champion meanwhile; see history=true, then run the command again.")
            return version, skipped
        missing = f"{name} has no previous champion to roll back to; expected one that was replaced by a promotion."
        raise TrialbookError("\n  ".join([missing, *skipped]))

    def history(self, name: str) -> list[dict[str, str]]:
        """Returns who was champion since when, oldest first, without promotions that were killed before the alias moved."""
        return champions.history(self._client, name, self._champion(name))

    def _champion(self, name: str) -> str | None:
        champion = self.version(name)
        return str(champion.version) if champion else None

    def load(self, name: str, version: str, load: Callable[[StoredRun, Path], Loaded]) -> Loaded:
        """Returns the result of `load`, called with the run of a version and the folder of its artifacts.

        Raises:
            TrialbookError: its files are not those that were recorded, or `load` raises it.
        """
        try:
            run_id = str(self._client.get_model_version(name, version).run_id)
        except MlflowException as error:
            raise TrialbookError(first_words(error)) from error
        run = self.runs.read(run_id)
        with served.whole(self._client, run.run_id, run.digest) as artifacts:
            return load(run, artifacts)

    def _move(self, name: str, new: str, old: str | None, how: str) -> None:
        """Moves the aliases; after each step `champion` names a complete version."""
        finish = champions.begin(self._client, name, self._client.get_model_version(name, new), old, how)
        if old:
            self._client.set_registered_model_alias(name, "previous", old)
        self._client.set_registered_model_alias(name, "champion", new)
        finish()

    def _withdraw(self, name: str, version: str) -> None:
        """Deletes the alias `challenger`, and the version unless it became champion.

        Raises:
            TrialbookError: the store does not delete them; the message says what remains there.
        """
        try:
            self._client.delete_registered_model_alias(name, "challenger")
            if self._champion(name) != version:
                self._client.delete_model_version(name, version)
        except MlflowException as error:
            raise TrialbookError(
                f"promoting failed, and version {version} of {name} stays registered, perhaps as challenger: {first_words(error)}."
                " Expected a store that answers; delete the version there, or promote again."
            ) from error


def _difference(answer: pd.DataFrame, expected: pd.DataFrame) -> str:
    """Returns how the numbers of two answers differ; empty if they agree. Texts are skipped: they follow from the numbers."""
    if list(answer.columns) != list(expected.columns) or len(answer) != len(expected):
        return f"it answers with {', '.join(answer.columns)} for {len(answer)} inputs; expected {', '.join(expected.columns)}"
    for name in expected.columns:
        try:
            first, second = (np.array(frame[name].tolist(), float) for frame in (answer, expected))
        except ValueError:  # texts, or lists of them
            continue
        worst = float(np.abs(first - second).max()) if first.shape == second.shape else np.inf
        most = SAME * max(1.0, float(np.abs(second).max()))
        if not worst <= most:  # so that NaN is refused, too
            return f"{name} by {worst:.2g}; expected at most {most:.2g}."
    return ""
