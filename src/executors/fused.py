"""Stacks trials with the same structure and trains them as one program on one device; runs all other trials one by one."""

import logging
import math
from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from src import trial
from src.errors import TrialbookError, first_words
from src.executors import RunTrial, drawing, forking
from src.executors.batch import Batch, Member
from src.executors.in_process import InProcess
from src.executors.machine import gpus, memory_of_gpu, this_machine
from src.job import Job, ended_by
from src.training import engine_of
from src.trial import Prepared

if TYPE_CHECKING:  # these modules import TensorFlow, which takes seconds
    from src.training.stack import Stack

log = logging.getLogger(__name__)
ON_CPU, ON_GPU = 8, 256  # most lanes of a stack with `workers: auto`
MOST_STACKS = 8  # kept on the device, each with a program and the state of all its lanes
SHARE = 0.8  # of the GPU's memory for trials, as src/training/lane_memory.py estimates them; data and TensorFlow need the rest


def _structure(prepared: Prepared) -> str:
    from src.training.structure import stack_of

    return stack_of(prepared.model, prepared.data, prepared.schedule.batch_size, prepared.schedule.validation_batch)


class Fused(InProcess):
    """Trains all stacked trials for an epoch in every `wait`; when a trial ends, a waiting trial takes its lane.

    Args:
        workers: largest number of stacked trials, or `auto`. On a GPU, fewer are stacked if its memory has no room for them.
    """

    def __init__(self, run_trial: RunTrial, *, workers: int | str) -> None:
        super().__init__(run_trial)
        on_gpu = bool(gpus())
        if workers == "auto":
            workers = ON_GPU if on_gpu else ON_CPU
        self.slots = self._most = int(workers)
        self._memory = SHARE * (memory_of_gpu() or math.inf)
        where = " on the GPU; executor=inline runs them one by one" if on_gpu else ""
        self.headline = f"up to {self.slots} trials of one structure are one program{where}"
        self._arrived: deque[Job] = deque()
        self._waiting: list[Member] = []
        self._batch: Batch | None = None
        self._draw = drawing.here
        self._stacks: dict[tuple[str, tuple[str, ...]], Stack] = {}  # structure and the optimizer of each lane → its stack

    def warm_up(self, trials: int) -> None:
        """Starts the process from which processes that draw are forked."""
        if trials > 1 and self._run_trial is trial.run:
            forking.start(drawing.MODULES)
            self._draw = partial(drawing.ahead, processes=this_machine().cores)

    def plan(self, configs: Iterable[dict[str, Any]]) -> list[str]:
        """Returns lines that list the trials, counted from 1, that can be one program, and why others run alone."""
        from src.training import runtime

        runtime.tensorflow()  # imports it without its log lines, before the next line does
        from src.training import stack

        groups: dict[str, list[str]] = defaultdict(list)  # structure → its trials
        alone = []
        for number, config in enumerate(configs, 1):
            if not self._stackable(config):
                alone.append(f"trial {number} runs alone: it has another engine")
                continue
            try:
                prepared = trial.prepare(config)
            except TrialbookError as error:
                alone.append(f"trial {number} cannot be trained: {error}")
                continue
            if obstacle := stack.obstacle(prepared.model, prepared.data, prepared.schedule):
                alone.append(f"trial {number} runs alone: {obstacle}")
            else:
                groups[_structure(prepared)].append(str(number))
        alone += [f"trial {numbers[0]} runs alone: no other trial has its structure" for numbers in groups.values() if len(numbers) == 1]
        return [f"one program: trials {', '.join(numbers)}" for numbers in groups.values() if len(numbers) > 1] + alone

    def submit(self, job: Job) -> None:
        """Stores a job for `wait`."""
        self.accept(job)
        self._arrived.append(job)

    def wait(self, seconds: float) -> None:
        """Runs a trial that cannot be stacked to its end, or trains the stacked trials for an epoch."""
        while self._arrived and self._has_room():
            job = self._arrived.popleft()
            if not self._stackable(job.config) or not self._prepare(job):
                self.run(job)
                return
        if not self._batch or not self._batch.members:
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

    def _most_like(self, member: Member) -> int:
        """Returns how many trials of the same structure as `member` may be stacked."""
        return int(min(self._most, max(1, self._memory / max(1, member.size))))

    def _has_room(self) -> bool:
        """Returns True if the device has memory for another model; those of waiting trials are on it, too."""
        prepared = list(self._waiting)
        if self._batch:
            prepared += self._batch.members.values()
        return not prepared or sum(member.size for member in prepared) + prepared[-1].size <= self._memory

    def _prepare(self, job: Job) -> bool:
        """Prepares a job for a stack and returns True; returns False if it cannot be stacked. Ends a trial whose preparation fails."""
        from src.training import lane_memory, stack
        from src.training.lane import Lane
        from src.training.lane import obstacle as lane_obstacle
        from src.training.structure import optimizer_of

        report, check_stop = self.callbacks(job.number)
        try:
            prepared = trial.prepared_for(job)
            obstacle = stack.obstacle(prepared.model, prepared.data, prepared.schedule) or lane_obstacle(prepared.arguments["callbacks"])
            if obstacle:
                log.warning("trial %d is not stacked: %s", job.number + 1, obstacle)
                return False
            structure, optimizer = _structure(prepared), optimizer_of(prepared.model)
            lane = Lane(prepared.model, **trial.engine_arguments(prepared, report, check_stop), **prepared.arguments)
            if lane.done:  # its checkpoint has all epochs, or no patience is left: in a stack it would train on
                return False
        except Exception as error:
            self.end(job.number, ended_by(error, job, 0.0))
        else:
            needed = lane_memory.bytes_of(prepared.model, prepared.data, prepared.schedule) if self._memory < math.inf else 0
            self._waiting.append(Member(job, prepared, lane, structure, optimizer, needed))
        return True

    def _new_batch(self) -> Batch | None:
        """Makes a batch of the largest waiting group with the same structure. If that is one trial or fails, runs the first trial alone."""
        groups: dict[str, list[Member]] = defaultdict(list)
        for member in self._waiting:
            groups[member.structure].append(member)
        group = max(groups.values(), key=len, default=[])
        if not group:
            return None
        first = group[0]
        group = group[: self._most_like(first)]
        batch = self._batch_of(group) if len(group) > 1 else None
        if batch:
            return batch
        self._waiting.remove(first)
        log.info("trial %d runs alone: no waiting trial has its structure", first.job.number + 1)
        self.run(first.job)
        return None

    def _batch_of(self, group: list[Member]) -> Batch | None:
        """Returns a batch with lanes for these trials; logs the reason and returns None if that fails."""
        from src.training import stack

        prepared, structure = group[0].prepared, group[0].structure
        wanted = Counter(member.optimizer for member in group)
        models = {member.optimizer: member.prepared.model for member in group}
        lanes_of_new = tuple(Counter(_lanes(wanted, self._most_like(group[0]))).elements())
        suitable = [key for key in self._stacks if key[0] == structure and _suits(Counter(key[1]), wanted)]
        key = suitable[0] if suitable else (structure, lanes_of_new)
        try:
            if key not in self._stacks:
                lanes = [(models[optimizer], count) for optimizer, count in Counter(key[1]).items()]
                self._stacks[key] = stack.Stack(lanes, prepared.data, prepared.schedule)
                if len(self._stacks) > MOST_STACKS:
                    del self._stacks[next(iter(self._stacks))]
            return Batch(structure, self._stacks[key], list(key[1]), self._draw)
        except Exception as error:
            log.warning("trial %d is not stacked: %s", group[0].job.number + 1, first_words(error) or type(error).__name__)
            return None

    def _train(self, batch: Batch) -> None:
        """Trains a batch for an epoch; if the memory does not suffice, its trials wait again and the next batch is smaller."""
        import tensorflow as tf

        for member in batch.fill(self._waiting):
            self.run(member.job)
        if not batch.members:
            return
        try:
            for member, outcome in batch.epoch():
                self.end(member.job.number, outcome)
        except tf.errors.ResourceExhaustedError as error:
            self._most = max(1, batch.stack.lanes // 2)
            log.warning("the device has no memory for %d trials at once; now at most %d", batch.stack.lanes, self._most)
            if batch.stack.ahead:  # the epoch was trained before memory ran out: do not train it twice
                for member in batch.members.values():
                    self.end(member.job.number, ended_by(error, member.job, member.seconds))
            else:
                self._waiting += batch.give_back()
            self._stacks.clear()
            self._batch = None


def _suits(lanes: Counter[str], wanted: Counter[str]) -> bool:
    """Returns True if a stack has a lane for each trial, and fewer than twice as many lanes as trials."""
    return wanted <= lanes and lanes.total() < 2 * wanted.total()


def _lanes(wanted: Counter[str], most: int) -> dict[str, int]:
    """Returns the number of lanes of each optimizer: the next power of two, if so many are allowed."""
    rounded = {optimizer: 1 << (count - 1).bit_length() for optimizer, count in wanted.items()}
    if len(wanted) == 1:
        return {optimizer: min(most, count) for optimizer, count in rounded.items()}
    return rounded if sum(rounded.values()) <= most else dict(wanted)
