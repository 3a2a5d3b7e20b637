"""Reads runs back from MLflow."""

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from src.artifacts import DIGEST_TAGS, WEIGHTS, WHOLE
from src.config.paths import TRIAL_GROUPS
from src.errors import TrialbookError, first_words
from src.tracking.store import client

SURROUNDINGS = (
    "mlflow.source.git.commit",
    *(f"trialbook.{name}" for name in ("code_dirty", "versions", "data_digest", "device", "threads")),
)


def registered_name(experiment: str) -> str:
    """Returns the name of an experiment's registered model, without the characters that MLflow refuses there."""
    return experiment.replace("/", ".").replace(":", ".")


@dataclass(frozen=True)
class StoredRun:
    """A finished trial: how to repeat it, its model, and where it ran.

    Attributes:
        experiment: its name, by default that of the data.
        data: the chosen option of conf/data/.
        digest: recorded SHA-256 of the weights.
        surroundings: the tags listed in SURROUNDINGS.
        megabytes: size of the whole model, or of its weights if the whole was not recorded.
    """

    run_id: str
    parent_id: str | None
    experiment_id: str
    experiment: str
    data: str
    overrides: str
    digest: str
    surroundings: dict[str, str]
    sweep: str
    weights: bytes
    megabytes: float

    @property
    def choices(self) -> dict[str, str]:
        """Group of conf/ → the recorded option."""
        return {"data": self.data}

    @property
    def model(self) -> str:
        """The name of its registered model."""
        return registered_name(self.experiment)

    @property
    def data_digest(self) -> str:
        """SHA-256 of the examples and their split."""
        return self.surroundings["trialbook.data_digest"]


class Recorded:
    """A run in the store. Its files, and those of its sweep, are downloaded on request."""

    def __init__(self, client: MlflowClient, run: Run) -> None:
        self._client, self.run_id = client, str(run.info.run_id)
        self.experiment_id, self.status = str(run.info.experiment_id), str(run.info.status)
        self.params: dict[str, str] = dict(run.data.params)
        self.tags: dict[str, str] = dict(run.data.tags)
        self.metrics: dict[str, float] = dict(run.data.metrics)

    @property
    def is_function(self) -> bool:
        """True if the trial is a function, no Keras model."""
        return "trial" in self.params

    @property
    def choices(self) -> dict[str, str]:
        """Group of conf/ → the recorded option, of the groups that the trial uses."""
        return {group: self.params[group] for group in TRIAL_GROUPS if group in self.params}

    @property
    def overrides(self) -> str:
        """The recorded words that repeat a trial."""
        return self.tags.get("trialbook.overrides", "")

    def file(self, name: str, default: bytes | None = None) -> bytes:
        """Returns the content of an artifact of the run, or else of its sweep.

        Raises:
            KeyError: neither has it, and there is no default.
        """
        for owner in (self.run_id, self.tags.get("mlflow.parentRunId")):
            if owner and any(file.path == name for file in self._client.list_artifacts(owner)):
                with tempfile.TemporaryDirectory() as folder:
                    return Path(self._client.download_artifacts(owner, name, folder)).read_bytes()
        if default is None:
            raise KeyError(name)
        return default

    def history(self, metric: str) -> list[float]:
        """Returns the values of a metric, one per epoch, in their order."""
        history = self._client.get_metric_history(self.run_id, metric)  # sorted by time, but a clock may have been set back
        return [entry.value for entry in sorted(history, key=lambda entry: entry.step)]


class Runs:
    """The runs of one store.

    Raises:
        TrialbookError: on construction, when the store does not answer.
    """

    def __init__(self, uri: str) -> None:
        with client(uri) as self.client:
            self.client.search_registered_models(max_results=1)  # raises if the store does not answer

    def read(self, run_id: str) -> StoredRun:
        """Returns the run of a finished trial, with its weights.

        Raises:
            TrialbookError: there is no such run, it kept no model, or its files are not those that were recorded.
        """
        try:
            run = self.client.get_run(run_id)
            if source := run.data.tags.get("trialbook.adopted"):
                raise TrialbookError(
                    f"run={run_id}: its result was adopted from {source}, without its model; expected a run that trained here."
                )
            if function := run.data.params.get("trial"):
                raise TrialbookError(f"run={run_id}: trial={function} is a function; expected a Keras model, which can be promoted.")
            weights = self._verified(run, WEIGHTS, run_id)
            whole = [self._verified(run, name, run_id) for name in WHOLE if DIGEST_TAGS[name] in run.data.tags]
            model = whole[0] if whole else weights
            experiment = self.client.get_experiment(run.info.experiment_id).name
            return _stored(run, run_id, experiment, weights, len(model) / 2**20)
        except (MlflowException, OSError, KeyError) as error:
            raise TrialbookError(f"run={run_id}: no finished trial with a model: {error}. Expected the id of one.") from error

    def _verified(self, run: Run, name: str, run_id: str) -> bytes:
        """Returns a model file of a run; raises a TrialbookError if its SHA-256 is not the recorded one."""
        with tempfile.TemporaryDirectory() as folder:
            content = Path(self.client.download_artifacts(run_id, name, folder)).read_bytes()
        digest, recorded = hashlib.sha256(content).hexdigest(), run.data.tags[DIGEST_TAGS[name]]
        if digest != recorded:
            raise TrialbookError(f"run {run_id}: {name} was changed: SHA-256 {digest}, recorded {recorded}. It is not used.")
        return content

    def recorded(self, run_id: str) -> Recorded:
        """Returns a run of any kind and state.

        Raises:
            TrialbookError: there is no such run.
        """
        try:
            return Recorded(self.client, self.client.get_run(run_id))
        except MlflowException as error:
            raise TrialbookError(f"run={run_id}: {first_words(error)}. Expected the id of a run.") from error


def _stored(run: Run, run_id: str, experiment: str, weights: bytes, megabytes: float) -> StoredRun:
    tags = run.data.tags
    return StoredRun(
        run_id=run_id,
        parent_id=tags.get("mlflow.parentRunId"),
        experiment_id=run.info.experiment_id,
        experiment=experiment,
        data=run.data.params["data"],
        overrides=tags["trialbook.overrides"],
        digest=tags[DIGEST_TAGS[WEIGHTS]],
        surroundings={name: tags[name] for name in SURROUNDINGS},
        sweep=tags.get("trialbook.sweep", ""),
        weights=weights,
        megabytes=megabytes,
    )
