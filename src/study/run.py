"""One invocation: a new sweep, one that goes on, or a single trial (the same without a parent run and without a study file)."""

import importlib
import logging
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from src import executors, files, oracles, trial
from src.config.command_line import read
from src.config.composer import Composer
from src.errors import ConfigError, DiskFull, TrialbookError, told
from src.executors import Executor, RunTrial
from src.objective import Objective
from src.oracles import Oracle
from src.redaction import learn, redacted
from src.space import Space
from src.study import destination, folder, plan, record, resume
from src.study.driver import MOST_DEATHS, Compose, Driver
from src.study.find import facts, find, link
from src.study.interruption import Interruption
from src.study.invocation import Invocation
from src.study.lock import driving
from src.study.messages import Message
from src.study.outbox import Outbox
from src.study.precheck import precheck
from src.study.stopping import StopRules
from src.study.store import Store
from src.terminal import Terminal
from src.tracking import Tracker


def run(loader: ConfigLoader, config: DictConfig, arguments: list[str], *, single: bool, run_trial: RunTrial = trial.run) -> None:
    """Runs every trial, then prints the table and the next commands.

    Args:
        config: as Hydra composed it, `hydra` node included.
        arguments: the overrides as they were given.
        single: one trial, recorded without a parent run and without a study file.
        run_trial: what runs a trial; tests and benchmarks give stubs.

    Raises:
        SystemExit: 1 when a trial failed, 2 when nothing could be started, 130 or 143 when interrupted.
    """
    HydraConfig.instance().set_config(config)
    learn(" ".join(arguments))
    with told():
        asked, catalog = read(loader, arguments, multirun=not single)
        root = Path(config.hydra.run.dir if single else config.hydra.sweep.dir)
        invocation = Invocation(
            Space.of(asked, catalog), config, Objective.parse(config.objective), asked.sweep, asked.reported, single, root
        )
        executor, compose = executors.create(invocation.executor, run_trial), Composer(loader)
        if config.dry_run:
            plan.show(invocation, executor, compose)
            return
        code = _run(invocation, compose, executor, trained=run_trial is trial.run)
    if code:
        sys.exit(code)


def _run(asked: Invocation, compose: Compose, executor: Executor, *, trained: bool) -> int:
    """Drives the trials from the first to the end; the exit code."""
    with ExitStack() as stack:
        stack.callback(executor.close)
        executor.warm_up(asked.most_trials)
        old = find(asked.config.resume, asked.folder, key="resume")[0] if asked.config.resume else None
        terminal = stack.enter_context(Terminal(asked.objective))
        oracle = oracles.create(asked.space, asked.objective, asked.oracle)
        terminal.say(plan.headline(asked, oracle.budget))
        _open_record(asked, old)
        if trained:
            for line in precheck(asked.space, compose, executor):
                terminal.say(line)
        asked = replace(asked, folder=old or folder.create(asked.folder))
        stack.enter_context(driving(asked.folder))
        try:
            store = _reopened(asked, compose) if old else _created(asked)
            tracker = _tracker(asked, store)
        except TrialbookError:
            if not old:
                shutil.rmtree(asked.folder)  # nothing was started
            raise
        if not asked.single:
            if not old:
                link(asked.folder)
            stack.enter_context(_resumable(asked))
        stack.callback(store.close)
        outbox = Outbox(
            store, tracker, lambda number: asked.folder if asked.single or number is None else folder.of_trial(asked.folder, number)
        )
        stack.callback(outbox.close)
        stack.enter_context(_logging(asked))
        driver = _driver(asked, oracle, store, outbox, terminal, compose, executor)
        threading.Thread(target=importlib.import_module, args=("src.study.ending",), daemon=True).start()  # matplotlib, a second
        driver.run()
        from src.study import ending

        return ending.end(asked, driver, tracker)


def _driver(
    asked: Invocation, oracle: Oracle, store: Store, outbox: Outbox, terminal: Terminal, compose: Compose, executor: Executor
) -> Driver:
    """The loop, where an earlier invocation left it."""
    tags = record.common_tags(asked)
    rules = StopRules(asked.objective, **asked.config.stop)
    driver = Driver(
        oracle=oracle,
        store=store,
        outbox=outbox,
        terminal=terminal,
        compose=compose,
        objective=asked.objective,
        swept=oracle.swept,
        tags=tags,
        folder_of=outbox.folder_of,
        rules=rules,
        interruption=Interruption(at_once=asked.single),
        executor=executor,
    )
    if not asked.single:
        _begin_parent(asked, oracle, store, outbox, tags)
    if store.trials():
        driver.waiting, known, dead = resume.waiting(asked, store)
        oracle.restore(store.oracle(), known)
        rules.see(sorted((row for row in store.trials() if row["ended"]), key=lambda row: row["ended"]))
        for number in dead:
            driver.fail(number, f"its process died {MOST_DEATHS} times; once more: resume={asked.folder.name} retry=failed")
    ended = sum(row["state"] in ("FINISHED", "FAILED") for row in store.trials())
    if driver.executor.headline:
        terminal.say(driver.executor.headline)
    if asked.config.resume:
        terminal.say(f"{asked.folder.name} goes on: {ended} trials had ended, {len(driver.waiting)} had not")
        for line in resume.other_code(store, tags):
            terminal.say(line)
    terminal.begin(oracle.budget, ended)
    return driver


def _begin_parent(asked: Invocation, oracle: Oracle, store: Store, outbox: Outbox, tags: dict[str, str]) -> None:
    """Starts the run of the sweep, or goes on with it."""
    invocations = int(store.meta().get("invocations", 0)) + 1
    own = {
        **tags,
        "trialbook.kind": "sweep",
        "trialbook.attempt": str(invocations),
        "trialbook.objective": str(asked.objective),
        "mlflow.note.content": record.description(asked),
    }
    params = {f"oracle.{key}" if key != "name" else "oracle": value for key, value in asked.oracle.items() if key != "_target_"}
    params |= {"budget": oracle.budget, "objective": str(asked.objective)}
    run = {"name": asked.name, "params": params, "tags": own}
    store.describe(Message(None, "start", run), invocations=invocations)
    outbox.posted()


@contextmanager
def _resumable(asked: Invocation) -> Iterator[None]:
    """Adds the next command to what a full disk has to say."""
    try:
        yield
    except DiskFull as error:
        raise DiskFull(f"{error} Then go on:\n  {asked.prefix_of_resume}{resume.command(asked)}") from error


def _open_record(asked: Invocation, old: Path | None) -> None:
    """Imports MLflow, creates a new store, and looks whether it can take the record: seconds, in which workers import TensorFlow.

    Args:
        old: the folder of the sweep to go on with.

    Raises:
        ConfigError: it was recorded in another store or experiment.
        TrialbookError: the store does not answer, or what the record belongs into was deleted.
    """
    uri, name = asked.config.tracking.uri, asked.config.tracking.experiment
    meta = facts(old) if old else {}
    if old and not destination.is_same(uri, meta, old):
        raise ConfigError([f"resume={old.name}: {destination.other_store(uri, meta)}"])
    from src.tracking.store import look_up

    found = look_up(uri, name, meta.get("experiment_id", ""), meta.get("parent_run", ""))
    if old and (mistake := destination.other_experiment(name, found, meta)):
        raise ConfigError([f"resume={old.name}: {mistake}"])


def _tracker(asked: Invocation, store: Store) -> Tracker:
    """Connects to MLflow; the study remembers where that is."""
    from src.tracking.tracker import MlflowTracker

    uri, meta = asked.config.tracking.uri, store.meta()
    tracker = MlflowTracker(uri, asked.config.tracking.experiment, meta.get("experiment_id", ""))
    store.describe(**destination.described(uri, tracker.experiment_id, asked.folder))
    return tracker


def _created(asked: Invocation) -> Store:
    """A new study file, and beside it what repeats the sweep."""
    files.write(asked.folder / "code.patch", folder.code_patch())
    files.write(asked.folder / "packages.txt", folder.packages())
    files.write(asked.folder / "multirun.yaml", redacted(OmegaConf.to_yaml(asked.config)).encode())
    meta: dict[str, Any] = {"sweep_id": asked.folder.name, "name": asked.sweep or "", "command": asked.command}
    meta |= {"experiment": asked.config.tracking.experiment, "single": asked.single}
    meta |= {"base_config": OmegaConf.to_yaml(asked.config), "oracle": asked.oracle, "objective": str(asked.objective)}
    meta |= {"space": asked.space.described(), "fingerprint": asked.space.fingerprint}
    meta |= {"commit": folder.commit(), "versions": record.versions()}
    return Store.create(None if asked.single else asked.folder / "study.db", **meta)


def _reopened(asked: Invocation, compose: Compose) -> Store:
    """The study file of an earlier invocation, if what is asked agrees with it."""
    store = Store.reopen(asked.folder / "study.db")
    try:
        resume.check(asked, store, compose)
    except TrialbookError:
        store.close()
        raise
    folder.write_other_code(asked.folder, store.meta().get("commit", ""))
    meta: dict[str, Any] = {"space": asked.space.described(), "fingerprint": asked.space.fingerprint, "oracle": asked.oracle}
    store.describe(**meta)
    store.offer_again()
    return store


@contextmanager
def _logging(asked: Invocation) -> Iterator[None]:
    """Log lines go into the sweep's file; those of a single trial into the one that its executor writes."""
    logger = logging.getLogger("src")
    logger.setLevel(logging.INFO)
    logger.propagate = False  # what is for people goes to the terminal
    if asked.single:
        yield
        return
    handler = files.log_handler(asked.folder / "sweep.log")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        handler.close()
