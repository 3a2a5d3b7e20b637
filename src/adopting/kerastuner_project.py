"""Reads a project folder of KerasTuner 1: `oracle.json` and `trial_*/trial.json`, which are plain JSON. KerasTuner is not needed."""

import json
import math
from datetime import datetime
from pathlib import Path
from statistics import fmean
from typing import Any

from src.adopting.past import Past, PastTrial, recordable
from src.errors import ConfigError
from src.objective import Objective
from src.states import TrialState

BOOKKEEPING = ("tuner/initial_epoch", "tuner/bracket", "tuner/round", "tuner/trial_id")  # Hyperband's, beside the hyperparameters
EPOCHS = {"tuner/epochs": "training.epochs"}
UNNAMED = "default_objective"  # its name where trials return a number and the tuner was given no objective; smaller is better
UNREADABLE = (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, OSError, RecursionError)
LARGEST = 2**63  # of a whole number, as everywhere but in Python


def read(folder: Path, objective: Objective) -> Past:
    """Reads the trials of a project; a file that is damaged is told and skipped.

    KerasTuner counts epochs from 0 and keeps the best one, as the mean of all executions. Results of step 0 alone are those of trials
    that returned numbers: then no epoch is known.

    Raises:
        ConfigError: the folder is no project.
    """
    files = sorted(folder.glob("trial_*/trial.json"))
    if not files:
        inside = sorted(f"results={file.parent}" for file in folder.glob("*/oracle.json"))
        hint = f"; did you mean {' or '.join(inside[:3])}?" if inside else "."
        raise ConfigError(
            [f"results={folder}: there is no trial_*/trial.json in it; expected the project folder of a KerasTuner search{hint}"]
        )
    past = Past(f"KerasTuner {folder.resolve()}")
    starts, order = _oracle(folder / "oracle.json", past)
    states = {}
    for file in files:
        try:
            states[file] = _checked(json.loads(file.read_bytes()))
        except UNREADABLE as error:
            past.damaged.append(_unreadable(file, error))
    by_epoch = any(step > 0 for state in states.values() for steps in state["metrics"].values() for step in steps)
    for state in sorted(states.values(), key=lambda state: (order.get(state["name"], len(order)), state["name"])):
        if state["status"] in ("COMPLETED", "FAILED", "INVALID"):
            past.trials.append(_trial(state, objective, starts.get(state["name"]), by_epoch=by_epoch))
        else:
            past.left_out[f"that {'was running' if state['status'] == 'RUNNING' else 'never started'}"] += 1
    past.mistakes += _mistakes(states.values(), objective)
    return past


def _unreadable(file: Path, error: Exception) -> str:
    return f"{file}: it cannot be read ({type(error).__name__}: {error!s:.100}), so it is left out; expected what KerasTuner writes"


def _oracle(file: Path, past: Past) -> tuple[dict[str, float], dict[str, int]]:
    """Trial → when it began, which is known where the search printed its progress; trial → its place in the order of all."""
    try:
        state = json.loads(file.read_bytes())
        starts = {str(name): datetime.fromisoformat(text).timestamp() for name, text in state["display"]["trial_start"].items()}
        return starts, {str(name): place for place, name in enumerate(state["start_order"])}
    except UNREADABLE as error:
        past.damaged.append(f"{_unreadable(file, error)}. Trials are in the order of their names")
        return {}, {}


def _checked(state: dict[str, Any]) -> dict[str, Any]:
    """Picks the parts of a trial.json that matter, and checks their types.

    Returns:
        name, status, values, score, best_step, message; metrics: name → step → mean of the executions; directions: name → min or max.
    """
    values = {EPOCHS.get(name, name): value for name, value in state["hyperparameters"]["values"].items() if name not in BOOKKEEPING}
    for name, value in values.items():
        if not isinstance(value, str | int | float | bool | None) or (isinstance(value, int) and abs(value) >= LARGEST):
            raise TypeError(f"{name} is no number, text or boolean")
    found = state["metrics"]["metrics"]
    metrics = {name: {int(one["step"]): fmean(one["value"]) for one in metric["observations"]} for name, metric in found.items()}
    score = None if state["score"] is None else float(state["score"])
    return {
        "name": str(state["trial_id"]),
        "status": str(state["status"]),
        "values": values,
        "score": score,
        "best_step": int(state["best_step"] or 0),
        "message": str(state.get("message") or ""),
        "metrics": {name: steps for name, steps in metrics.items() if steps},
        "directions": {name: str(metric["direction"]) for name, metric in found.items()},
    }


def _trial(state: dict[str, Any], objective: Objective, started: float | None, *, by_epoch: bool) -> PastTrial:
    """The trial under an objective.

    Args:
        by_epoch: steps are epochs.
    """
    best = state["best_step"]
    named = {_name(name, objective, state): steps for name, steps in state["metrics"].items()}
    steps = sorted({step for of_metric in named.values() for step in of_metric} if by_epoch else ())
    history = {step + 1: recordable({name: of[step] for name, of in named.items() if step in of}) for step in steps}
    kept = recordable({name: of[best] for name, of in named.items() if best in of})
    score = kept.get(objective.name) if state["status"] == "COMPLETED" else None
    history = {epoch: metrics for epoch, metrics in history.items() if metrics}
    if score is not None:
        kept_epoch = best + 1 if by_epoch else None
        return PastTrial(state["name"], state["values"], TrialState.FINISHED, score, kept, history, kept_epoch, started=started)
    said = [line.strip() for line in state["message"].splitlines() if line.strip()]
    cause = said[-1] if said else f"KerasTuner: {state['status']}, {objective.name} is not finite"
    return PastTrial(state["name"], state["values"], TrialState.FAILED, history=history, cause=cause, started=started)


def _name(metric: str, objective: Objective, state: dict[str, Any]) -> str:
    """The name of a metric; a number without one is the objective."""
    return objective.name if metric == UNNAMED and objective.name not in state["metrics"] else metric


def _mistakes(states: Any, objective: Objective) -> list[str]:
    """Finds trials without the objective, and an objective that KerasTuner searched in the other direction."""
    done = [state for state in states if state["status"] == "COMPLETED"]
    without = [state for state in done if not {objective.name, UNNAMED} & state["metrics"].keys()]
    if without:
        known = ", ".join(dict.fromkeys(name for state in without for name in state["metrics"])) or "none"
        return [f"objective={objective}: {len(without)} of {len(done)} finished trials do not have it; expected one of theirs: {known}"]
    names = [objective.name if objective.name in state["metrics"] else UNNAMED for state in done]
    scored = [(state["metrics"][name].get(state["best_step"]), state["score"]) for state, name in zip(done, names, strict=True)]
    directions = {state["directions"][name] for state, name in zip(done, names, strict=True)}
    searched = all(value is not None and score is not None and math.isclose(value, score) for value, score in scored)
    if done and searched and directions != {objective.direction}:
        other = f"{'max' if objective.direction == 'min' else 'min'}:{objective.name}"
        return [f"objective={objective}: KerasTuner searched in the other direction; expected objective={other}"]
    return []
