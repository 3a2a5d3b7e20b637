"""The ask/tell loop: one thread that asks the oracle, submits trials, and tells what came back."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from omegaconf import DictConfig

from src import trial
from src.config.paths import trial_config
from src.executors.inline import Inline
from src.objective import Objective
from src.oracles import Oracle
from src.space import Point, active_hash, overrides
from src.study import folder, record, table
from src.study.pictures import Best
from src.study.store import Store
from src.terminal import Terminal
from src.tracking import Tracker
from src.training import Report
from src.trial import Job, Outcome

Compose = Callable[[list[str]], DictConfig]
"""Overrides → the trial's whole configuration, composed by Hydra."""


@dataclass
class Driver:
    """Runs every trial that the oracle proposes."""

    oracle: Oracle
    store: Store
    tracker: Tracker
    terminal: Terminal
    compose: Compose
    objective: Objective
    swept: list[str]
    folder_of: Callable[[int], Path]
    run_trial: Callable[[Job, Report], Outcome] = trial.run

    def __post_init__(self) -> None:
        self.executor = Inline(self._on_epoch, self._on_end, self.run_trial)
        self.ended: dict[int, Outcome] = {}  # without their files
        self.best: Best | None = None
        self._running: dict[int, Job] = {}

    def run(self) -> None:
        """Until the oracle has nothing more. Interrupted, what was running becomes KILLED and the interruption goes on."""
        number = 0
        try:
            while True:
                while len(self._running) < self.executor.slots and (point := self.oracle.ask(number)) is not None:
                    self._start(number, point)
                    number += 1
                if not self._running:
                    return
                self.executor.wait(None)
        except BaseException as interruption:
            for running in list(self._running):
                self._on_end(running, Outcome("KILLED", cause=type(interruption).__name__))
            raise
        finally:
            self.executor.close()

    def _start(self, number: int, point: Point) -> None:
        """Composes, records and submits one trial."""
        composed = self.compose(overrides(point))
        config = trial_config(composed)
        choices, name = composed.hydra.runtime.choices, table.trial_name(point, self.swept)
        job = self._running[number] = Job(number, 1, config, self.folder_of(number))
        folder.write_composition(job.folder, composed, overrides(point))
        self.store.asked(number, point, active_hash(config), self.oracle.state())
        tags = record.trial_tags(number, config, point, name)
        run_id = self.tracker.start(number, name or f"{choices.model} {choices.optimizer}", record.parameters(config, choices), tags)
        self.store.recorded(number, run_id)
        self.terminal.started(number, name, 1 if config["model"].get("engine") else config["training"]["epochs"])
        self.executor.submit(job)

    def _on_epoch(self, number: int, epoch: int, metrics: dict[str, float]) -> None:
        self.store.epoch(number, epoch, metrics)
        self.tracker.epoch(number, epoch, metrics)
        self.terminal.epoch(number, epoch, metrics)

    def _on_end(self, number: int, outcome: Outcome) -> None:
        """Tells the oracle and everything that remembers; a trial without a score is infeasible."""
        job = self._running.pop(number)
        score = outcome.metrics.get(f"kept/{self.objective.name}") if outcome.state == "FINISHED" else None
        self.oracle.tell(number, score)
        self.store.told(number, outcome, score, self.oracle.state())
        kept = {name: (job.folder / ".hydra" / name).read_bytes() for name in ("config.yaml", "overrides.yaml")}
        self.tracker.finish(number, replace(outcome, files={**outcome.files, **kept}))
        self.terminal.ended(number, outcome.state, score, outcome.seconds, outcome.cause)
        self.ended[number] = replace(outcome, files={})
        weights = outcome.files.get("model.weights.h5")
        if score is not None and weights and self.objective.improves(score, self.best.score if self.best else None):
            self.best = Best(job, score, weights)
