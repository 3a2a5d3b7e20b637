"""The ask/tell loop: one thread that asks the oracle, submits trials, and tells what came back."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from src import files
from src.config.paths import trial_config
from src.errors import Stop
from src.executors import Executor, Listener
from src.objective import Objective
from src.oracles import Oracle, Proposal
from src.redaction import known
from src.space import Point, active_hash, overrides
from src.study import folder, record, table
from src.study.interruption import Interruption
from src.study.messages import Message
from src.study.outbox import Outbox
from src.study.schema import Identity
from src.study.stopping import StopRules
from src.study.store import Store
from src.terminal import Terminal
from src.trial import CHECKPOINT, Job, Outcome

Compose = Callable[[list[str]], DictConfig]
"""Overrides → the trial's whole configuration, composed by Hydra."""
BEST = "best-{}.weights.h5"  # in the sweep's folder, for the pictures at its end
MOST_DEATHS = 2  # of a trial that takes its process with it
FACTS = ("data_digest", "validation_examples", "device", "threads")


@dataclass
class Driver:
    """Runs the trials that wait, then every trial that the oracle proposes.

    Attributes:
        tags: what the runs of all trials share.
        folder_of: trial number, or None for the sweep → its folder.
        waiting: trials of an earlier invocation that did not end, to run before new ones.
    """

    oracle: Oracle
    store: Store
    outbox: Outbox
    terminal: Terminal
    compose: Compose
    objective: Objective
    swept: list[str]
    tags: dict[str, str]
    folder_of: Callable[[int | None], Path]
    rules: StopRules
    interruption: Interruption
    executor: Executor
    waiting: dict[int, Proposal] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.executor.listener = Listener(self._on_epoch, self._on_end, self._on_death, self._alive)
        rows = self.store.trials()
        self._code = {row["number"]: (row["code"] or "", row["packages"] or "") for row in rows}
        self._attempts = {row["number"]: row["attempts"] for row in rows}
        self._best = min((row["score"] for row in rows), key=self.objective.key, default=None)
        self._running: dict[int, tuple[Job, Proposal]] = {}
        self._warned = False
        meta = self.store.meta()
        self.facts = {name: meta[name] for name in FACTS if name in meta}  # in which all trials agree
        self._described = bool(self.facts)
        if len({row["data_digest"] for row in rows} - {None}) > 1:
            self.facts.pop("data_digest", None)

    def run(self) -> None:
        """Until the oracle has nothing more, a stop rule holds, or a signal came."""
        with self.interruption:
            while True:
                while len(self._running) < self.executor.slots and (following := self._next()):
                    self._start(*following)
                if not self._running:
                    return
                self.executor.wait(1.0)

    def config_of(self, point: Point) -> dict[str, Any]:
        """The configuration of a trial."""
        return trial_config(self.compose(overrides(point)))

    def fail(self, number: int, cause: str) -> None:
        """Ends a trial that does not run without running it again."""
        self._tell(number, Outcome("FAILED", cause=cause), None, "none")
        self.terminal.say(f"trial {number + 1}: FAILED {cause}")

    def _next(self) -> tuple[int, Proposal] | None:
        if self.interruption.draining:
            return None
        if self.waiting:
            number = min(self.waiting)
            return number, self.waiting.pop(number)
        if self.rules.reason():
            return None
        number = len(self._attempts)
        proposal = self.oracle.ask(number)
        return (number, proposal) if proposal else None

    def _start(self, number: int, proposal: Proposal) -> None:
        """Composes, records and submits one trial."""
        attempt = self._attempts[number] = self._attempts.get(number, 0) + 1
        point = proposal.point
        composed = self.compose(overrides(point))
        config = trial_config(composed)
        choices, name = composed.hydra.runtime.choices, table.trial_name(point, self.swept)
        checkpoint, source = self._checkpoint(number, proposal)
        job = Job(number, attempt, config, self.folder_of(number), checkpoint, proposal.epochs is not None, known())
        self._running[number] = job, proposal
        digest = folder.write_composition(job.folder, composed, overrides(point))
        identity = self._identity(number, config, record.values(config, choices), source)
        tags = {**self.tags, **record.trial_tags(number, attempt, config, point, name)}
        tags |= {"trialbook.sha256.config": digest, **({"trialbook.code": identity.code} if identity.code else {})}
        run = {"name": name or f"{choices.model} {choices.optimizer}", "params": record.parameters(identity.configuration), "tags": tags}
        self.store.asked(number, proposal, active_hash(config), self.oracle.state(), Message(number, "start", run), identity)
        self.outbox.posted()
        self.terminal.started(number, name, 1 if config["model"].get("engine") else config["training"]["epochs"])
        self.executor.submit(job)

    def _checkpoint(self, number: int, proposal: Proposal) -> tuple[bytes | None, int | None]:
        """Where the trial's own training stopped, or that of the trial whose training goes on; and the number of that trial."""
        for source in (number, proposal.parent):
            if source is not None and (file := self.folder_of(source) / CHECKPOINT).exists():
                return file.read_bytes(), source
        return None, None

    def _identity(self, number: int, config: dict[str, Any], values: dict[str, Any], source: int | None) -> Identity:
        """What a trial is and runs; what began with other code keeps the name of that, too.

        Args:
            source: the trial whose checkpoint it goes on from.
        """
        code, packages = self.tags.get("trialbook.code", ""), record.training_packages(self.tags.get("trialbook.versions", ""))
        if source is not None:
            code, packages = map(record.mixed, self._code[source], (code, packages))
        self._code[number] = code, packages
        return Identity(active_hash(config, seed=False), code, packages, values)

    def _on_epoch(self, number: int, epoch: int, metrics: dict[str, float]) -> None:
        self.store.epoch(number, epoch, metrics)
        self.outbox.posted()
        self.terminal.epoch(number, epoch, metrics)

    def _alive(self) -> None:
        """Called about once a second by what trains in this thread.

        Raises:
            Stop: a signal asked for it.
        """
        if self.interruption.stopping:
            raise Stop("interrupted")
        if self.interruption.draining and not self._warned:
            self._warned = True
            self.terminal.say("no new trials; what runs will finish. Ctrl-C again stops it, too")

    def _on_end(self, number: int, outcome: Outcome) -> None:
        """Tells the oracle and everything that remembers; a trial without a score is infeasible, a killed one is to be run again."""
        job, _ = self._running.pop(number)
        score = outcome.metrics.get(f"kept/{self.objective.name}") if outcome.state == "FINISHED" else None
        self.rules.tell(outcome.state, score)
        if latest := outcome.files.pop(CHECKPOINT, None):
            files.write(job.folder / CHECKPOINT, latest)
        elif outcome.state != "KILLED":
            (job.folder / CHECKPOINT).unlink(missing_ok=True)
        self._keep_best(number, score, outcome.files.get("model.weights.h5"))
        kept = {name: (job.folder / ".hydra" / name).read_bytes() for name in ("config.yaml", "overrides.yaml")}
        self._tell(number, outcome, score, self.outbox.keep(number, {**outcome.files, **kept}))
        self.terminal.ended(number, outcome.state, score, outcome.seconds, outcome.cause)

    def _on_death(self, number: int, cause: str) -> None:
        """The trial's process is gone: it begins again where its checkpoint is, unless it always takes its process with it."""
        _, proposal = self._running.pop(number)
        self.terminal.lost(number, cause)
        if self.interruption.draining:
            self._tell(number, Outcome("KILLED", cause=cause), None, "none")
        elif self._attempts[number] < MOST_DEATHS:
            self.waiting[number] = proposal
        else:
            self.fail(number, f"{cause}, {MOST_DEATHS} times")

    def _tell(self, number: int, outcome: Outcome, score: float | None, kept: str) -> None:
        if outcome.state != "KILLED":
            self.oracle.tell(number, score)
        if outcome.facts and not self._described:
            self.facts, self._described = outcome.facts, True
            self.store.describe(**outcome.facts)
        elif outcome.facts:
            self.facts = {name: value for name, value in self.facts.items() if outcome.facts.get(name) == value}
        end = record.end(outcome.state, outcome.metrics, record.ended_tags(outcome), kept)
        self.store.told(number, outcome, score, self.oracle.state(), Message(number, "end", end))
        self.outbox.posted()

    def _keep_best(self, number: int, score: float | None, weights: bytes | None) -> None:
        if score is not None and weights and self.objective.improves(score, self._best):
            self._best = score
            older = list(self.folder_of(None).glob(BEST.format("*")))
            files.write(self.folder_of(None) / BEST.format(number), weights)
            for file in older:
                file.unlink()
