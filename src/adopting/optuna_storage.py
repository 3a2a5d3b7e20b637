"""Reads a study from an Optuna storage in an SQLite file, through Optuna: values are JSON, and it stores no sampler or pruner."""

import math
import sqlite3
import tempfile
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from src.adopting.past import Past, PastTrial, recordable
from src.errors import ConfigError, did_you_mean
from src.objective import Objective
from src.states import TrialState

if TYPE_CHECKING:
    import optuna

TABLES = {"studies", "trials", "version_info"}


def read(file: Path, objective: Objective, name: str = "") -> Past:
    """Returns the trials of a study. Their value has no name in Optuna; it is the objective if the directions agree.

    Optuna's steps are epochs. If one of them is 0, steps count from 0, and all are increased by one. A pruned trial is FAILED, because
    its value comes from a shorter training.

    Args:
        name: name of the study; may be empty if there is only one.

    Raises:
        ConfigError: there is no such study, or it cannot be read.
    """
    place = f"results={file}"
    try:
        import optuna
    except ImportError as error:
        raise ConfigError([f"{place}: only Optuna can read its storage, and is not installed; expected: pip install optuna"]) from error
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "optuna.db"
        _copy(file, copy)  # Optuna adds its tables to any file that it opens
        try:
            storage = optuna.storages.RDBStorage(f"sqlite:///{copy}")
            chosen = _chosen(file, name, optuna.get_all_study_names(storage))
            study = optuna.load_study(study_name=chosen, storage=storage)
            directions, trials = study.directions, study.get_trials(deepcopy=False)
            storage.engine.dispose()
        except ConfigError:
            raise
        except Exception as error:  # of many kinds, for another version of the schema or foreign content
            raise ConfigError([f"{place}: Optuna cannot read it: {' '.join(str(error).split()):.300}"]) from error
    past = Past(f"Optuna {file.resolve()} {chosen}")
    shift = 1 if any(step < 1 for trial in trials for step in trial.intermediate_values) else 0
    for trial in trials:
        if trial.state.is_finished():
            past.trials.append(_trial(trial, objective, shift))
        else:
            past.left_out["that was running" if trial.state == optuna.trial.TrialState.RUNNING else "that never started"] += 1
    if len(directions) > 1:
        past.mistakes.append(f"study={chosen}: it has {len(directions)} objectives; expected a study with one")
    elif {"MINIMIZE": "min", "MAXIMIZE": "max"}.get(directions[0].name) != objective.direction:
        words = f"objective={objective}: the study {chosen!r} is to {directions[0].name.lower()} its value"
        past.mistakes.append(f"{words}; expected {'max' if objective.direction == 'min' else 'min'}:NAME")
    return past


def _copy(file: Path, copy: Path) -> None:
    """Copies a storage, whose search may be running; raises ConfigError if the file is not a storage of Optuna."""
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
            found = {table for (table,) in target.execute("select name from sqlite_master where type = 'table'")}
    except sqlite3.Error as error:
        raise ConfigError([f"results={file}: it is no SQLite file that can be read ({error}); expected a storage of Optuna's"]) from error
    if missing := TABLES - found:
        raise ConfigError([f"results={file}: it has no table {', '.join(sorted(missing))}; expected a storage of Optuna's"])


def _chosen(file: Path, name: str, known: list[str]) -> str:
    if name in known or (not name and len(known) == 1):
        return name or known[0]
    if not known:
        raise ConfigError([f"results={file}: there is no study in it; expected one"])
    hint = f"no such study{did_you_mean(name, known)}" if name else "which one?"
    raise ConfigError([f"study={name}: {hint} Studies: {', '.join(known)}"])


def _trial(trial: "optuna.trial.FrozenTrial", objective: Objective, shift: int) -> PastTrial:
    """Converts a trial, scored by the objective; adds `shift` to its steps."""
    steps = {step + shift: recordable({objective.name: value}) for step, value in sorted(trial.intermediate_values.items())}
    history = {step: found for step, found in steps.items() if found}
    began, ended = _time(trial.datetime_start), _time(trial.datetime_complete)
    seconds = None if trial.duration is None else trial.duration.total_seconds()  # exact, unlike the difference of the two
    name, values = str(trial.number), dict(trial.params)
    state, value = trial.state.name, trial.values[0] if trial.values else math.nan
    if state == "COMPLETE" and math.isfinite(value):
        last = max(history, default=None)
        kept = {objective.name: float(value)}
        return PastTrial(name, values, TrialState.FINISHED, value, kept, history, last, "", seconds, began, ended)
    after = f" after step {max(trial.intermediate_values)}" if trial.intermediate_values else ""
    cause = {"PRUNED": f"pruned by Optuna{after}", "FAIL": "failed in Optuna, which keeps no cause"}.get(state, f"its value is {value}")
    return PastTrial(name, values, TrialState.FAILED, None, {}, history, None, cause, seconds, began, ended)


def _time(moment: datetime | None) -> float | None:
    """Converts one of Optuna's times, which are local, into seconds since 1970."""
    return None if moment is None else moment.timestamp()
