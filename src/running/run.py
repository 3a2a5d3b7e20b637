"""Runs a request from its first trial to the table at its end."""

from contextlib import nullcontext

from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig

from src import executors, function, trial
from src.config.composer import Composer
from src.config.request import Request
from src.executors import RunTrial
from src.running import plan, precheck
from src.running.default_executor import choose_executor
from src.running.ending import Ending
from src.running.invocation import Invocation
from src.running.opening import opened
from src.running.renewal import renewed


def run(loader: ConfigLoader, request: Request, config: DictConfig, *, run_trial: RunTrial = trial.run) -> int:
    """Runs every trial, then prints the table and the next commands; returns the exit code.

    Args:
        config: as Hydra composed it, including the `hydra` node.
        run_trial: runs one trial; tests and benchmarks pass stubs, for which nothing is checked beforehand.

    Raises:
        TrialbookError: nothing was started, or the disk is full.
    """
    invocation = Invocation.of(request, config)
    checked = run_trial is trial.run
    if checked:
        choose_executor(request, invocation)
    if checked and invocation.function:
        run_trial = function.run
    executor, compose = executors.create(invocation.executor, run_trial), Composer(loader)
    if config.dry_run:
        if checked:
            precheck.check_data(invocation.space, compose)
        plan.show(invocation, executor, compose)
        return 0
    with opened(invocation, compose, executor, checked=checked) as sweep:
        folder, question = sweep.invocation.folder, sweep.invocation.question
        with nullcontext() if invocation.single else renewed(folder, question):  # a single trial has no report
            outcome = sweep.driver().run()
        return Ending(sweep, outcome).finish()
