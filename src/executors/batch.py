"""Trials that train as one stack: which trial has which lane, and what happens after each epoch."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from src import trial
from src.executors import drawing
from src.job import Job, Outcome, ended_by
from src.trial import Prepared

if TYPE_CHECKING:  # these modules import TensorFlow, which takes seconds
    from src.training.lane import Lane
    from src.training.stack import Stack

log = logging.getLogger(__name__)


@dataclass(eq=False)
class Member:
    """A trial that is in a stack or waits for one.

    Attributes:
        optimizer: equal for trials that one optimizer of a stack can train.
        size: bytes of the trial on the device.
        seconds: the trial's share of the stack's training time.
    """

    job: Job
    prepared: Prepared
    lane: "Lane"
    structure: str
    optimizer: str = ""
    size: int = 0
    seconds: float = 0.0


@dataclass
class Batch:
    """A stack, and the trials in its lanes.

    Attributes:
        optimizers: the optimizer of each lane.
        draw: draws the curves of trials that end together.
    """

    structure: str
    stack: "Stack"
    optimizers: list[str]
    draw: Callable[[Iterable[drawing.Arguments]], Iterator[drawing.Drawn]] = drawing.here
    members: dict[int, Member] = field(default_factory=dict)

    def fill(self, waiting: list[Member]) -> list[Member]:
        """Moves waiting trials into free lanes of their optimizers; returns those whose models the stack refuses."""
        refused = []
        for lane in set(range(self.stack.lanes)) - set(self.members):
            wanted = self.structure, self.optimizers[lane]
            for member in [member for member in waiting if (member.structure, member.optimizer) == wanted]:
                waiting.remove(member)
                try:
                    self.stack.put(lane, member.lane.model)
                except ValueError as error:
                    log.warning("trial %d is not stacked: %s", member.job.number + 1, error)
                    refused.append(member)
                else:
                    self.members[lane] = member
                    break
        return refused

    def epoch(self) -> Iterator[tuple[Member, Outcome]]:
        """Trains all trials for an epoch; removes those that end and yields them with their outcomes."""
        orders = {lane: member.lane.begin(member.prepared.data) for lane, member in self.members.items()}
        for lane, member in self.members.items():
            if member.lane.has_callbacks:
                self.stack.see_learning_rate(lane, member.lane.model)
        start = time.monotonic()
        metrics = self.stack.epoch(orders)
        held = self.stack.read([lane for lane, member in self.members.items() if member.lane.needs_state(metrics[lane])])
        share = (time.monotonic() - start) / len(self.members)
        done = {}
        for lane, member in list(self.members.items()):
            member.seconds += share
            try:
                member.lane.end(metrics[lane], partial(self._state, lane, held))
                if member.lane.done:
                    member.lane.restore_kept()
                    done[lane] = member
            except Exception as error:
                del self.members[lane]
                yield member, ended_by(error, member.job, member.seconds)
        kept_metrics = self.stack.evaluate({lane: member.lane.model for lane, member in done.items()}) if done else {}
        self.stack.ahead = False
        ended = []
        for lane, member in done.items():
            del self.members[lane]
            try:
                ended.append((member, member.lane.fitted(kept_metrics[lane])))
            except Exception as error:
                yield member, ended_by(error, member.job, member.seconds)
        pictures = self.draw((fitted.history, fitted.kept_epoch, member.prepared.model.name) for member, fitted in ended)
        for (member, fitted), picture in zip(ended, pictures, strict=True):
            try:
                outcome = trial.finish(member.prepared, fitted, member.seconds, continued=member.job.continued, picture=picture)
            except Exception as error:
                outcome = ended_by(error, member.job, member.seconds)
            yield member, outcome

    def _state(self, lane: int, held: dict[int, dict[str, Any]]) -> dict[str, Any]:
        """Returns the state of a trial after an epoch; reads it from the device unless `held` has it."""
        if lane not in held:
            held |= self.stack.read([lane])
        return held[lane]

    def give_back(self) -> Iterator[Member]:
        """Copies the state of all trials into their models; yields the trials."""
        held = self.stack.read(self.members)
        for lane, member in self.members.items():
            member.lane.take(held[lane])
            yield member
