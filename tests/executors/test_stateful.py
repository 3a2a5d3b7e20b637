"""Whatever workers do, in any order: each trial ends once, and no more workers live than there are slots."""

import os
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from src.errors import Stop
from src.executors import Listener
from src.executors.pool import GRACE, MOST_STARTS, PATIENCE
from src.executors.worker import Begun, EpochEnded, TrialEnded
from src.job import Job, Outcome
from tests.executors.fakes import MINUTES, MOST_TRIALS, SLOTS, Clock, Fake, Fakes, Trial

LONG = 20 if os.environ.get("TRIALBOOK_LONG") else 1
WHICH = st.integers(0, SLOTS - 1)


class Days(RuleBasedStateMachine):
    """The days of a pool."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock, self.stopping, self.number, self.doomed = clock, False, 0, 0
        self.over: float | None = None  # when a trial ended last
        self.started: list[Fake] = []
        self.flying: dict[int, Trial] = {}
        self.pool = Fakes(None, SLOTS, "", MINUTES, days=self)  # type: ignore[arg-type]
        self.pool.listener = Listener(self.on_epoch, self.on_end, self.on_death, self.on_alive)

    def on_epoch(self, number: int, epoch: int, metrics: dict[str, float]) -> None:
        trial = self.flying[number]
        assert trial.begun is not None and epoch == trial.epochs + 1
        trial.epochs = epoch

    def on_end(self, number: int, outcome: Outcome) -> None:
        trial, self.over = self.flying.pop(number), self.clock.now
        assert outcome.state != "KILLED" or self.stopping
        if outcome.state == "FAILED":
            assert outcome.cause == "took longer than 1 minutes" and self.clock.now > trial.begun + 60 * MINUTES

    def on_death(self, number: int, cause: str) -> None:
        trial, self.over = self.flying.pop(number), self.clock.now
        assert trial.begun is not None or trial.deaths == MOST_STARTS or self.stopping

    def on_alive(self) -> None:
        if self.stopping:
            raise Stop("interrupted")

    def busy(self, which: int) -> Fake | None:
        """One of those that have a trial and live."""
        living = [worker for worker in self.pool.workers if worker.job and not worker.dead]
        living = [worker for worker in living if not any(isinstance(event, TrialEnded) for event in worker.said)]
        return living[which % len(living)] if living else None

    @initialize(trials=st.integers(0, 5))
    def warm_up(self, trials: int) -> None:
        self.pool.warm_up(trials)

    @precondition(lambda self: not self.stopping)
    @rule(most=st.integers(1, SLOTS))
    def submit(self, most: int) -> None:
        for _ in range(min(most, SLOTS - len(self.flying))):
            self.flying[self.number] = Trial()
            self.pool.submit(Job(self.number, 1, {}, Path()))
            self.number += 1

    @rule(which=WHICH)
    def begin_or_train(self, which: int) -> None:
        if worker := self.busy(which):
            worker.said.append(Begun() if worker.epochs is None else EpochEnded(worker.epochs + 1, {}))
            worker.epochs = 0 if worker.epochs is None else worker.epochs + 1

    @rule(which=WHICH)
    def cancel(self, which: int) -> None:
        """A trial in flight, begun or not, and one that has ended."""
        for number in sorted(self.flying)[which : which + 1]:
            self.flying[number].cancelled = True
            self.pool.cancel(number)
        self.pool.cancel(-1)

    @rule(which=WHICH, gigabytes=st.sampled_from([0.5, 1.0, 2.0]))
    def end(self, which: int, gigabytes: float) -> None:
        if worker := self.busy(which):
            worker.said += [] if worker.epochs is not None else [Begun()]
            worker.said.append(TrialEnded(Outcome("FINISHED" if worker.asked_to_stop is None else "KILLED"), gigabytes))

    @rule(which=WHICH, heirs=st.integers(0, MOST_STARTS))
    def die(self, which: int, heirs: int) -> None:
        """So many that are started after it die as they start."""
        living = [worker for worker in self.pool.workers if not worker.dead]
        if living:
            living[which % len(living)].die()
            self.doomed = heirs

    @rule(seconds=st.sampled_from([0.5, 1.0, 5.0, 12.0, 70.0]))
    def wait(self, seconds: float) -> None:
        self.over = None
        self.pool.wait(seconds)
        assert self.over in (None, self.clock.now), "the first end of a trial ends the wait"
        unbegun = [worker for worker in self.pool.workers if worker.job and not worker.begun and worker.asked_to_stop is None]
        if any(self.clock.now > worker.assigned + PATIENCE for worker in unbegun):
            assert all(worker.job for worker in self.pool.workers), "a free worker takes what another one does not begin with"
        for worker in self.pool.workers:
            if worker.job and worker.asked_to_stop is not None:
                assert self.clock.now <= worker.asked_to_stop + GRACE
            elif worker.job and (begun := self.flying[worker.job.number].begun) is not None:
                assert self.clock.now <= begun + 60 * MINUTES

    @precondition(lambda self: self.number > 5)
    @rule()
    def stop(self) -> None:
        self.stopping = True

    @invariant()
    def each_trial_has_a_worker(self) -> None:
        assert [worker for worker in self.started if not worker.gone] == self.pool.workers
        assert len({worker.slot for worker in self.pool.workers}) == len(self.pool.workers) <= SLOTS
        assert sorted(worker.job.number for worker in self.pool.workers if worker.job) == sorted(self.flying)

    @invariant()
    def who_runs_a_cancelled_trial_knows(self) -> None:
        for worker in self.pool.workers:
            if worker.job:
                assert worker.asked_alone == (worker.begun and self.flying[worker.job.number].cancelled)

    @invariant()
    def few_workers_die_for_one_trial(self) -> None:
        assert all(trial.deaths < MOST_STARTS for trial in self.flying.values())

    def teardown(self) -> None:
        """When all are asked to stop, each wait ends one at least; in the end no worker lives."""
        self.stopping = True
        for _ in range(len(self.flying)):
            self.pool.wait(2 * GRACE)
        self.pool.close()
        assert not self.flying and all(worker.gone for worker in self.started)


def test_each_trial_ends_once_whatever_workers_do(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr("src.executors.pool.time", clock)
    monkeypatch.setattr("src.executors.handle.MOST_TRIALS", MOST_TRIALS)
    run_state_machine_as_test(
        lambda: Days(clock),
        settings=settings(max_examples=300 * LONG, stateful_step_count=70, derandomize=True, database=None, deadline=None),
    )


def test_a_trial_that_begins_after_it_was_cancelled_has_no_more_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr("src.executors.pool.time", clock)
    days = Days(clock)
    days.flying[0] = Trial()
    days.pool.submit(Job(0, 1, {}, Path()))
    days.stopping = True
    days.pool.wait(1.0)
    [worker] = days.started
    worker.said.append(Begun())
    days.pool.wait(2 * GRACE)
    assert not days.flying and clock.now <= worker.asked_to_stop + GRACE + 1
