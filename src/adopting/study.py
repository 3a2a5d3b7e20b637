"""Makes a study of old results, from which `python -m src.sweep … resume=ID` goes on."""

import math
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from hydra.core.config_loader import ConfigLoader

from src import executors, exits, function, oracles
from src.adopting import kerastuner_project, optuna_storage
from src.adopting.matching import Matching
from src.adopting.past import Past, PastTrial
from src.config.command_line import read, read_command_line
from src.config.composer import Composer
from src.errors import ConfigError, collecting
from src.job import Outcome
from src.objective import Objective
from src.oracles import Proposal
from src.running import record
from src.running.driver import Compose, SweepOutcome
from src.running.invocation import Invocation
from src.running.opening import OpenSweep, opened
from src.space import Point, overrides
from src.study.finding import SWEEPS, read_meta
from src.tracking.address import database

NOT_OURS = ("resume", "retry", "allow")  # keys of a sweep that goes on
EXECUTOR = {"_target_": "src.executors.inline.Inline"}  # no trial runs


def adopt(loader: ConfigLoader, results: str, study: str, words: list[str]) -> int:
    """Records the trials of another tool as a sweep; returns the exit code.

    Args:
        results: a project folder of KerasTuner, or an Optuna storage in SQLite, as a file or an address.
        study: name of the study in the storage; empty if it has one.
        words: those of the sweep, as behind `python -m src.sweep`.

    Raises:
        ConfigError: with all mistakes of the words, or all reasons why the results do not match the sweep; nothing was written.
    """
    invocation = _invocation(loader, words)
    mistakes = list(_unsuited(invocation))
    past, matching = Past(""), Matching(invocation.space)
    with collecting(mistakes):
        past = _read(results, study, invocation.objective)
        mistakes += past.mistakes
        mistakes += _adopted_before(past.source)
        for trial in past.trials:
            matching.add(trial)
        mistakes += matching.mistakes
        if not matching.points and not mistakes:
            mistakes += [f"results={results}: no trial in it has ended that can be read; expected one", *past.damaged]
    if mistakes:
        raise ConfigError(mistakes)
    trials = [(trial, matching.points[trial.name]) for trial in past.trials if trial.name in matching.points]
    if invocation.config.dry_run:
        print("\n".join([*_told(past, matching), "nothing was written (dry_run=true)"]))  # noqa: T201
        return 0
    compose, executor = Composer(loader), executors.create(EXECUTOR, function.run)

    def tags(invocation: Invocation) -> dict[str, str]:
        return {**record.sweep_tags(invocation), "trialbook.adopted": past.source}

    with opened(invocation, compose, executor, checked=False, tags=tags) as sweep:
        for line in _told(past, matching):
            sweep.terminal.say(line)
        _record(sweep, compose, trials)
        sweep.recorder.store.describe(adopted=past.source)  # last: what is half-done may be adopted again
        from src.running.ending import Ending  # matplotlib, a second; opening imports it in a thread

        Ending(sweep, SweepOutcome(0, "")).finish()
        sweep.terminal.say(f"\nGo on from these trials:\n  {_command(sweep.invocation, len(trials))}")
        return exits.FAILED if sweep.recorder.store.refusals() else 0


def _invocation(loader: ConfigLoader, words: list[str]) -> Invocation:
    """The invocation of `python -m src.sweep` with the same words."""
    words = [word for word in words if word not in ("-m", "--multirun")]
    mistakes = [f"{word}: expected key=value, or group=option" for word in words if word.startswith("-")]
    mistakes += [f"{word}: adopt begins a new study; expected no such word" for word in words if word.partition("=")[0] in NOT_OURS]
    if mistakes:
        raise ConfigError(mistakes)
    line = read_command_line(loader, ["-m", *words])
    if not line.request or not line.config:
        raise AssertionError("no word asks Hydra to show something")
    flag = [] if read(loader, words, multirun=False).multirun else ["-m"]
    command = shlex.join(["python", "-m", "src.sweep", *flag, *words])
    return replace(Invocation.of(line.request, line.config), command=command)


def _unsuited(invocation: Invocation) -> Iterator[str]:
    """Yields why no old results fit into a sweep."""
    if invocation.space.trials:
        yield f"sweeps/{invocation.sweep}.yaml: it lists trials, among which old ones cannot be found; expected params."
    if invocation.second:
        yield f"objective={invocation.objectives}: old results have one score each; expected objective={invocation.objective}"
    settings = invocation.oracle
    if oracles.create(invocation.space, invocation.objective, settings).epochs is not None:
        yield f"oracle={settings['name']}: its rungs cannot be rebuilt from old results; expected oracle=random, bayesian or grid"


def _read(results: str, study: str, objective: Objective) -> Past:
    """Reads a project folder or a storage."""
    path = Path(results)
    if "://" in results:
        file = database(results)
        if not file:
            raise ConfigError(["results=: of the addresses of a storage expected sqlite:///FILE"])
        path = file
    if path.is_file():
        return optuna_storage.read(path, objective, study)
    if not path.is_dir():
        raise ConfigError([f"results={results}: not found; expected a project folder of KerasTuner, or a storage of Optuna's in SQLite"])
    if study:
        raise ConfigError([f"study={study}: a project folder of KerasTuner has no studies; expected results= alone"])
    return kerastuner_project.read(path, objective)


def _adopted_before(source: str) -> Iterator[str]:
    """Yields a mistake if a sweep has these results already: a second one would show them twice."""
    for file in SWEEPS.glob("*/study.db"):
        if source and read_meta(file.parent).get("adopted") == source:
            name = file.parent.name
            yield f"{source}: adopted already; expected python -m src.sweep … resume={name}, or to adopt anew, {file.parent} removed"


def _told(past: Past, matching: Matching) -> Iterator[str]:
    """Yields lines about what is adopted and what is not."""
    yield f"{past.source}: {len(matching.points)} old trials"
    yield from past.damaged
    left_out = [(count, reason) for reason, count in past.left_out.items()]
    if matching.incomplete:
        left_out.append((len(matching.incomplete), "that failed before it had all values"))
    for count, reason in left_out:
        yield f"left out: {count} trial{'' if count == 1 else 's'} {reason}"
    distinct = {tuple(sorted(point.items())) for point in matching.points.values()}
    if repeats := len(matching.points) - len(distinct):
        yield f"{repeats} of them repeat{'s' if repeats == 1 else ''} the values of another one: tables show the first with a score"


def _record(sweep: OpenSweep, compose: Compose, trials: list[tuple[PastTrial, Point]]) -> None:
    """Records each trial as if it had just run, with the times at which it did."""
    recorder = sweep.recorder
    for number, (trial, point) in enumerate(trials):
        sweep.interruption.check()
        recorder.start(number, Proposal(point), compose(overrides(point)), sweep.oracle.state(), trial.started)
        ended = trial.ended or trial.started  # no duration where none is known, in place of the time since it began
        recorder.store.epochs_of(number, dict(sorted(trial.history.items())), ended)
        recorder.end(number, _outcome(trial), trial.score, sweep.oracle.state(), ended)


def _outcome(trial: PastTrial) -> Outcome:
    metrics = {f"kept/{name}": value for name, value in trial.metrics.items()}
    if trial.kept_epoch is not None:
        metrics["kept/epoch"] = trial.kept_epoch
    if trial.seconds is not None:
        metrics["seconds"] = trial.seconds
    history = {"": [float(epoch) for epoch in trial.history]}  # its length is the number of epochs
    seconds = math.nan if trial.seconds is None else trial.seconds  # SQLite keeps NaN as null
    return Outcome(trial.state, metrics, history, seconds, trial.cause)


def _command(invocation: Invocation, count: int) -> str:
    """The command that goes on; with a larger budget if the old trials use it up.

    Args:
        count: number of old trials.
    """
    most = invocation.oracle.get("max_trials")
    if not most or most > count:
        return invocation.command_to_resume
    words = [word for word in shlex.split(invocation.command) if not word.startswith("oracle.max_trials=")]
    more = replace(invocation, command=shlex.join([*words, f"oracle.max_trials={count + most}"]))
    return f"{more.command_to_resume} {shlex.quote('allow=[budget]')}"
