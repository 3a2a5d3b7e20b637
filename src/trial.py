"""One composed configuration → data, model, fit, scores, files. It knows nothing of sweeps, MLflow or KerasTuner."""

import logging
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src import artifacts, datasets, files, training
from src.config.targets import build
from src.errors import ConfigError, DiskFull, Stop, TrialError, collecting
from src.objective import Objective
from src.redaction import redacted
from src.training.checkpoint import Checkpoint

if TYPE_CHECKING:
    import keras
    import numpy as np

log = logging.getLogger(__name__)
CHECKPOINT = "checkpoint.npz"  # in a trial's folder
KERAS_CHOOSES = (("keras.metrics", "acc"), ("keras.losses", "crossentropy"), ("keras.losses", "ce"))  # for them by shapes, not by name


@dataclass(frozen=True)
class Job:
    """One attempt at one trial.

    Attributes:
        config: the keys of paths.TRIAL_KEYS.
        folder: the trial's own, where it leaves a checkpoint now and then.
        checkpoint: the content of one to go on from.
        continued: whether a later trial may go on from this one's end.
        secrets: value → environment variable, of what no log may show.
    """

    number: int
    attempt: int
    config: dict[str, Any]
    folder: Path
    checkpoint: bytes | None = None
    continued: bool = False
    secrets: dict[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Outcome:
    """How a trial ended, in MLflow's words: FINISHED, FAILED (with its cause) or KILLED.

    Attributes:
        metrics: `kept/<metric>`, `kept/epoch`, `seconds`, `seconds_per_epoch`, `model/parameters`, `cv/…`.
        history: metric → its value per epoch.
        files: name → content of the artifacts.
        facts: `data_digest`, `validation_examples`, `device`, `threads`.
    """

    state: str
    metrics: dict[str, float] = field(default_factory=dict)
    history: dict[str, list[float]] = field(default_factory=dict)
    seconds: float = 0.0
    cause: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Prepared:
    """All that is needed to train."""

    job: Job
    data: datasets.Dataset
    model: "keras.Model"
    engine: Callable[..., training.Fitted]
    arguments: dict[str, Any]
    checkpoint: Checkpoint | None


def run(job: Job, report: training.Report, alive: Callable[[], None]) -> Outcome:
    """Prepares, fits and finishes; an exception becomes a FAILED outcome with its traceback as an artifact.

    Args:
        report, alive: as in training.Monitor.
    """
    start = time.monotonic()
    try:
        prepared = prepare(job)
        started = time.monotonic()
        fitted = fit(prepared, report, alive)
        return finish(prepared, fitted, time.monotonic() - started)
    except (Exception, SystemExit) as error:
        return ended_by(error, job, time.monotonic() - start)


def ended_by(error: BaseException, job: Job, seconds: float) -> Outcome:
    """What an exception makes of a trial: KILLED if it was asked to stop, otherwise FAILED."""
    if isinstance(error, Stop):
        return Outcome("KILLED", seconds=seconds, cause=str(error))
    mistakes = "; ".join(error.mistakes) if isinstance(error, ConfigError) else ""
    cause = mistakes or (str(error) if isinstance(error, TrialError) else f"{type(error).__name__}: {error}")
    log.info("trial %d failed: %s", job.number, cause)
    trace = "".join(traceback.format_exception(error))
    return Outcome("FAILED", seconds=seconds, cause=cause, files={"traceback.txt": redacted(trace).encode()})


def prepare(job: Job) -> Prepared:
    """Seeds everything, loads the data, builds and compiles the model.

    Raises:
        ConfigError: with every mistake that only Keras or the data can tell.
        DataError: the data set is missing or malformed.
    """
    from src.training import runtime

    settings = job.config["training"]
    runtime.configure(settings["threads"])
    import keras

    keras.backend.clear_session()
    keras.utils.set_random_seed(job.config["seed"])
    data = datasets.load(job.config["data"])
    engine = training.find_engine(job.config["model"].get("engine") or settings["engine"])
    arguments = training.own_arguments(engine, settings, job.config["model"])
    mistakes: list[str] = []
    with collecting(mistakes):
        model = build("model", model_node(job.config), input_shape=data.input_shape, num_classes=data.num_classes)
    with collecting(mistakes):
        optimizer = build("optimizer", job.config["optimizer"])
    with collecting(mistakes):
        loss = _built(settings["loss"], keras.losses)
    with collecting(mistakes):
        metrics = [_built(metric, keras.metrics) for metric in settings["metrics"]]
    if "callbacks" in arguments:
        from src.training.callbacks import build_callbacks

        with collecting(mistakes):
            arguments["callbacks"] = build_callbacks(arguments["callbacks"], per_batch=settings["engine"] == "keras")
    if (batch_size := arguments.get("batch_size", 1)) > len(data.train_index):
        mistakes.append(f"training.batch_size={batch_size}: there are {len(data.train_index)} training examples; expected at most as many.")
    if mistakes:
        raise ConfigError(mistakes)
    model.compile(optimizer=optimizer, loss=loss, metrics=metrics)
    return Prepared(job, data, model, engine, arguments, _checkpoint(job))


def fit(prepared: Prepared, report: training.Report, alive: Callable[[], None]) -> training.Fitted:
    """Trains with the trial's engine."""
    return prepared.engine(prepared.model, prepared.data, **given(prepared, report, alive), **prepared.arguments)


def given(prepared: Prepared, report: training.Report, alive: Callable[[], None]) -> dict[str, Any]:
    """What every engine is given beside its own arguments: training.GIVEN."""
    job = prepared.job

    def save(latest: Checkpoint) -> None:
        try:
            files.write(job.folder / CHECKPOINT, latest.to_bytes())
        except DiskFull as error:  # the training needs it only if it is interrupted
            log.warning("no checkpoint: %s", error)

    monitor = training.Monitor(report, alive, save, prepared.checkpoint)
    return {"seed": job.config["seed"], "objective": Objective.parse(job.config["objective"]), "monitor": monitor}


def finish(prepared: Prepared, fitted: training.Fitted, seconds: float) -> Outcome:
    """Scores and files of the kept epoch, whose weights the model holds."""
    from src.training import runtime

    epochs = len(fitted.history["loss"]) - (prepared.checkpoint.epochs if prepared.checkpoint else 0)
    metrics = {
        **{f"kept/{name}": values[fitted.kept_epoch - 1] for name, values in fitted.history.items()},
        **fitted.metrics,
        "kept/epoch": fitted.kept_epoch,
        "seconds": seconds,
        "seconds_per_epoch": seconds / max(1, epochs),
        "model/parameters": prepared.model.count_params(),
    }
    kept = artifacts.of(prepared.model, fitted, metrics)
    if fitted.latest and prepared.job.continued:
        kept[CHECKPOINT] = fitted.latest.to_bytes()
    facts = {
        "data_digest": prepared.data.digest,
        "validation_examples": str(len(prepared.data.validation_index)),
        "device": runtime.device(),
        "threads": str(prepared.job.config["training"]["threads"]),
    }
    return Outcome("FINISHED", metrics, fitted.history, seconds, files=kept, facts=facts)


def model_node(config: dict[str, Any]) -> dict[str, Any]:
    """The `model:` node without what belongs to its engine: what its `build` is called with."""
    engine = training.find_engine(config["model"].get("engine") or config["training"]["engine"])
    named = training.own_arguments(engine, config["training"], config["model"])
    return {key: value for key, value in config["model"].items() if key not in {"engine", "inactive", *named}}


def load_weights(prepared: Prepared, weights: bytes) -> None:
    """Puts the content of a `model.weights.h5` into a prepared model; its optimizer stays new."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Skipping variable loading for optimizer")
        file = Path(folder) / "model.weights.h5"
        file.write_bytes(weights)
        prepared.model.load_weights(file)


def probabilities(prepared: Prepared, x: "np.ndarray") -> "np.ndarray":
    """The class probabilities of examples (n, *input_shape): shape (n, classes), in batches of the size that validation uses.

    Raises:
        TrialbookError: the model gives something else.
    """
    from src.training.keras import VALIDATION_BATCH

    found: np.ndarray = prepared.model.predict(x, batch_size=VALIDATION_BATCH, verbose=0)
    return datasets.contract.checked(found, len(x), prepared.data.num_classes)


def _checkpoint(job: Job) -> Checkpoint | None:
    """Where to go on; from the beginning if the checkpoint is not whole, or callbacks have a state that is not in it."""
    if not job.checkpoint or job.config["training"]["callbacks"]:
        return None
    try:
        return Checkpoint.from_bytes(job.checkpoint)
    except ValueError as error:
        log.warning("trial %d starts anew: %s", job.number, error)
        return None


def _built(node: Any, module: Any) -> Any:
    """A loss or metric; Keras itself would look a name up only when training begins."""
    if isinstance(node, dict):
        return build("training", node)
    if (module.__name__, node.lower()) in KERAS_CHOOSES:
        return node
    try:
        module.get(node)
    except ValueError as error:
        raise ConfigError([f"training: {module.__name__} has no {node!r}; expected a name of Keras or a _target_."]) from error
    return node
