"""Reads a project folder of KerasTuner 1: `oracle.json` and `trial_*/trial.json`, which are plain JSON. KerasTuner is not needed."""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import fmean
from typing import Any

from src.adopting.past import Past, PastTrial, recordable
from src.errors import ConfigError
from src.objective import Objective
from src.states import TrialState

BOOKKEEPING = ("tuner/initial_epoch", "tuner/bracket", "tuner/round", "tuner/trial_id")  # values of Hyperband, not hyperparameters
EPOCHS = {"tuner/epochs": "training.epochs"}
UNNAMED = "default_objective"  # KerasTuner's name if trials return a number and the tuner has no objective; smaller is better
UNREADABLE = (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, OSError, RecursionError)
LARGEST = 2**63  # first whole number that 64 bits do not hold


@dataclass(frozen=True)
class _Stored:
    """The parts of a trial.json that matter.

    Attributes:
        metrics: name → step → mean of the executions.
        directions: name of a metric → min or max.
    """

    name: str
    status: str
    values: dict[str, Any]
    score: float | None
    best_step: int
    message: str
    metrics: dict[str, dict[int, float]]
    directions: dict[str, str]


def read(folder: Path, objective: Objective) -> Past:
    """Returns the trials of a project; reports damaged files and skips them.

    KerasTuner counts epochs from 0 and keeps the best one, as the mean of all executions. If all results have step 0, trials returned
    numbers, and no epoch is known.

    Raises:
        ConfigError: the folder is not a project.
    """
    files = sorted(folder.glob("trial_*/trial.json"))
    if not files:
        inside = sorted(f"results={file.parent}" for file in folder.glob("*/oracle.json"))
        expected = "the project folder of a KerasTuner search"
        expected += f"; did you mean {' or '.join(inside[:3])}?" if inside else "."
        raise ConfigError([f"results={folder}: there is no trial_*/trial.json in it; expected {expected}"])
    past = Past(f"KerasTuner {folder.resolve()}")
    starts, order = _oracle(folder / "oracle.json", past)
    found = []
    for file in files:
        try:
            found.append(_stored(json.loads(file.read_bytes())))
        except UNREADABLE as error:
            past.damaged.append(_unreadable(file, error))
    by_epoch = any(step > 0 for one in found for steps in one.metrics.values() for step in steps)
    for one in sorted(found, key=lambda one: (order.get(one.name, len(order)), one.name)):
        if one.status in ("COMPLETED", "FAILED", "INVALID"):
            past.trials.append(_trial(one, objective, starts.get(one.name), by_epoch=by_epoch))
        else:
            past.left_out["that was running" if one.status == "RUNNING" else "that never started"] += 1
    past.mistakes += _mistakes(found, objective)
    return past


def _unreadable(file: Path, error: Exception) -> str:
    return f"{file}: it cannot be read ({type(error).__name__}: {error!s:.100}), so it is left out; expected a file of KerasTuner"


def _oracle(file: Path, past: Past) -> tuple[dict[str, float], dict[str, int]]:
    """Returns trial → time at which it began, known only if the search printed its progress; and trial → its place in the order."""
    try:
        state = json.loads(file.read_bytes())
        starts = {str(name): datetime.fromisoformat(text).timestamp() for name, text in state["display"]["trial_start"].items()}
        return starts, {str(name): place for place, name in enumerate(state["start_order"])}
    except UNREADABLE as error:
        past.damaged.append(f"{_unreadable(file, error)}. Trials are in the order of their names")
        return {}, {}


def _stored(content: dict[str, Any]) -> _Stored:
    """Checks the types in a trial.json; raises one of UNREADABLE."""
    values = {EPOCHS.get(name, name): value for name, value in content["hyperparameters"]["values"].items() if name not in BOOKKEEPING}
    for name, value in values.items():
        if not isinstance(value, str | int | float | bool | None) or (isinstance(value, int) and abs(value) >= LARGEST):
            raise TypeError(f"{name} is no number, text or boolean")
    found = content["metrics"]["metrics"]
    metrics = {name: {int(one["step"]): fmean(one["value"]) for one in metric["observations"]} for name, metric in found.items()}
    return _Stored(
        name=str(content["trial_id"]),
        status=str(content["status"]),
        values=values,
        score=None if content["score"] is None else float(content["score"]),
        best_step=int(content["best_step"] or 0),
        message=str(content.get("message") or ""),
        metrics={name: steps for name, steps in metrics.items() if steps},
        directions={name: str(metric["direction"]) for name, metric in found.items()},
    )


def _trial(stored: _Stored, objective: Objective, started: float | None, *, by_epoch: bool) -> PastTrial:
    """Converts a trial, scored by the objective; its steps are epochs if `by_epoch`."""
    searched = _searched(stored, objective)
    metrics = {objective.name if name == searched else name: steps for name, steps in stored.metrics.items()}
    kept = recordable({name: steps[stored.best_step] for name, steps in metrics.items() if stored.best_step in steps})
    history = {}
    for step in sorted({step for steps in metrics.values() for step in steps}) if by_epoch else []:
        values = recordable({name: steps[step] for name, steps in metrics.items() if step in steps})
        if values:
            history[step + 1] = values
    score = kept.get(objective.name) if stored.status == "COMPLETED" else None
    if score is not None:
        kept_epoch = stored.best_step + 1 if by_epoch else None
        return PastTrial(stored.name, stored.values, TrialState.FINISHED, score, kept, history, kept_epoch, started=started)
    lines = [line.strip() for line in stored.message.splitlines() if line.strip()]
    cause = lines[-1] if lines else f"KerasTuner: {stored.status}, {objective.name} is not finite"
    return PastTrial(stored.name, stored.values, TrialState.FAILED, history=history, cause=cause, started=started)


def _searched(stored: _Stored, objective: Objective) -> str:
    """Returns KerasTuner's name of the objective."""
    return objective.name if objective.name in stored.metrics else UNNAMED


def _mistakes(found: Iterable[_Stored], objective: Objective) -> list[str]:
    """Returns a mistake if trials lack the objective, or if KerasTuner searched in the other direction."""
    finished = [one for one in found if one.status == "COMPLETED"]
    without = [one for one in finished if _searched(one, objective) not in one.metrics]
    if without:
        known = ", ".join(dict.fromkeys(name for one in without for name in one.metrics)) or "none"
        return [f"objective={objective}: {len(without)} of {len(finished)} finished trials do not have it; expected one of theirs: {known}"]
    for one in finished:
        value = one.metrics[_searched(one, objective)].get(one.best_step)
        if value is None or one.score is None or not math.isclose(value, one.score):
            return []  # KerasTuner searched another objective
    if finished and {one.directions[_searched(one, objective)] for one in finished} != {objective.direction}:
        other = f"{'max' if objective.direction == 'min' else 'min'}:{objective.name}"
        return [f"objective={objective}: KerasTuner searched in the other direction; expected objective={other}"]
    return []
