"""A sweep driven with stub trials and a tracker that remembers its calls."""

import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hydra.core.config_loader import ConfigLoader

from src import executors, oracles
from src.config.composer import Composer
from src.errors import Stop
from src.job import Job, Outcome
from src.objective import Objective
from src.running.driver import Driver
from src.running.interruption import Interruption
from src.running.notifying import Notifier
from src.running.pruning import MedianRule
from src.running.recorder import Recorder
from src.running.stopping import StopRules
from src.space import Space
from src.study import folders
from src.study.outbox import Outbox
from src.study.store import Store
from src.terminal import Terminal
from src.tracking import Parcel, Receipt

OBJECTIVE = Objective("val_accuracy", "max")
LOCAL = {"_target_": "src.executors.local.Local", "workers": 2, "threads": 1, "gpus_per_trial": 0.0, "minutes_per_trial": None}
NO_RULES = {"max_minutes": None, "target": None, "patience": None, "max_failures": None}


@pytest.fixture(autouse=True)
def hang_up_ends() -> Iterator[None]:
    """SIGHUP ends these processes and those that they start, also in a suite behind `nohup`, which ignores it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


class RememberingTracker:
    """A tracker that remembers its calls."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any, dict[str, Any]]] = []

    def take(self, parcels: Sequence[Parcel], parent: str | None) -> list[Receipt]:
        return [Receipt("", 0)] * len(parcels)

    def start(self, **run: Any) -> str:
        number = run["tags"]["trialbook.trial"]
        self.calls.append(("start", f"run{number}", run))
        return f"run{number}"

    def epochs(self, run_id: str, epochs: list[dict[str, Any]]) -> None:
        self.calls += [("epoch", run_id, epoch) for epoch in epochs]

    def end(self, run_id: str, **end: Any) -> None:
        folder = end["folder"]
        end["files"] = {file.name: file.read_bytes() for file in folder.iterdir()} if folder.is_dir() else {}
        self.calls.append(("end", run_id, end))


@dataclass
class Driven:
    """One sweep in one folder."""

    loader: ConfigLoader
    folder: Path
    make_space: Callable[..., Space]
    tracker: RememberingTracker = field(default_factory=RememberingTracker)
    tags: dict[str, str] = field(default_factory=dict)
    limits: dict[str, float] = field(default_factory=dict)

    def run(
        self,
        run_trial: Callable,
        *overrides: str,
        rules: dict | None = None,
        interruption: Interruption | None = None,
        executor: dict | None = None,
        notify: Sequence[str] = (),
        pruning: bool = False,
    ) -> Driver:
        """Runs a new sweep until nothing is left to do."""
        space, store = self.make_space("data=digits", *overrides), Store.create(self.folder / "study.db")
        outbox = Outbox(store, self.tracker, lambda n: self.folder if n is None else folders.of_trial(self.folder, n))
        with Terminal(OBJECTIVE) as terminal:
            driver = Driver(
                oracle=oracles.create(space, OBJECTIVE, {"_target_": "src.oracles.grid.Grid"}),
                recorder=Recorder(store, outbox, OBJECTIVE, space.swept, self.tags, self.limits),
                terminal=terminal,
                compose=Composer(self.loader),
                rules=StopRules(OBJECTIVE, **{**NO_RULES, **(rules or {})}),
                interruption=interruption or Interruption(),
                notifier=Notifier(notify, self.folder, id="S"),
                executor=executors.create(executor or {"_target_": "src.executors.inline.Inline"}, run_trial),
                pruning=MedianRule(OBJECTIVE) if pruning else None,
            )
            driver.run()
        assert outbox.flush() == 0
        outbox.close()
        return driver


@pytest.fixture
def driven(loader: ConfigLoader, space: Callable[..., Space], tmp_path: Path) -> Driven:
    return Driven(loader, tmp_path, space)


def units(job: Job, report: Callable, check_stop: Callable) -> Outcome:
    """A stub trial: more units score higher, thirteen fail."""
    report(1, {"val_accuracy": 0.5})
    if job.config["model"]["units"] == 13:
        return Outcome("FAILED", cause="RuntimeError: thirteen")
    score = job.config["model"]["units"] / 100
    return Outcome("FINISHED", {"kept/val_accuracy": score, "kept/epoch": 1}, {"val_accuracy": [score]}, 1.5)


def asking(ask: Callable[[], None]) -> Callable:
    """The stub trial above; during the second trial somebody asks something of the sweep, and the trial ends if it is to."""

    def run_trial(job: Job, report: Callable, check_stop: Callable) -> Outcome:
        if job.number == 1:
            ask()
            try:
                check_stop()
            except Stop as stop:
                return Outcome("KILLED", cause=str(stop))
        return units(job, report, check_stop)

    return run_trial
