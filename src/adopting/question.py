"""Converts the search of a script into a file of sweeps/: values, conditions, oracle, budget, data; lists what cannot be converted."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from src.adopting.data import Data
from src.adopting.discovery import Found, values_of
from src.adopting.names import argument
from src.adopting.tuners import Search
from src.config.overrides import as_text
from src.errors import ConfigError

ORACLES = {"RandomSearch": "random", "BayesianOptimization": "bayesian", "Hyperband": "hyperband", "GridSearch": "grid"}
SETTINGS = {  # argument of a tuner → key in the sweep's file
    "max_trials": "oracle.max_trials",
    "seed": "oracle.seed",
    "num_initial_points": "oracle.initial_points",
    "max_epochs": "oracle.max_epochs",
    "factor": "oracle.factor",
    "hyperband_iterations": "oracle.iterations",
    "max_consecutive_failed_trials": "stop.max_failures",
}
KNOWN = (
    *SETTINGS,
    *("self", "kwargs", "oracle", "hypermodel", "objective", "directory", "project_name", "overwrite", "hyperparameters"),
    *("tune_new_entries", "allow_new_entries", "optimizer", "loss", "metrics", "logger"),
)
TAKEN = ("x", "y", "validation_data", "validation_split", "sample_weight", "class_weight", "epochs", "batch_size", "callbacks", "verbose")
HINTS = {
    "executions_per_trial": "repeat the best with new seeds, as the end of the sweep says",
    "distribution_strategy": "executor=local runs trials side by side",
    "max_retries_per_trial": "resume=latest retry=failed runs failed trials again",
}
MOST_LISTED = 30


def sweep_file(name: str, path: str, search: Search | None, data: Data | None, found: dict[str, Found]) -> tuple[dict[str, Any], list[str]]:
    """Returns the content of a sweep's file for a search, and lines for people about the parts that it cannot express.

    Args:
        name: name of the model and the sweep.
        path: path of the file with the data.
        found: config path → hyperparameter.

    Raises:
        ConfigError: a sweep cannot have the objective.
    """
    oracle = ORACLES.get(kind_of(search), "random") if search else "random"
    left_out = [line for one in found.values() for line in one.lines]
    defaults = [{"override /data": "npz"}] if data else []
    content: dict[str, Any] = {"defaults": [*defaults, {"override /model": name}, {"override /oracle": oracle}]}
    values: dict[str, Any] = {}
    if search:
        left_out += _left_out(search)
        values |= _settings(search, oracle) | {"objective": objective_of(search)} | _schedule(search, data, oracle, left_out)
        if oracle == "grid" and search.settings.get("max_trials") is not None:
            left_out.append(f"max_trials={search.settings['max_trials']}: a grid runs every point; stop.max_minutes= limits it")
    if data:
        values |= {"data.path": path, "data.task": data.task, "tracking.experiment": name}
    for key, value in values.items():
        group, dot, last = key.partition(".")
        if dot:
            content.setdefault(group, {})[last] = value
        else:
            content[key] = value
    content["hydra"] = {"mode": "MULTIRUN", "sweeper": _sweeper(found, oracle, left_out)}
    return content, list(dict.fromkeys(left_out))


def kind_of(search: Search) -> str:
    """Returns the class of the tuner; for a Tuner with an oracle, the class of tuners that have this oracle."""
    return type(search.settings["oracle"]).__name__.removesuffix("Oracle") if search.kind == "Tuner" else search.kind


def objective_of(search: Search) -> str:
    """Returns the objective in the form that a sweep takes.

    Raises:
        ConfigError: there are several.
    """
    given = search.settings.get("objective")
    if given is None and "oracle" in search.settings:
        given = search.settings["oracle"].objective
    if isinstance(given, list | tuple):
        raise ConfigError([f"objective: {len(given)} objectives; expected one, by which a sweep ranks."])
    if isinstance(given, str):
        return given
    return f"{given.direction}:{given.name}" if given is not None else "min:default_objective"


def _settings(search: Search, oracle: str) -> dict[str, Any]:
    settings = dict(search.settings)
    if "oracle" in settings:
        settings |= {name: getattr(settings["oracle"], name) for name in SETTINGS if name != "seed" and hasattr(settings["oracle"], name)}
    known: dict[str, tuple[str, ...]] = {
        "random": ("max_trials", "seed"),
        "bayesian": ("max_trials", "seed", "num_initial_points"),
        "hyperband": ("max_epochs", "factor", "hyperband_iterations", "seed"),
        "grid": (),
    }
    found = {SETTINGS[key]: settings[key] for key in known[oracle] if settings.get(key) is not None}
    if settings.get("max_consecutive_failed_trials"):
        found["stop.max_failures"] = settings["max_consecutive_failed_trials"]
    return found


def _schedule(search: Search, data: Data | None, oracle: str, left_out: list[str]) -> dict[str, Any]:
    """Returns the training's epochs, batch size and patience; appends what a trial cannot do to `left_out`."""
    arguments, patience = search.arguments, None
    callbacks = arguments.get("callbacks") or []
    for callback in callbacks if isinstance(callbacks, list | tuple) else [callbacks]:
        if isinstance(callback, keras.callbacks.EarlyStopping):
            patience = callback.patience
            name = objective_of(search).rpartition(":")[2]
            if callback.monitor != name:
                left_out.append(f"EarlyStopping(monitor={callback.monitor!r}): a trial stops by its objective, {name}")
            defaults = {"min_delta": 0, "baseline": None, "start_from_epoch": 0}
            values = {key: getattr(callback, key, default) for key, default in defaults.items()}
            given = [f"{key}={value}" for key, value in values.items() if value != defaults[key]]
            if given:
                left_out.append(f"EarlyStopping({', '.join(given)}): a trial has only its patience")
        else:
            left_out.append(f"callbacks: {type(callback).__name__}; training.callbacks of conf/training/ takes those of Keras")
    size = arguments.get("batch_size") or (data.batch_size if data else None) or 32
    epochs = {} if oracle == "hyperband" else {"training.epochs": arguments.get("epochs", 1)}
    return {**epochs, "training.batch_size": int(size), "training.patience": patience}


def _left_out(search: Search) -> Iterator[str]:
    """Yields a line for each argument of the tuner and its search that has no place in a sweep."""
    kind = kind_of(search)
    if kind not in ORACLES:
        yield f"{kind}: it is no oracle of KerasTuner; random in its place"
    elif search.kind == "Tuner":
        yield f"the seed of its {kind}Oracle: oracle.seed= sets one"
    for name in sorted(search.given - set(KNOWN)):
        yield f"{name}={search.settings[name]!r:.60}: {HINTS.get(name, 'it has no place in a sweep')}"
    for name, value in search.arguments.items():
        if name not in TAKEN:
            yield f"search({name}={value!r:.60}): it has no place in a sweep"
    for name in search.own:
        yield f"{name}: no sweep calls it"


def _sweeper(found: dict[str, Found], oracle: str, left_out: list[str]) -> dict[str, Any]:
    keys = {one.name: key for key, one in found.items()}
    parents = {one.condition[0] for one in found.values() if one.condition}
    sweeper: dict[str, Any] = {"params": {}}
    for key, one in found.items():
        if one.kind == "Fixed":
            continue
        domain = _domain(one, listed=oracle == "grid" or one.name in parents, left_out=left_out)
        if one.condition and one.condition[0] in keys:
            allowed = ",".join(as_text(value) for value in one.condition[1])
            sweeper.setdefault("when", {}).setdefault(f"{keys[one.condition[0]]}={allowed}", {})[key] = domain
        else:
            sweeper["params"][key] = domain
    return sweeper


def _domain(one: Found, *, listed: bool, left_out: list[str]) -> Any:
    """Returns the values of a hyperparameter in the form that a sweep takes; as a list if `listed`, for example in a grid."""
    parameter, values = one.parameter, values_of(one.parameter)
    if one.kind in ("Choice", "Boolean"):
        return values
    low, high, log, integer = parameter.min_value, parameter.max_value, parameter.sampling == "log", one.kind == "Int"
    if parameter.sampling == "reverse_log":
        left_out.append(f"{one.name}: sampling=reverse_log; its range is searched evenly")
    even = integer and not log
    if values and (listed or not even or parameter.step not in (None, 1) or len(values) <= MOST_LISTED):
        return f"range({low},{values[-1] + 1},{parameter.step or 1})" if even and len(values) > MOST_LISTED else list(values)
    if listed:
        left_out.append(f"{one.name}: without a step; a grid goes through 11 values of its range")
        spread = np.geomspace(low, high, 11) if log else np.linspace(low, high, 11)
        return list(dict.fromkeys(round(value) if integer else float(f"{value:.6g}") for value in spread.tolist()))
    interval = f"int(interval({low},{high}))" if integer else f"interval({float(low)!r},{float(high)!r})"
    return f"tag(log,{interval})" if log else interval


def key_of(name: str, *, of_fit: bool) -> str:
    """Returns the config path of a hyperparameter."""
    return f"model.engine.{argument(name)}" if of_fit else f"model.{argument(name)}"
