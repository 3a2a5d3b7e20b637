"""Opens what an invocation needs while its trials run, in this order:

1. Workers start; they import TensorFlow while this process continues.
2. Everything that may fail is checked, such as the record and the first step of the trials. Until then the sweep has no folder.
3. The folder, its lock, the study and its connection to MLflow are opened.
"""

import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from src import files, oracles
from src.errors import DiskFull
from src.events import Events
from src.executors import Executor
from src.exits import interruption_says
from src.oracles import KnownTrial, Oracle
from src.running import plan, record, resume
from src.running.bookkeeping import check_record, open_study, start_parent
from src.running.driver import MOST_DEATHS, Compose, Driver
from src.running.interruption import Interruption
from src.running.invocation import Invocation
from src.running.notifying import Notifier
from src.running.precheck import precheck
from src.running.pruning import MedianRule
from src.running.recorder import Recorder
from src.running.stopping import StopRules
from src.states import RESUMABLE, TrialState
from src.study import folders
from src.study.finding import find_sweeps, link_sweep
from src.study.lock import driving
from src.study.outbox import Outbox
from src.terminal import Terminal
from src.tracking import Tracker


@dataclass(frozen=True)
class OpenSweep:
    """An invocation, and the resources that are open while its trials run."""

    invocation: Invocation
    compose: Compose
    executor: Executor
    oracle: Oracle
    terminal: Terminal
    recorder: Recorder
    tracker: Tracker
    interruption: Interruption
    notifier: Notifier

    def driver(self) -> Driver:
        """Returns the driver. For a resumed sweep, it restores the oracle and ends trials whose process died too often as FAILED."""
        invocation, store = self.invocation, self.recorder.store
        rules = StopRules(invocation.objective, **{rule: value for rule, value in invocation.config.stop.items() if rule != "trial"})
        pruning = MedianRule(invocation.objective) if invocation.config.stop.trial else None
        parts = (self.oracle, self.executor, self.compose, self.recorder, self.terminal, rules, self.interruption, self.notifier)
        driver = Driver(*parts, pruning=pruning)
        rows, dead = store.trials(), list[int]()
        if rows:
            driver.waiting, known, dead = resume.waiting(invocation, store)
            self._restore(driver, known)
            rules.see(sorted((row for row in rows if row.ended), key=lambda row: row.ended or 0.0))
            if pruning:
                pruning.see(rows, store.epochs())
            for number in dead:
                driver.fail(number, f"its process died {MOST_DEATHS} times; once more: resume={invocation.folder.name} retry=failed")
        ended = sum(row.state not in RESUMABLE or row.number in dead for row in rows)
        if self.executor.headline:
            self.terminal.say(self.executor.headline)
        if invocation.config.resume:
            self.terminal.say(f"{invocation.folder.name} goes on: {ended} trials had ended, {len(driver.waiting)} had not")
            for line in resume.other_code(store, self.recorder.tags):
                self.terminal.say(line)
        self.terminal.begin(self.oracle.budget, ended, invocation.folder.name)
        return driver

    def _restore(self, driver: Driver, known: list[KnownTrial]) -> None:
        """Restores the oracle from the trials that it proposed, then offers it those that users added."""
        store = self.recorder.store
        known = [replace(one, score=oracles.score_for_oracle(self.oracle, one.state, one.score)) for one in known]
        added = store.added()
        self.oracle.restore(store.oracle(), [one for one in known if one.proposal.point not in added])
        for one in known:
            if one.proposal.point not in added:
                continue
            if driver.include(one.number, one.proposal) and one.state != TrialState.RUNNING:
                if one.second is not None:
                    self.oracle.tell_second(one.number, one.second)
                self.oracle.tell(one.number, one.score)


@contextmanager
def opened(
    invocation: Invocation,
    compose: Compose,
    executor: Executor,
    *,
    checked: bool,
    tags: Callable[[Invocation], dict[str, str]] = record.common_tags,
) -> Iterator[OpenSweep]:
    """Opens a sweep or a single trial, new or resumed. A single trial has no parent run, and its study is in memory.

    Args:
        checked: take a step of every kind of trial before the first one trains.
        tags: returns the tags of all runs.

    Raises:
        TrialbookError: a check failed, and nothing was started.
    """
    with ExitStack() as stack:
        stack.callback(executor.close)
        with interruption_says("nothing was started"):
            executor.warm_up(invocation.most_trials)
            resumed = find_sweeps(invocation.config.resume, invocation.folder, key="resume")[0] if invocation.config.resume else None
            output = Events if invocation.config.format == "json" else Terminal
            terminal = stack.enter_context(output(invocation.objective))
            oracle = oracles.create(invocation.space, invocation.objective, invocation.oracle)
            terminal.say(plan.headline(invocation, oracle.budget))
            _check(invocation, resumed, compose, executor, terminal, checked=checked)
        interruption = stack.enter_context(Interruption(at_once=invocation.single))  # the short steps that follow are not interrupted
        invocation = replace(invocation, folder=resumed or folders.create(invocation.folder))
        stack.enter_context(driving(invocation.folder))
        store, tracker = open_study(invocation, compose, new=not resumed)
        stack.callback(store.close)
        if interruption.code and not resumed:
            shutil.rmtree(invocation.folder)
            with interruption_says("nothing was started"):
                interruption.check()
        if not invocation.single:
            if not resumed:
                link_sweep(invocation.folder)
            stack.enter_context(_command_after_full_disk(invocation))
        outbox = Outbox(store, tracker, partial(folder_of, invocation), listens=True)
        stack.callback(outbox.close)
        stack.enter_context(_logging(invocation))
        recorder = Recorder(store, outbox, invocation.objective, oracle.swept, tags(invocation), invocation.limits, invocation.second)
        if not invocation.single:
            start_parent(invocation, oracle, recorder, executor.slots)
        about = {"id": invocation.folder.name, "name": invocation.name, "command": invocation.command}
        notifier = Notifier(invocation.config.notify, invocation.folder, **about)
        yield OpenSweep(invocation, compose, executor, oracle, terminal, recorder, tracker, interruption, notifier)


def _check(
    invocation: Invocation, resumed: Path | None, compose: Compose, executor: Executor, terminal: Terminal, *, checked: bool
) -> None:
    with terminal.waiting("loading MLflow"):
        check_record(invocation, resumed)
    if checked:
        what = "checking the function" if invocation.function else "loading TensorFlow, trying a step of each kind of model"
        with terminal.waiting(what):
            lines = precheck(invocation.space, compose, executor, invocation.limits)
        for line in lines:
            terminal.say(line)


def folder_of(invocation: Invocation, number: int | None) -> Path:
    """Returns the folder of a trial, or of the sweep if `number` is None. For a single trial both are the same."""
    return invocation.folder if invocation.single or number is None else folders.of_trial(invocation.folder, number)


@contextmanager
def _command_after_full_disk(invocation: Invocation) -> Iterator[None]:
    """Adds the command that continues the sweep to the error of a full disk."""
    try:
        yield
    except DiskFull as error:
        raise DiskFull(f"{error} Then go on:\n  {invocation.command_to_resume}") from error


@contextmanager
def _logging(invocation: Invocation) -> Iterator[None]:
    """Writes log lines of a sweep to its sweep.log; those of a single trial are written by its executor."""
    logger = logging.getLogger("src")
    logger.setLevel(logging.INFO)
    logger.propagate = False  # keeps log lines off the terminal
    if invocation.single:
        yield
        return
    handler = files.log_handler(invocation.folder / "sweep.log")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        handler.close()
