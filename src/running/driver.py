"""Runs the loop of a sweep: one thread asks the oracle for trials, submits them, and handles their events."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from omegaconf import DictConfig

from src.errors import Stop
from src.executors import Executor, Listener
from src.job import Job, Outcome
from src.oracles import Oracle, Proposal, score_for_oracle
from src.running.interruption import Interruption
from src.running.notifying import Notifier
from src.running.pruning import MedianRule
from src.running.recorder import Recorder
from src.running.steering import Steering
from src.running.stopping import StopRules
from src.space import overrides
from src.states import TrialState
from src.study.instructions import Instruction
from src.terminal import Terminal

Compose = Callable[[list[str]], DictConfig]
"""Overrides → the trial's whole configuration, composed by Hydra."""
MOST_DEATHS = 2  # a trial whose process died this often fails


@dataclass(frozen=True)
class SweepOutcome:
    """The reason for which the loop ended.

    Attributes:
        code: exit code of an interruption; 0 without one.
        rule: the stop rule that ended the loop, such as `stop.target=0.9`; empty if none did.
    """

    code: int
    rule: str


@dataclass
class Driver:
    """Runs the waiting trials, then every trial that the oracle proposes.

    Attributes:
        waiting: trials that did not end in an earlier invocation, or whose process died; they run before new ones.
        pruning: the rule that ends hopeless trials early; None without such a rule.
    """

    oracle: Oracle
    executor: Executor
    compose: Compose
    recorder: Recorder
    terminal: Terminal
    rules: StopRules
    interruption: Interruption
    notifier: Notifier
    waiting: dict[int, Proposal] = field(default_factory=dict)
    pruning: MedianRule | None = None

    def __post_init__(self) -> None:
        self.executor.listener = Listener(self._on_epoch, self._on_end, self._on_death, self._check_stop)
        self._running: dict[int, tuple[Job, Proposal]] = {}
        self._foreign: set[int] = set()  # added trials that the oracle does not learn from
        self._adding: Instruction | None = None  # the instruction that added the trial that starts next
        self._steering = Steering(self.recorder.store, self.interruption, self._cancel, self.terminal.say)
        self._cancelled: dict[int, str] = {}  # running trial → why it was cancelled
        self._warned = False

    def run(self) -> SweepOutcome:
        """Runs until the oracle has no more trials, a stop rule holds, or a signal arrives."""
        with self.interruption:
            while True:
                while len(self._running) < self.executor.slots and (following := self._next()):
                    self.start(*following)
                if not self._running:
                    return SweepOutcome(self.interruption.code, self.rules.reason())
                self.executor.wait(1.0)

    def start(self, number: int, proposal: Proposal) -> None:
        """Composes, records and submits a trial."""
        composed = self.compose(overrides(proposal.point))
        job, name = self.recorder.start(number, proposal, composed, self.oracle.state())
        if self._adding:
            self.recorder.store.hear(self._adding)
            self._adding = None
        self._running[number] = job, proposal
        self.terminal.started(number, name, _most_epochs(job.config))
        self.executor.submit(job)

    def fail(self, number: int, cause: str) -> None:
        """Ends a trial that is not running as FAILED."""
        self._end_without_files(number, Outcome(TrialState.FAILED, cause=cause))
        self.terminal.failed(number, cause)
        self.notifier.failed(number, cause)

    def include(self, number: int, proposal: Proposal) -> bool:
        """Offers a trial that a user added to the oracle; returns False if the oracle does not learn from it."""
        included = self.oracle.include(number, proposal.point)
        if not included:
            self._foreign.add(number)
        return included

    def _next(self) -> tuple[int, Proposal] | None:
        self._steering.heed()
        if self.interruption.draining:
            return None
        if self.waiting:
            number = min(self.waiting)
            return number, self.waiting.pop(number)
        number = max(self.recorder.attempts, default=-1) + 1
        self._adding = self._steering.added()
        if self._adding:
            added = Proposal(self._adding.payload["point"])
            self.include(number, added)
            return number, added
        proposal = None if self.rules.reason() else self.oracle.ask(number)
        return (number, proposal) if proposal else None

    def _on_epoch(self, number: int, epoch: int, metrics: dict[str, float]) -> None:
        self.recorder.epoch(number, epoch, metrics)
        self.terminal.epoch(number, epoch, metrics)
        if self.pruning and (why := self.pruning.epoch(number, epoch, metrics)):
            self._cancel(number, why)

    def _cancel(self, number: int, why: str) -> None:
        """Ends a trial early, with the score that it has; does nothing if it does not run or was cancelled before."""
        if number in self._running and number not in self._cancelled:
            self._cancelled[number] = why
            self.executor.cancel(number)

    def _check_stop(self) -> None:
        """Obeys instructions; the executor calls it about once a second while trials run.

        Raises:
            Stop: running trials must end, because of a signal or an instruction.
        """
        self._steering.heed()
        if self.interruption.stopping:
            raise Stop("interrupted")
        if self.interruption.draining and not self._warned:
            self._warned = True
            self.terminal.say("no new trials; running trials will finish. Ctrl-C again stops them, too")

    def _on_end(self, number: int, outcome: Outcome) -> None:
        """Scores and records a trial that ended. Without a score it is infeasible for the oracle; a killed one runs again later."""
        del self._running[number]
        cause = self._cancelled.pop(number, outcome.cause)
        if outcome.state == TrialState.PRUNED:
            outcome = replace(outcome, cause=cause)
        if self.pruning:
            self.pruning.tell(number, outcome.state)
        score = self.recorder.score(outcome)
        self.rules.tell(outcome.state, score)
        self._tell_oracle(number, outcome, score)
        self.recorder.end(number, outcome, score, self.oracle.state())
        self.terminal.ended(number, outcome.state, score, outcome.seconds, outcome.cause)
        if outcome.state == TrialState.FAILED:
            self.notifier.failed(number, outcome.cause)

    def _on_death(self, number: int, cause: str) -> None:
        """Queues a trial whose process died, to start again from its checkpoint; after MOST_DEATHS deaths it fails."""
        _, proposal = self._running.pop(number)
        self._cancelled.pop(number, None)
        self.terminal.lost(number, cause)
        if self.interruption.draining:
            self._end_without_files(number, Outcome(TrialState.KILLED, cause=cause))
        elif self.recorder.attempts[number] < MOST_DEATHS:
            self.waiting[number] = proposal
        else:
            self.fail(number, f"{cause}, {MOST_DEATHS} times")

    def _end_without_files(self, number: int, outcome: Outcome) -> None:
        self._tell_oracle(number, outcome, None)
        self.recorder.end_without_files(number, outcome, self.oracle.state())

    def _tell_oracle(self, number: int, outcome: Outcome, score: float | None) -> None:
        if outcome.state != TrialState.KILLED and number not in self._foreign:
            if (second := self.recorder.second(outcome)) is not None:
                self.oracle.tell_second(number, second)
            self.oracle.tell(number, score_for_oracle(self.oracle, outcome.state, score))


def _most_epochs(config: dict[str, Any]) -> int | None:
    """Returns the length of the terminal's bar; None if the model's own engine, or a function, decides when it ends."""
    own = config["model"].get("engine") or "_target_" in config.get("trial", {})
    return None if own else int(config["training"]["epochs"])
