"""MLflow's model registry: aliases `champion`, `previous` and `challenger`, moved under a lock."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from src.tracking.runs import Runs, StoredRun  # first: it sets MLflow's environment

import mlflow  # isort: skip
import numpy as np
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from src.errors import TrialbookError
from src.tracking import champions, served
from src.tracking.champions import now
from src.tracking.pages import every
from src.tracking.served import Served
from src.tracking.store import locked

SAME = 1e-5  # the most by which a probability of a registered model may differ from that of its run
ABSENT = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")  # error codes of a model, and of an alias, that is not there
STATE = "trialbook.state"  # tag of a version that is not checked yet


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
        return [model.name for model in every(self._client.search_registered_models)]

    def count_opening(self, run: StoredRun) -> int:
        """Counts on the sweep (or the single run) that the test split was opened for it."""
        owner = run.parent_id or run.run_id
        count = int(self._client.get_run(owner).data.tags.get("trialbook.test_openings", 0)) + 1
        self._client.set_tag(owner, "trialbook.test_openings", str(count))
        return count

    def refuse(self, run: StoredRun, reasons: list[str]) -> None:
        """Records a refusal on the run."""
        self._client.set_tag(run.run_id, "trialbook.promotion", f"refused {now()}: {'; '.join(reasons)}"[:5000])

    def version(self, name: str, alias: str = "champion") -> ModelVersion | None:
        """The version that an alias names; None where there is no such alias or model."""
        try:
            return self._client.get_model_version_by_alias(name, alias)
        except MlflowException as error:
            if error.error_code not in ABSENT:  # a store that does not answer has a champion nevertheless
                raise
            return None

    @contextmanager
    def registered(self, run: StoredRun, contents: Served, x: np.ndarray, wanted: np.ndarray, tags: dict[str, str]) -> Iterator[str]:
        """Registers a run's model as challenger, and checks it; nobody else registers in this store meanwhile.

        What raises takes the version and the alias with it; a version that a kill left behind says so in its tags.

        Args:
            x: inputs, shape (examples, *input_shape).
            wanted: the probabilities, shape (examples, classes), that the run's own weights give.

        Yields:
            The new version.

        Raises:
            TrialbookError: loaded as anybody would load it, it does not give these probabilities.
        """
        with locked(self._uri, "registry.lock"):
            source = served.log_model(self._client, run.run_id, contents, x[:1])
            if run.model not in self.names:
                self._client.create_registered_model(run.model)
            tags = {**tags, STATE: f"not checked yet, since {now()}; if it stays so, its promotion was killed"}
            version = str(self._client.create_model_version(run.model, source, run.run_id, tags=tags).version)
            try:
                self._client.set_registered_model_alias(run.model, "challenger", version)
                answer = mlflow.pyfunc.load_model(f"models:/{run.model}/{version}").predict(x)
                found = np.asarray(answer[list(contents.names)])
                worst = float(np.abs(found - wanted).max()) if found.shape == wanted.shape else np.inf
                if not worst <= SAME:  # NaN is not
                    raise TrialbookError(f"version {version} of {run.model} differs from its run by {worst:.2g}; expected at most {SAME}.")
                self._client.delete_model_version_tag(run.model, version, STATE)
                yield version
            except BaseException:
                self._withdraw(run.model, version)
                raise
            self._client.delete_registered_model_alias(run.model, "challenger")

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

    def rollback(self, name: str, load: Callable[[StoredRun, Path], None]) -> tuple[str, list[str]]:
        """Makes the latest of the former champions that can be loaded champion again.

        Args:
            load: run, folder of its registered model's artifacts → raises a TrialbookError where it can not be loaded.

        Returns:
            Its version, and why later ones were passed over.

        Raises:
            TrialbookError: there is no former champion that can be loaded, or somebody else moved the alias meanwhile.
        """
        old, skipped = self._champion(name), []
        for version in champions.before(self.history(name), old):
            try:
                self._load(name, version, load)
            except TrialbookError as error:
                skipped.append(f"version {version} is passed over, it can not be loaded: {error}")
                continue
            if not self.promote(name, version, old, f"rollback from version {old}" if old else "rollback, no version was champion"):
                raise TrialbookError(f"{name}: somebody else moved the champion meanwhile; look at history=true and say it again.")
            return version, skipped
        missing = f"{name} has no previous champion to roll back to; expected one that was replaced by a promotion."
        raise TrialbookError("\n  ".join([missing, *skipped]))

    def history(self, name: str) -> list[dict[str, str]]:
        """Who was champion since when, oldest first; what was killed before the alias moved never was."""
        return champions.history(self._client, name, self._champion(name))

    def _champion(self, name: str) -> str | None:
        found = self.version(name)
        return str(found.version) if found else None

    def _load(self, name: str, version: str, load: Callable[[StoredRun, Path], None]) -> None:
        try:
            found = self._client.get_model_version(name, version)
        except MlflowException as error:
            raise TrialbookError(str(error).partition("\n")[0]) from error
        run = self.runs.read(str(found.run_id))
        with served.whole(self._client, run.run_id, run.digest) as artifacts:
            load(run, artifacts)

    def _move(self, name: str, new: str, old: str | None, how: str) -> None:
        """Each step leaves the alias at a version that is whole."""
        finish = champions.begin(self._client, name, self._client.get_model_version(name, new), old, how)
        if old:
            self._client.set_registered_model_alias(name, "previous", old)
        self._client.set_registered_model_alias(name, "champion", new)
        finish()

    def _withdraw(self, name: str, version: str) -> None:
        """Takes a challenger back, and its version where it did not become champion.

        Raises:
            TrialbookError: the store does not let it; the message says what stays there.
        """
        try:
            self._client.delete_registered_model_alias(name, "challenger")
            if self._champion(name) != version:
                self._client.delete_model_version(name, version)
        except MlflowException as error:
            said = str(error).partition("\n")[0]
            raise TrialbookError(
                f"promoting failed, and version {version} of {name} stays registered, perhaps as challenger: {said}. Expected a store "
                "that answers; delete the version there, or promote again."
            ) from error
