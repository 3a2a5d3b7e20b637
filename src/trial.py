"""Runs one trial: composed configuration → data, model, fit, scores, files. It knows no sweeps, MLflow or KerasTuner."""

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src import artifacts, datasets, files, models, training
from src.config import targets
from src.errors import BeyondLimit, ConfigError, DiskFull, TrialError, collecting
from src.job import CHECKPOINT, Job, Outcome, ended_by
from src.objective import Objective
from src.states import TrialState
from src.training.checkpoint import Checkpoint

if TYPE_CHECKING:
    import keras

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prepared:
    """Everything that training needs.

    Attributes:
        config, folder: as in Job; callbacks write into the folder, too.
        interface: inputs and outputs of the model.
        arguments: arguments of the engine, except training.FROM_TRIAL.
        checkpoint: state from which the training continues; None to start anew.
    """

    config: dict[str, Any]
    folder: Path
    data: datasets.Dataset
    interface: models.Interface
    model: "keras.Model"
    engine: Callable[..., training.Fitted]
    schedule: training.Schedule
    arguments: dict[str, Any]
    checkpoint: Checkpoint | None


def run(job: Job, report: training.Report, check_stop: Callable[[], None]) -> Outcome:
    """Prepares, fits and finishes a trial, and returns its outcome, also if it raises an exception.

    Args:
        report, check_stop: as in training.Monitor.
    """
    start = time.monotonic()
    try:
        prepared = prepared_for(job)
        started = time.monotonic()
        fitted = fit(prepared, report, check_stop)
        return finish(prepared, fitted, time.monotonic() - started, continued=job.continued)
    except (Exception, SystemExit) as error:
        return ended_by(error, job, time.monotonic() - start)


def prepared_for(job: Job) -> Prepared:
    """Prepares a job and checks its limits.

    Raises:
        BeyondLimit: the trial exceeds a limit, so it must not train.
        ConfigError, DataError, TrialError: as prepare() does.
    """
    prepared = prepare(job.config, job.folder, job.checkpoint)
    check_limits(prepared, job.limits)
    return prepared


def check_limits(prepared: Prepared, limits: Mapping[str, float]) -> None:
    """Raises a BeyondLimit if a trial exceeds a limit."""
    measured = _measured(prepared)
    for name, most in limits.items():
        if measured[name] > most:
            raise BeyondLimit(f"{name} is above its limit of {most:,.10g}: {measured[name]:,.10g}", measured)


def _measured(prepared: Prepared) -> dict[str, float]:
    """Returns the metrics that are known before a trial trains, those of config.limits.KNOWN."""
    return {"model/parameters": prepared.model.count_params()}


def prepare(config: dict[str, Any], folder: Path = Path(), checkpoint: bytes | None = None) -> Prepared:
    """Seeds everything, loads the data, builds and compiles the model.

    Args:
        folder, checkpoint: as in Job.

    Raises:
        ConfigError: with every mistake that only Keras or the data can show.
        DataError: the data set is missing or malformed.
        TrialError: the code of the model raises.
    """
    from src.training import runtime

    runtime.configure(config["training"]["threads"])
    import keras

    from src.models import adapting
    from src.training import assembly, phases, validation_batch

    keras.backend.clear_session()
    runtime.set_precision(config["training"])
    with suppress(ConfigError):  # models.build raises it again
        targets.find("model", str(config["model"]["_target_"]))  # before the seed, because its module may draw random numbers
    keras.utils.set_random_seed(config["seed"])
    data = datasets.load(config["data"])
    mistakes: list[str] = []
    with collecting(mistakes):
        data = datasets.with_class_weight(data, config["training"].get("class_weight"))
    with collecting(mistakes):
        engine, arguments = assembly.engine(config, data, folder)
    with collecting(mistakes):
        compiled = assembly.compile_arguments(config)
    try:
        with collecting(mistakes), adapting.recording() as learned:
            interface = models.Interface.of(data)
            model = models.build(config["model"], interface)
    except TrialError as error:
        if mistakes:
            raise ConfigError([*mistakes, str(error)]) from error
        raise
    if mistakes:
        raise ConfigError(mistakes)
    if not model.compiled:
        model.compile(**compiled)
    elif ignored := assembly.ignored(config):
        raise ConfigError(ignored)
    values = training.scheduled(config)
    values["validation_batch"] = validation_batch.batch_size(values["validation_batch"], model, interface.example)
    values["phases"] = phases.read(values.get("phases"), model)
    schedule = training.Schedule(**values)
    start = _checkpoint(config, folder, checkpoint)
    return Prepared(config, folder, data, replace(interface, learned=learned), model, engine, schedule, arguments, start)


def fit(prepared: Prepared, report: training.Report, check_stop: Callable[[], None]) -> training.Fitted:
    """Trains a prepared trial with its engine."""
    return prepared.engine(prepared.model, prepared.data, **engine_arguments(prepared, report, check_stop), **prepared.arguments)


def engine_arguments(prepared: Prepared, report: training.Report, check_stop: Callable[[], None]) -> dict[str, Any]:
    """Returns the arguments that every engine receives, those of training.FROM_TRIAL."""
    from src.training.callbacks import create_folders

    if callbacks := prepared.arguments.get("callbacks"):
        create_folders(callbacks)

    def save(latest: Checkpoint) -> None:
        try:
            files.write(prepared.folder / CHECKPOINT, latest.to_bytes())
        except DiskFull as error:  # the checkpoint is needed only after an interruption
            log.warning("no checkpoint: %s", error)

    monitor = training.Monitor(report, check_stop, save, prepared.checkpoint)
    objective = Objective.parse(prepared.config["objective"])
    return {"seed": prepared.config["seed"], "objective": objective, "schedule": prepared.schedule, "monitor": monitor}


def finish(
    prepared: Prepared, fitted: training.Fitted, seconds: float, *, continued: bool, picture: Callable[[], bytes] | None = None
) -> Outcome:
    """Returns the scores and files of the kept epoch, whose weights the model has.

    Args:
        continued: True to add the latest checkpoint to the files.
        picture: as in artifacts.of.

    Raises:
        TrialError: the weights in the file differ from those of the model.
    """
    from src.training import runtime, weights

    epochs = len(next(iter(fitted.history.values()))) - (prepared.checkpoint.epochs if prepared.checkpoint else 0)
    metrics = {
        **{f"kept/{name}": values[fitted.kept_epoch - 1] for name, values in fitted.history.items()},
        **fitted.metrics,
        "kept/epoch": fitted.kept_epoch,
        "seconds": seconds,
        "seconds_per_epoch": seconds / max(1, epochs),
        **_measured(prepared),
    }
    kept = artifacts.of(prepared.model, fitted, metrics, picture)
    weights.check(prepared.model, kept[artifacts.WEIGHTS])
    if fitted.latest and continued:
        kept[CHECKPOINT] = fitted.latest.to_bytes()
    facts = {
        "data_digest": prepared.data.digest,
        "validation_examples": str(len(prepared.data.validation_index)),
        "device": runtime.device(),
        "threads": str(prepared.config["training"]["threads"]),
    }
    state = TrialState.PRUNED if fitted.cancelled else TrialState.FINISHED
    return Outcome(state, metrics, fitted.history, seconds, files=kept, facts=facts)


def predictions(prepared: Prepared, x: datasets.Tree) -> datasets.Tree:
    """Returns the model's predictions for examples x (n, …), given as the data set stores them, in batches of the validation's size.

    Raises:
        TrialbookError: the output of the model is no prediction of the task.
    """
    data, count = replace(prepared.data, x=x), datasets.trees.length(x)
    output = models.predict(prepared.model, data.inputs, count, prepared.schedule.validation_batch)
    return datasets.contract.checked(output, count, data.task, prepared.data.outputs)


def _checkpoint(config: dict[str, Any], folder: Path, content: bytes | None) -> Checkpoint | None:
    """Returns the checkpoint to continue from; None if it is damaged, or if there are callbacks, whose state it does not include."""
    if not content or config["training"]["callbacks"]:
        return None
    try:
        return Checkpoint.from_bytes(content)
    except ValueError as error:
        log.warning("the training in %s starts anew: %s", folder, error)
        return None
