"""Writes the start, the epochs and the end of trials into the study, from where the outbox delivers them to MLflow."""

import json
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from src import files
from src.artifacts import WEIGHTS
from src.config.paths import trial_config
from src.job import CHECKPOINT, Job, Outcome
from src.objective import Objective
from src.oracles import Proposal
from src.redaction import known_secrets
from src.results import table
from src.results.identity import recorded_values
from src.running import record
from src.space import active_hash, overrides
from src.states import IN_MLFLOW, SCORED, TrialState
from src.study import folders, labels, provenance
from src.study.messages import Message
from src.study.outbox import Outbox
from src.study.schema import Identity
from src.study.store import Store

BEST = "best-{}.weights.h5"  # weights of the best trial in the sweep's folder, for the pictures at its end
ELSEWHERE = -1  # stands for a trial of another sweep
FACTS = ("data_digest", "validation_examples", "device", "threads")


class Recorder:
    """Records the trials of a sweep.

    Attributes:
        tags: the tags that the runs of all trials share.
        attempts: trial → how often it was started; attempts that were stopped by a signal or an instruction do not count.
        facts: those of FACTS on which all trials agree.
    """

    def __init__(
        self,
        store: Store,
        outbox: Outbox,
        objective: Objective,
        swept: list[str],
        tags: dict[str, str],
        limits: dict[str, float],
        second: Objective | None = None,
    ) -> None:
        self.store, self.outbox, self.tags, self._limits = store, outbox, tags, limits
        self._objective, self._second, self._swept = objective, second, swept
        rows, meta = store.trials(), store.meta()
        self.attempts = {row.number: row.attempts for row in rows}
        self._go_on: dict[str, str] = json.loads(meta.get("go_on", "{}"))  # the training of another sweep that its trials continue
        self._data: dict[int, str] = {}  # trial → the name of its data set
        self._ran = {row.number: (row.code or "", row.packages or "") for row in rows}  # trial → its code and packages
        self._ran[ELSEWHERE] = self._go_on.get("code", ""), self._go_on.get("packages", "")
        self._best = min((row.score for row in rows if row.state != TrialState.PRUNED), key=objective.key, default=None)
        self.facts = {name: meta[name] for name in FACTS if name in meta}
        self._described = bool(self.facts)
        if len({row.data_digest for row in rows} - {None}) > 1:
            self.facts.pop("data_digest", None)

    def score(self, outcome: Outcome) -> float | None:
        """Returns the objective at the kept epoch; None if the trial neither finished nor was pruned."""
        return outcome.metrics.get(f"kept/{self._objective.name}") if outcome.state in SCORED else None

    def second(self, outcome: Outcome) -> float | None:
        """Returns the second objective as a cost, lower is better; None if there is no second one or the trial lacks it."""
        return self._second.cost(outcome.metrics) if self._second and outcome.state in SCORED else None

    def start(
        self, number: int, proposal: Proposal, composed: DictConfig, oracle: dict[str, Any], at: float | None = None
    ) -> tuple[Job, str]:
        """Records that a trial starts; returns its job, and its name for people.

        Args:
            oracle: the oracle's state after the proposal.
            at: the start, as time.time() returns it; None for now.
        """
        attempt = self.attempts[number] = self.attempts.get(number, 0) + 1
        point, config, choices = proposal.point, trial_config(composed), composed.hydra.runtime.choices
        checkpoint, source = self._checkpoint(number, proposal)
        folder = self.outbox.folder_of(number)
        job = Job(number, attempt, config, folder, checkpoint, proposal.epochs is not None, known_secrets(), self._limits)
        self._data[number] = str(choices.data)
        name = table.trial_name(point, self._swept)
        digest = folders.write_composition(folder, composed, overrides(point))
        identity = self._identity(number, config, recorded_values(config, choices), source)
        tags = {
            **self.tags,
            **labels.later(self.store.meta()),
            **record.trial_tags(number, attempt, config, point),
            "trialbook.sha256.config": digest,
        }
        if identity.code:
            tags["trialbook.code"] = identity.code
        params = record.parameters(identity.configuration)
        run = {"name": name or f"{choices.model} {choices.optimizer}", "params": params, "tags": tags, "time": at}
        self.store.start_trial(number, proposal, active_hash(config), oracle, Message(number, "start", run), identity, at)
        self.outbox.posted()
        return job, name

    def epoch(self, number: int, epoch: int, metrics: dict[str, float]) -> None:
        """Records the metrics of an epoch, counted from 1."""
        self.store.epoch(number, epoch, metrics)
        self.outbox.posted()

    def end(self, number: int, outcome: Outcome, score: float | None, oracle: dict[str, Any], at: float | None = None) -> None:
        """Records the end of a trial, with its files; keeps its checkpoint if a later trial or attempt may need it.

        The attempt of a killed trial does not count; only deaths of its process do.
        """
        if outcome.state == TrialState.KILLED:
            self.attempts[number] -= 1
        folder = self.outbox.folder_of(number)
        if latest := outcome.files.pop(CHECKPOINT, None):
            files.write(folder / CHECKPOINT, latest)
        elif outcome.state != TrialState.KILLED:
            (folder / CHECKPOINT).unlink(missing_ok=True)
        if outcome.state == TrialState.FINISHED:
            self._keep_best(number, score, outcome.files.get(WEIGHTS))
        kept = {name: (folder / ".hydra" / name).read_bytes() for name in ("config.yaml", "overrides.yaml")}
        self._end(number, outcome, score, oracle, self.outbox.keep(number, {**outcome.files, **kept}), at)

    def end_without_files(self, number: int, outcome: Outcome, oracle: dict[str, Any]) -> None:
        """Records the end of a trial whose process died; keeps its checkpoint for a later attempt."""
        self._end(number, outcome, None, oracle, "none")

    def _end(self, number: int, outcome: Outcome, score: float | None, oracle: dict[str, Any], kept: str, at: float | None = None) -> None:
        self._note(outcome.facts)
        state = IN_MLFLOW.get(outcome.state, outcome.state)
        end = record.end_message(state, outcome.metrics, record.ended_tags(outcome), kept, at, self._data.get(number, ""))
        self.store.end_trial(number, outcome, score, oracle, Message(number, "end", end), at, self.attempts[number])
        self.outbox.posted()

    def attach(self, number: int, contents: dict[str, bytes]) -> None:
        """Adds files to the run of a trial that ended."""
        self.store.post(Message(number, "end", record.end_message(None, {}, {}, self.outbox.keep(number, contents))))
        self.outbox.posted()

    def _checkpoint(self, number: int, proposal: Proposal) -> tuple[bytes | None, int | None]:
        """Returns the checkpoint to continue from, and its trial: this one, its parent, or ELSEWHERE; (None, None) without one."""
        for source in (number, proposal.parent):
            if source is not None and (file := self.outbox.folder_of(source) / CHECKPOINT).exists():
                return file.read_bytes(), source
        return (Path(self._go_on["checkpoint"]).read_bytes(), ELSEWHERE) if self._go_on else (None, None)

    def _identity(self, number: int, config: dict[str, Any], values: dict[str, Any], source: int | None) -> Identity:
        """Returns the identity of a trial. If `source`, whose checkpoint it continues, ran other code, its code names both."""
        code, packages = self.tags.get("trialbook.code", ""), provenance.training_packages(self.tags.get("trialbook.versions", ""))
        if source is not None:
            code, packages = map(provenance.mixed, self._ran[source], (code, packages))
        self._ran[number] = code, packages
        return Identity(active_hash(config, repeats=False), code, packages, values)

    def _note(self, facts: dict[str, str]) -> None:
        """Keeps the facts of the first trial that reports any, then only those on which later trials agree."""
        if facts and not self._described:
            self.facts, self._described = facts, True
            self.store.describe(**facts)
        elif facts:
            self.facts = {name: value for name, value in self.facts.items() if facts.get(name) == value}

    def _keep_best(self, number: int, score: float | None, weights: bytes | None) -> None:
        if score is None or not weights or not self._objective.improves(score, self._best):
            return
        self._best, folder = score, self.outbox.folder_of(None)
        older = list(folder.glob(BEST.format("*")))
        files.write(folder / BEST.format(number), weights)
        for file in older:
            file.unlink()
