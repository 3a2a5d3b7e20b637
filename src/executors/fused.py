"""Stacks trials of one structure and trains them as one program on one device; runs all other trials one by one."""

import logging
import time
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from src import trial
from src.errors import first_words
from src.executors import RunTrial
from src.executors.in_process import InProcess
from src.executors.machine import gpus
from src.job import Job, Outcome, ended_by
from src.training import engine_of
from src.trial import Prepared

if TYPE_CHECKING:  # these modules import TensorFlow, which takes seconds
    from src.training.lane import Lane
    from src.training.stack import Stack

log = logging.getLogger(__name__)
ON_CPU, ON_GPU = 8, 32  # lanes of a stack with `workers: auto`


@dataclass(eq=False)
class _Member:
    """A trial that is in a stack or waits for one.

    Attributes:
        seconds: its share of the training time of the stack.
    """

    job: Job
    prepared: Prepared
    lane: "Lane"
    structure: str
    seconds: float = 0.0


@dataclass
class _Batch:
    """A stack, and the trials in its lanes."""

    structure: str
    stack: "Stack"
    members: dict[int, _Member] = field(default_factory=dict)

    def fill(self, waiting: list[_Member]) -> list[_Member]:
        """Moves waiting trials of the same structure into free lanes; returns those whose model turns out to be another."""
        refused = []
        for lane in set(range(self.stack.lanes)) - set(self.members):
            while member := next((member for member in waiting if member.structure == self.structure), None):
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

    def epoch(self) -> Iterator[tuple[_Member, Outcome]]:
        """Trains all trials for an epoch; removes those that are over and yields them with their outcomes."""
        orders = {lane: member.lane.begin(member.prepared.data) for lane, member in self.members.items()}
        start = time.monotonic()
        metrics = self.stack.epoch({lane: member.lane.model for lane, member in self.members.items()}, orders)
        share = (time.monotonic() - start) / len(self.members)
        done = {}
        for lane, member in list(self.members.items()):
            member.seconds += share
            try:
                member.lane.end(metrics[lane])
                if member.lane.done:
                    member.lane.restore_kept()
                    done[lane] = member
            except Exception as error:
                del self.members[lane]
                yield member, ended_by(error, member.job, member.seconds)
        if not done:
            return
        kept_metrics = self.stack.evaluate({lane: member.lane.model for lane, member in done.items()})
        for lane, member in done.items():
            del self.members[lane]
            try:
                fitted = member.lane.fitted(kept_metrics[lane])
                outcome = trial.finish(member.prepared, fitted, member.seconds, continued=member.job.continued)
            except Exception as error:
                outcome = ended_by(error, member.job, member.seconds)
            yield member, outcome


def _structure(prepared: Prepared) -> str:
    from src.training.structure import structure_of

    return structure_of(prepared.model, prepared.data, prepared.schedule.batch_size, prepared.schedule.validation_batch)


class Fused(InProcess):
    """Trains all stacked trials for an epoch in every `wait`; when a trial ends, a waiting one takes its lane.

    Args:
        workers: the most trials that are stacked, or `auto`.
    """

    def __init__(self, run_trial: RunTrial, *, workers: int | str) -> None:
        super().__init__(run_trial)
        if workers == "auto":
            workers = ON_GPU if gpus() else ON_CPU
        self.slots = self._most = int(workers)
        self.headline = f"up to {self.slots} trials of one structure are one program"
        self._arrived: deque[Job] = deque()
        self._waiting: list[_Member] = []
        self._batch: _Batch | None = None
        self._stacks: dict[tuple[str, int], Stack] = {}

    def plan(self, configs: Iterable[dict[str, Any]]) -> list[str]:
        """Returns lines that say which trials, counted from 1, can be one program, and why others run alone."""
        from src.training import runtime

        runtime.tensorflow()  # otherwise the next line would import it, with all its log lines
        from src.training import stack

        groups: dict[str, list[str]] = defaultdict(list)  # structure → its trials
        alone = []
        for number, config in enumerate(configs, 1):
            if not self._stackable(config):
                alone.append(f"trial {number} runs alone: its engine is another one")
                continue
            prepared = trial.prepare(config)
            if obstacle := stack.obstacle(prepared.model, prepared.data, prepared.schedule):
                alone.append(f"trial {number} runs alone: {obstacle}")
            else:
                groups[_structure(prepared)].append(str(number))
        alone += [f"trial {numbers[0]} runs alone: no other one has its structure" for numbers in groups.values() if len(numbers) == 1]
        return [f"one program: trials {', '.join(numbers)}" for numbers in groups.values() if len(numbers) > 1] + alone

    def submit(self, job: Job) -> None:
        """Stores a job for `wait`."""
        self.accept(job)
        self._arrived.append(job)

    def wait(self, seconds: float) -> None:
        """Runs a trial that cannot be stacked to its end, or trains the stacked trials for an epoch."""
        while self._arrived:
            job = self._arrived.popleft()
            if not self._stackable(job.config) or not self._prepare(job):
                self.run(job)
                return
        if not (self._batch and self._batch.members):
            self._batch = self._new_batch()
        if self._batch:
            self._train(self._batch)

    def close(self) -> None:
        """Drops the batch; no trial runs outside `wait`."""
        self._batch = None

    def _stackable(self, config: dict[str, Any]) -> bool:
        if self._run_trial is not trial.run or self._most == 1:
            return False
        return bool(engine_of(config) == "compiled")

    def _prepare(self, job: Job) -> bool:
        """Prepares a job for a stack, or ends its trial if that fails; logs and returns False if it cannot be stacked."""
        from src.training import stack
        from src.training.lane import Lane

        report, check_stop = self.callbacks(job.number)
        try:
            prepared = trial.prepared_for(job)
            if obstacle := stack.obstacle(prepared.model, prepared.data, prepared.schedule):
                log.warning("trial %d is not stacked: %s", job.number + 1, obstacle)
                return False
            structure = _structure(prepared)
            lane = Lane(prepared.model, **trial.engine_arguments(prepared, report, check_stop), **prepared.arguments)
        except Exception as error:
            self.end(job.number, ended_by(error, job, 0.0))
        else:
            self._waiting.append(_Member(job, prepared, lane, structure))
        return True

    def _new_batch(self) -> _Batch | None:
        """Makes a batch for the largest waiting group with the same structure; runs a trial that cannot be stacked alone."""
        groups: dict[str, list[_Member]] = defaultdict(list)
        for member in self._waiting:
            groups[member.structure].append(member)
        group = max(groups.values(), key=len, default=[])[: self._most]
        if not group:
            return None
        first = group[0]
        if len(group) > 1:
            lanes = 1 << (len(group) - 1).bit_length()  # the next power of two
            if stack := self._stack(first, min(self._most, lanes)):
                return _Batch(first.structure, stack)
        self._waiting.remove(first)
        log.info("trial %d runs alone: no other one of its structure waits", first.job.number + 1)
        self.run(first.job)
        return None

    def _stack(self, member: _Member, lanes: int) -> "Stack | None":
        """Returns a stack for the structure of a trial; logs the reason and returns None if it cannot be made."""
        from src.training import stack

        prepared, key = member.prepared, (member.structure, lanes)
        try:
            if key not in self._stacks:
                self._stacks[key] = stack.Stack(prepared.model, prepared.data, prepared.schedule, lanes)
            return self._stacks[key]
        except Exception as error:
            log.warning("trial %d is not stacked: %s", member.job.number + 1, first_words(error) or type(error).__name__)
            return None

    def _train(self, batch: _Batch) -> None:
        """Trains a batch for an epoch; if memory does not suffice, its trials wait again and the next batch is smaller."""
        import tensorflow as tf

        for member in batch.fill(self._waiting):
            self.run(member.job)
        if not batch.members:
            return
        try:
            for member, outcome in batch.epoch():
                self.end(member.job.number, outcome)
        except tf.errors.ResourceExhaustedError:
            self._most = max(1, batch.stack.lanes // 2)
            log.warning("the device has no memory for %d trials at once; now at most %d", batch.stack.lanes, self._most)
            self._waiting += batch.members.values()
            self._stacks.clear()
            self._batch = None
