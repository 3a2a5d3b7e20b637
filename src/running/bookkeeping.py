"""Creates or reopens the record of an invocation: the file of its study, and the run of its sweep in MLflow."""

import shutil
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from src import files
from src.errors import ConfigError, TrialbookError
from src.oracles import KnownTrial, Oracle
from src.redaction import redacted
from src.running import record, resume
from src.running.driver import Compose
from src.running.invocation import Invocation
from src.running.recorder import Recorder
from src.study import destination, labels, provenance
from src.study.finding import find_sweeps, read_meta
from src.study.instructions import CANCEL, STOP
from src.study.messages import Message
from src.study.store import Store
from src.tracking import Tracker


def check_record(invocation: Invocation, resumed: Path | None) -> None:
    """Imports MLflow and checks that its store, which may be new, can take the record; `resumed` is the folder of the sweep to resume.

    This takes seconds, in which workers import TensorFlow.

    Raises:
        ConfigError: the sweep was recorded in another store or experiment.
        TrialbookError: the store does not answer, or the experiment or run of the sweep was deleted.
    """
    uri, name = invocation.config.tracking.uri, invocation.config.tracking.experiment
    meta = _meta_in_store(uri, resumed) if resumed else {}
    from src.tracking.store import look_up

    found = look_up(uri, name, meta.get("experiment_id", ""), meta.get("parent_run", ""))
    if resumed and (mistake := destination.other_experiment(name, found, meta)):
        raise ConfigError([f"resume={resumed.name}: {mistake}"])


def _meta_in_store(uri: str, resumed: Path) -> dict[str, str]:
    """Reads the facts of the sweep to resume; raises a ConfigError if it was recorded in another store."""
    meta = read_meta(resumed)
    if not destination.is_same(uri, meta, resumed):
        raise ConfigError([f"resume={resumed.name}: {destination.other_store(uri, meta)}"])
    return meta


def known_trials(invocation: Invocation, compose: Compose) -> tuple[dict[str, Any], list[KnownTrial]]:
    """Reads the state of the oracle and the trials of the sweep to resume, without changing it.

    Raises:
        ConfigError: there is no such sweep, or the request differs from it.
    """
    [resumed] = find_sweeps(invocation.config.resume, invocation.folder, key="resume")
    invocation = replace(invocation, folder=resumed)
    _meta_in_store(invocation.config.tracking.uri, resumed)
    with closing(Store.open(resumed / "study.db")) as store:
        resume.check(invocation, store, compose)
        _, known, _ = resume.waiting(invocation, store)
        return store.oracle(), known


def open_study(invocation: Invocation, compose: Compose, *, new: bool) -> tuple[Store, Tracker]:
    """Opens the study file and connects to MLflow; if either fails, a new sweep's folder is removed."""
    try:
        store = _created(invocation) if new else _reopened(invocation, compose)
        return store, _tracker(invocation, store)
    except TrialbookError:
        if new:
            shutil.rmtree(invocation.folder)
        raise


def _created(invocation: Invocation) -> Store:
    """Creates the study file, and beside it the files that repeat the sweep."""
    folder, config = invocation.folder, OmegaConf.to_yaml(invocation.config)
    files.write(folder / "code.patch", provenance.code_patch())
    files.write(folder / "packages.txt", provenance.installed_packages())
    files.write(folder / "multirun.yaml", redacted(config).encode())
    meta: dict[str, Any] = {
        "sweep_id": folder.name,
        **asdict(invocation.labels),
        "command": invocation.command,
        "experiment": invocation.config.tracking.experiment,
        "single": invocation.single,
        "base_config": config,
        "oracle": invocation.oracle,
        "objective": str(invocation.objective),
        "second_objective": str(invocation.second or ""),
        "limits": invocation.limits,
        "space": invocation.space.described(),
        "fingerprint": invocation.space.fingerprint,
        "commit": provenance.commit(),
        "versions": provenance.versions(),
        **invocation.about,
    }
    return Store.create(None if invocation.single else folder / "study.db", **meta)


def _reopened(invocation: Invocation, compose: Compose) -> Store:
    """Opens the study file of an earlier invocation, if the request agrees with it."""
    store = Store.reopen(invocation.folder / "study.db")
    try:
        resume.check(invocation, store, compose)
    except TrialbookError:
        store.close()
        raise
    provenance.write_later_patch(invocation.folder, store.meta().get("commit", ""))
    store.describe(space=invocation.space.described(), fingerprint=invocation.space.fingerprint, oracle=invocation.oracle)
    store.offer_again()
    labels.settle(store.meta(), invocation.config)
    store.withdraw(STOP, CANCEL)  # they were meant for the invocation before
    return store


def _tracker(invocation: Invocation, store: Store) -> Tracker:
    """Connects to MLflow, and notes its address in the study."""
    from src.tracking.tracker import MlflowTracker

    uri, meta = invocation.config.tracking.uri, store.meta()
    tracker = MlflowTracker(uri, invocation.config.tracking.experiment, meta.get("experiment_id", ""))
    store.describe(**destination.described(uri, tracker.experiment_id, invocation.folder))
    return tracker


def start_parent(invocation: Invocation, oracle: Oracle, recorder: Recorder, slots: int) -> None:
    """Starts or continues the run of the sweep; notes in the study what `status` shows: the budget, the trials at once (`slots`)."""
    page = record.page_parts(invocation)
    invocations = int(recorder.store.meta().get("invocations", 0)) + 1
    tags = {
        **recorder.tags,
        "trialbook.kind": "sweep",
        "trialbook.attempt": str(invocations),
        "trialbook.objective": str(invocation.objective),
        "mlflow.note.content": labels.page_text(page, invocation.labels.note),
    }
    settings = {key: value for key, value in invocation.oracle.items() if key not in ("_target_", "first")}
    params = {"oracle": settings.pop("name"), **{f"oracle.{key}": value for key, value in settings.items()}}
    params |= {"budget": oracle.budget, "objective": invocation.objectives}
    run = {"name": invocation.name, "params": params, "tags": tags}
    progress = {"budget": oracle.budget, "slots": slots, "command_to_resume": invocation.command_to_resume, "page": page}
    recorder.store.describe(Message(None, "start", run), invocations=invocations, **progress)
    recorder.outbox.posted()
