"""Trials of one structure stacked and trained as one program on one device; the others run one by one."""

import logging
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from src import trial
from src.errors import first_words
from src.executors import Function, Listener, RunTrial, run_logged
from src.executors.machine import gpus
from src.training import engine_of
from src.trial import Job, Outcome, Prepared

if TYPE_CHECKING:  # they import TensorFlow, seconds
    from src.training.lane import Lane
    from src.training.stack import Stack

log = logging.getLogger(__name__)
ON_CPU, ON_GPU = 8, 32  # trials at once


@dataclass(eq=False)
class _Trial:
    """A trial that is in a stack, or waits for one."""

    job: Job
    prepared: Prepared
    lane: "Lane"
    structure: str
    seconds: float = 0.0  # its share of the stack's


@dataclass
class _Batch:
    """A stack, and the trials in its lanes."""

    structure: str
    stack: "Stack"
    trials: dict[int, _Trial] = field(default_factory=dict)

    def fill(self, waiting: list[_Trial]) -> list[_Trial]:
        """Trials that wait and have its structure take the free lanes; gives back those that are other models all the same."""
        others = []
        for lane in set(range(self.stack.lanes)) - set(self.trials):
            while one := next((one for one in waiting if one.structure == self.structure), None):
                waiting.remove(one)
                try:
                    self.stack.put(lane, one.lane.model)
                except ValueError as error:
                    log.warning("trial %d is not stacked: %s", one.job.number + 1, error)
                    others.append(one)
                else:
                    self.trials[lane] = one
                    break
        return others

    def epoch(self) -> Iterator[tuple[_Trial, Outcome]]:
        """Trains all for an epoch; gives back those that are over."""
        orders = {lane: one.lane.begin(one.prepared.data) for lane, one in self.trials.items()}
        began = time.monotonic()
        metrics = self.stack.epoch({lane: one.lane.model for lane, one in self.trials.items()}, orders)
        share = (time.monotonic() - began) / len(self.trials)
        done = {}
        for lane, one in list(self.trials.items()):
            one.seconds += share
            try:
                one.lane.end(metrics[lane])
                if one.lane.done:
                    one.lane.keep()
                    done[lane] = one
            except Exception as error:
                del self.trials[lane]
                yield one, trial.ended_by(error, one.job, one.seconds)
        again = self.stack.evaluate({lane: one.lane.model for lane, one in done.items()}) if done else {}
        for lane, one in done.items():
            del self.trials[lane]
            try:
                outcome = trial.finish(one.prepared, one.lane.fitted(again[lane]), one.seconds, continued=one.job.continued)
            except Exception as error:
                outcome = trial.ended_by(error, one.job, one.seconds)
            yield one, outcome


def _structure(prepared: Prepared) -> str:
    from src.training.structure import structure_of

    return structure_of(prepared.model, prepared.data, prepared.arguments["batch_size"], prepared.validation_batch)


class Fused:
    """Trains an epoch of all stacked trials whenever it is waited for; a trial that ends makes room for another one.

    Args:
        workers: how many trials are stacked at most, or `auto`.
    """

    listener: Listener

    def __init__(self, run_trial: RunTrial, *, workers: int | str) -> None:
        self._run_trial = run_trial
        self.slots = self._most = int(workers) if workers != "auto" else ON_GPU if gpus() else ON_CPU
        self.side_by_side = 1
        self.headline = f"up to {self.slots} trials of one structure are one program"
        self._arrived: deque[Job] = deque()
        self._waiting: list[_Trial] = []
        self._batch: _Batch | None = None
        self._stacks: dict[tuple[str, int], Stack] = {}

    def plan(self, configs: Iterable[dict[str, Any]]) -> list[str]:
        """Which trials, counted from 1, can be one program, and why the others can not."""
        from src.training import runtime

        runtime.tensorflow()  # which the next line would import with all its noise
        from src.training import stack

        together: dict[str, list[str]] = defaultdict(list)
        alone = []
        for number, config in enumerate(configs, 1):
            why = "its engine is another one" if not self._stackable(config) else ""
            if not why and not (why := stack.obstacle((prepared := trial.prepare(config)).model, prepared.data)):
                together[_structure(prepared)].append(str(number))
            alone += [f"trial {number} runs alone: {why}"] if why else []
        alone += [f"trial {numbers[0]} runs alone: no other one has its structure" for numbers in together.values() if len(numbers) == 1]
        return [f"one program: trials {', '.join(numbers)}" for numbers in together.values() if len(numbers) > 1] + alone

    def warm_up(self, trials: int) -> None:
        """This process is warm."""

    def apply(self, function: Function, *arguments: Any) -> Callable[[], Any]:
        """Here, when it is waited for."""
        return partial(function, *arguments)

    def submit(self, job: Job) -> None:
        """Takes a job."""
        self._arrived.append(job)

    def wait(self, seconds: float) -> None:
        """Runs a trial that can not be stacked to its end, or an epoch of those that are."""
        while self._arrived:
            job = self._arrived.popleft()
            if not self._stackable(job.config) or not self._prepare(job):
                self._run_alone(job)
                return
        if not (self._batch and self._batch.trials):
            self._batch = self._new_batch()
        if self._batch:
            self._train(self._batch)

    def close(self) -> None:
        """Nothing outlives a call of `wait`."""
        self._batch = None

    def _stackable(self, config: dict[str, Any]) -> bool:
        if self._run_trial is not trial.run or self._most == 1:
            return False
        return bool(engine_of(config) == "compiled")

    def _prepare(self, job: Job) -> bool:
        """Makes what waits for a stack out of a job, or ends it; False, and a line, where it can not be stacked."""
        from src.training import stack
        from src.training.lane import Lane

        report = partial(self.listener.epoch, job.number)
        try:
            prepared = trial.prepare(job.config, job.folder, job.checkpoint)
            if why := stack.obstacle(prepared.model, prepared.data):
                log.warning("trial %d is not stacked: %s", job.number + 1, why)
                return False
            structure = _structure(prepared)
            lane = Lane(prepared.model, **trial.given(prepared, report, self.listener.alive), **prepared.arguments)
        except Exception as error:
            self.listener.end(job.number, trial.ended_by(error, job, 0.0))
        else:
            self._waiting.append(_Trial(job, prepared, lane, structure))
        return True

    def _new_batch(self) -> _Batch | None:
        """Of the largest group of one structure that waits; one that can not be stacked runs alone."""
        groups: dict[str, list[_Trial]] = defaultdict(list)
        for one in self._waiting:
            groups[one.structure].append(one)
        group = max(groups.values(), key=len, default=[])[: self._most]
        if not group:
            return None
        stack = self._stack(group[0], min(self._most, 1 << (len(group) - 1).bit_length())) if len(group) > 1 else None
        if stack:
            return _Batch(group[0].structure, stack)
        self._waiting.remove(group[0])
        log.info("trial %d runs alone: no other one of its structure waits", group[0].job.number + 1)
        self._run_alone(group[0].job)
        return None

    def _stack(self, one: _Trial, lanes: int) -> "Stack | None":
        """The stack for a structure; None, and a line that says why, where there can be none."""
        from src.training import stack

        prepared, key = one.prepared, (one.structure, lanes)
        try:
            if key not in self._stacks:
                sizes = prepared.arguments["batch_size"], prepared.validation_batch
                self._stacks[key] = stack.Stack(prepared.model, prepared.data, *sizes, lanes)
            return self._stacks[key]
        except Exception as error:
            log.warning("trial %d is not stacked: %s", one.job.number + 1, first_words(error) or type(error).__name__)
            return None

    def _train(self, batch: _Batch) -> None:
        """One epoch; where memory does not suffice, the trials go back and the next batch is smaller."""
        import tensorflow as tf

        for one in batch.fill(self._waiting):
            self._run_alone(one.job)
        if not batch.trials:
            return
        try:
            for one, outcome in batch.epoch():
                self.listener.end(one.job.number, outcome)
        except tf.errors.ResourceExhaustedError:
            self._most = max(1, batch.stack.lanes // 2)
            log.warning("the device has no memory for %d trials at once; now at most %d", batch.stack.lanes, self._most)
            self._waiting += batch.trials.values()
            self._stacks.clear()
            self._batch = None

    def _run_alone(self, job: Job) -> None:
        report = partial(self.listener.epoch, job.number)
        self.listener.end(job.number, run_logged(self._run_trial, job, report, self.listener.alive))
