"""Creates a study from old results, which `python -m src.sweep … resume=ID` continues."""

import math
import shlex
from collections import Counter
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

RESUMING = ("resume", "retry", "allow")  # keys that only a sweep to resume takes
EXECUTOR = {"_target_": "src.executors.inline.Inline"}  # no trial runs


def adopt(loader: ConfigLoader, results: str, study: str, words: list[str]) -> int:
    """Records the trials of another tool as a sweep; returns the exit code.

    Args:
        results: a project folder of KerasTuner, or an Optuna storage in SQLite, as a file or an address.
        study: name of the study in the storage; may be empty if there is only one.
        words: command-line arguments of the sweep, as after `python -m src.sweep`.

    Raises:
        ConfigError: the arguments have mistakes, or the results do not match the sweep; the message has all reasons. Nothing was written.
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
            mistakes += [f"results={results}: it has no trial that ended and can be read; expected one", *past.damaged]
    if mistakes:
        raise ConfigError(mistakes)
    trials = [(trial, matching.points[trial.name]) for trial in past.trials if trial.name in matching.points]
    if invocation.config.dry_run:
        print("\n".join([*_summary(past, matching), "nothing was written (dry_run=true)"]))  # noqa: T201
        return 0
    compose, executor = Composer(loader), executors.create(EXECUTOR, function.run)

    def tags(invocation: Invocation) -> dict[str, str]:
        return {**record.sweep_tags(invocation), "trialbook.adopted": past.source}

    with opened(invocation, compose, executor, checked=False, tags=tags) as sweep:
        for line in _summary(past, matching):
            sweep.terminal.say(line)
        _record(sweep, compose, trials)
        sweep.recorder.store.describe(adopted=past.source)  # last, so that an unfinished adoption can be repeated
        from src.running.ending import Ending  # imports matplotlib, which takes a second; opening imports it in a thread

        Ending(sweep, SweepOutcome(0, "")).finish()
        sweep.terminal.say(f"\nGo on from these trials:\n  {_command(sweep.invocation, len(trials))}")
        return exits.FAILED if sweep.recorder.store.refusals() else 0


def _invocation(loader: ConfigLoader, words: list[str]) -> Invocation:
    """Returns the invocation of `python -m src.sweep` with the same words."""
    words = [word for word in words if word not in ("-m", "--multirun")]
    mistakes = [f"{word}: expected key=value, or group=option" for word in words if word.startswith("-")]
    mistakes += [
        f"{word}: adopt creates a new study; expected none of {', '.join(RESUMING)}" for word in words if word.partition("=")[0] in RESUMING
    ]
    if mistakes:
        raise ConfigError(mistakes)
    line = read_command_line(loader, ["-m", *words])
    if not line.request or not line.config:
        raise AssertionError("no word asks Hydra to show something")
    flag = [] if read(loader, words, multirun=False).multirun else ["-m"]
    command = shlex.join(["python", "-m", "src.sweep", *flag, *words])
    return replace(Invocation.of(line.request, line.config), command=command)


def _unsuited(invocation: Invocation) -> Iterator[str]:
    """Yields reasons why a sweep cannot take old results."""
    if invocation.space.trials:
        yield f"sweeps/{invocation.sweep}.yaml: it lists explicit trials, to which old results cannot be matched; expected params."
    if invocation.second:
        yield f"objective={invocation.objectives}: old results have one score each; expected objective={invocation.objective}"
    settings = invocation.oracle
    if oracles.create(invocation.space, invocation.objective, settings).epochs is not None:
        yield f"oracle={settings['name']}: its rungs cannot be rebuilt from old results; expected oracle=random, bayesian or grid"


def _read(results: str, study: str, objective: Objective) -> Past:
    path = database(results) if "://" in results else Path(results)
    if not path:
        raise ConfigError(["results=: this kind of storage cannot be read; expected sqlite:///FILE"])
    if path.is_file():
        return optuna_storage.read(path, objective, study)
    if not path.is_dir():
        raise ConfigError([f"results={results}: not found; expected a project folder of KerasTuner, or a storage of Optuna's in SQLite"])
    if study:
        raise ConfigError([f"study={study}: a project folder of KerasTuner has no studies; expected results= alone"])
    return kerastuner_project.read(path, objective)


def _adopted_before(source: str) -> Iterator[str]:
    """Yields a mistake if a sweep has these results already, because a second one would show them twice."""
    for file in SWEEPS.glob("*/study.db"):
        if source and read_meta(file.parent).get("adopted") == source:
            name = file.parent.name
            yield f"{source}: adopted already; expected python -m src.sweep … resume={name}, or to adopt anew, {file.parent} removed"


def _summary(past: Past, matching: Matching) -> Iterator[str]:
    yield f"{past.source}: {len(matching.points)} old trials"
    yield from past.damaged
    left_out = past.left_out + Counter({"that failed before it had all values": len(matching.incomplete)})
    for reason, count in left_out.items():
        yield f"left out: {count} trial{'' if count == 1 else 's'} {reason}"
    distinct = {tuple(sorted(point.items())) for point in matching.points.values()}
    if repeats := len(matching.points) - len(distinct):
        yield f"{repeats} of them repeat{'s' if repeats == 1 else ''} the values of another one: tables show the first with a score"


def _record(sweep: OpenSweep, compose: Compose, trials: list[tuple[PastTrial, Point]]) -> None:
    """Records each trial like one that just ran, but with its own times."""
    recorder = sweep.recorder
    for number, (trial, point) in enumerate(trials):
        sweep.interruption.check()
        recorder.start(number, Proposal(point), compose(overrides(point)), sweep.oracle.state(), trial.started)
        ended = trial.ended or trial.started  # without a known duration, 0 instead of the time since it began
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
    """Returns the command that continues the study, with a larger budget if `count` old trials exhaust it."""
    most = invocation.oracle.get("max_trials")
    if not most or most > count:
        return invocation.command_to_resume
    words = [word for word in shlex.split(invocation.command) if not word.startswith("oracle.max_trials=")]
    larger = replace(invocation, command=shlex.join([*words, f"oracle.max_trials={count + most}"]))
    return f"{larger.command_to_resume} {shlex.quote('allow=[budget]')}"
