"""One invocation: a sweep, or a single trial (the same without a parent run and without a study file)."""

import logging
import shutil
import signal
import sys
from pathlib import Path
from types import FrameType

from hydra.core.config_loader import ConfigLoader
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from src import files, oracles
from src.config.command_line import read
from src.errors import TrialbookError, told
from src.objective import Objective
from src.space import Space
from src.study import ending, folder, record
from src.study.driver import Compose, Driver
from src.study.invocation import Invocation
from src.study.precheck import precheck
from src.study.store import Store
from src.terminal import Terminal
from src.tracking import Tracker


def run(loader: ConfigLoader, config: DictConfig, arguments: list[str], *, single: bool) -> None:
    """Runs every trial, then prints the table and the next commands.

    Args:
        config: as Hydra composed it, `hydra` node included.
        arguments: the overrides as they were given.
        single: one trial, recorded without a parent run and without a study file.

    Raises:
        SystemExit: 1 when a trial failed, 2 when nothing could be started, 130 or 143 when interrupted.
    """
    HydraConfig.instance().set_config(config)
    with told():
        asked, catalog = read(loader, arguments, multirun=not single)
        space, objective = Space.of(asked, catalog), Objective.parse(config.objective)
        total = sum(1 for _ in space.points())

        def compose(words: list[str]) -> DictConfig:
            return loader.load_configuration("config", words, RunMode.RUN)

        with Terminal(total, objective) as terminal:
            terminal.say(f"{asked.sweep or ('trial' if single else 'sweep')}: {total} trial{'' if total == 1 else 's'}, {objective}")
            precheck(space, compose)
            path = folder.create(Path(config.hydra.run.dir if single else config.hydra.sweep.dir))
            invocation = Invocation(space, config, objective, asked.sweep, asked.reported, single, path)
            try:
                tracker = _tracker(invocation)
            except TrialbookError:
                shutil.rmtree(path)  # nothing was started
                raise
            code = _run(invocation, tracker, terminal, compose)
    if code:
        sys.exit(code)


def _run(asked: Invocation, tracker: Tracker, terminal: Terminal, compose: Compose) -> int:
    """Drives the trials from the first to the end; the exit code."""
    logging.getLogger("src").setLevel(logging.INFO)
    if not asked.single:  # whose executor writes trial.log
        logging.getLogger("src").addHandler(files.log_handler(asked.folder / "sweep.log"))
    driver = Driver(
        oracle=oracles.create(asked.space, asked.objective),
        store=_store(asked),
        tracker=tracker,
        terminal=terminal,
        compose=compose,
        objective=asked.objective,
        swept=asked.space.swept,
        folder_of=lambda number: asked.folder if asked.single else asked.folder / f"{number:05d}",
    )
    interrupted = _drive(driver)
    rows = ending.end(asked, driver, terminal, interrupted=bool(interrupted))
    driver.store.close()
    return interrupted or (1 if any(row["state"] == "FAILED" for row in rows) else 0)


def _drive(driver: Driver) -> int:
    """Runs the loop; 0, or the exit code of an interruption."""

    def terminate(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, terminate)
    try:
        driver.run()
    except KeyboardInterrupt:
        return 130
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def _tracker(asked: Invocation) -> Tracker:
    """Connects to MLflow and starts the parent run of a sweep."""
    from src.tracking.tracker import MlflowTracker  # imports MLflow, seconds

    tags = record.common_tags(asked)
    tracker = MlflowTracker(asked.config.tracking.uri, asked.config.tracking.experiment, asked.folder.name, tags)
    if not asked.single:
        params = {"oracle": "grid", "budget": sum(1 for _ in asked.space.points()), "objective": str(asked.objective)}
        tracker.open(asked.name, params, {"trialbook.objective": str(asked.objective)}, record.description(asked))
    return tracker


def _store(asked: Invocation) -> Store:
    """The study file, and beside it what repeats the sweep."""
    files.write(asked.folder / "code.patch", folder.code_patch())
    files.write(asked.folder / "packages.txt", folder.packages())
    files.write(asked.folder / "multirun.yaml", OmegaConf.to_yaml(asked.config).encode())
    store = Store.create(None if asked.single else asked.folder / "study.db")
    store.describe(
        sweep_id=asked.folder.name,
        name=asked.sweep or "",
        command=asked.command,
        base_config=OmegaConf.to_yaml(asked.config),
        space=asked.space.described(),
        fingerprint=asked.space.fingerprint,
        objective=str(asked.objective),
        oracle="grid",
        commit=folder.commit(),
        versions=record.versions(),
    )
    return store
