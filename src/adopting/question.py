"""Writes the search of a script as a file of sweeps/: values, conditions, oracle, budget, data; lists what such a file cannot say."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras

from src.adopting.data import Data
from src.adopting.discovery import Found, values_of
from src.adopting.names import argument
from src.adopting.tuners import Search
from src.config.overrides import as_text
from src.errors import ConfigError

ORACLES = {"RandomSearch": "random", "BayesianOptimization": "bayesian", "Hyperband": "hyperband", "GridSearch": "grid"}
SETTINGS = {  # argument of a tuner → key of a sweep's file
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


@dataclass(frozen=True)
class Question:
    """The file of a sweep.

    Attributes:
        content: as YAML has it.
        left_out: lines for people about the parts that it cannot say.
    """

    content: dict[str, Any]
    left_out: list[str]


def ask(name: str, path: str, search: Search | None, data: Data | None, found: dict[str, Found]) -> Question:
    """Makes the question of a search.

    Args:
        name: of the model and the sweep.
        path: of the file with the data.
        found: config path → hyperparameter.

    Raises:
        ConfigError: the objective cannot be one of a sweep.
    """
    oracle = ORACLES.get(kind_of(search), "random") if search else "random"
    left_out = [line for one in found.values() for line in one.lines] + (list(_left_out(search)) if search else [])
    defaults = [{"override /data": "npz"}] if data else []
    content: dict[str, Any] = {"defaults": [*defaults, {"override /model": name}, {"override /oracle": oracle}]}
    values = _settings(search, oracle) if search else {}
    if search:
        values |= {"objective": objective_of(search)} | _schedule(search, data, oracle, left_out)
    if data:
        values |= {"data.path": path, "data.task": data.task, "tracking.experiment": name}
    for key, value in values.items():
        group, dot, last = key.partition(".")
        content.setdefault(group, {})[last] = value
        if not dot:
            content[group] = value
    if oracle == "grid" and search and search.settings.get("max_trials") is not None:
        left_out.append(f"max_trials={search.settings['max_trials']}: a grid runs every point; stop.max_minutes= limits it")
    content["hydra"] = {"mode": "MULTIRUN", "sweeper": _sweeper(found, oracle, left_out)}
    return Question(content, list(dict.fromkeys(left_out)))


def kind_of(search: Search) -> str:
    """The class of the tuner; of one with an oracle of its own, the class of tuners for that oracle."""
    return type(search.settings["oracle"]).__name__.removesuffix("Oracle") if search.kind == "Tuner" else search.kind


def objective_of(search: Search) -> str:
    """The objective in the words of a sweep.

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
    known = {"random": ("max_trials", "seed"), "bayesian": ("max_trials", "seed", "num_initial_points"), "grid": ()}
    names = known.get(oracle, ("max_epochs", "factor", "hyperband_iterations", "seed"))
    found = {SETTINGS[key]: settings[key] for key in names if settings.get(key) is not None}
    failures = settings.get("max_consecutive_failed_trials")
    return found | ({"stop.max_failures": failures} if failures else {})


def _schedule(search: Search, data: Data | None, oracle: str, left_out: list[str]) -> dict[str, Any]:
    """The training's epochs, batch size and patience."""
    arguments, patience = search.arguments, None
    callbacks = arguments.get("callbacks") or []
    for callback in callbacks if isinstance(callbacks, list | tuple) else [callbacks]:
        if isinstance(callback, keras.callbacks.EarlyStopping):
            patience = callback.patience
            name = objective_of(search).rpartition(":")[2]
            if callback.monitor != name:
                left_out.append(f"EarlyStopping(monitor={callback.monitor!r}): a trial stops by its objective, {name}")
            others = {"min_delta": 0, "baseline": None, "start_from_epoch": 0}
            values = {key: getattr(callback, key, usual) for key, usual in others.items()}
            given = [f"{key}={value}" for key, value in values.items() if value != others[key]]
            left_out += [f"EarlyStopping({', '.join(given)}): of it a trial knows patience alone"] if given else []
        else:
            left_out.append(f"callbacks: {type(callback).__name__}; training.callbacks of conf/training/ takes those of Keras")
    size = arguments.get("batch_size") or (data.batch_size if data else None) or 32
    epochs = {} if oracle == "hyperband" else {"training.epochs": arguments.get("epochs", 1)}
    return {**epochs, "training.batch_size": int(size), "training.patience": patience}


def _left_out(search: Search) -> Iterator[str]:
    """Yields the arguments of the tuner and its search that have no place in a sweep."""
    if (kind := kind_of(search)) not in ORACLES:
        yield f"{kind}: it is no oracle of KerasTuner; random in its place"
    elif search.kind == "Tuner":
        yield f"the seed of its {kind}Oracle: oracle.seed= sets one"
    for name in sorted(search.given - set(KNOWN)):
        yield f"{name}={search.settings[name]!r:.60}: {HINTS.get(name, 'it has no place in a sweep')}"
    for name in (name for name in search.arguments if name not in TAKEN):
        yield f"search({name}={search.arguments[name]!r:.60}): it has no place in a sweep"
    yield from (f"{name}: no sweep calls it" for name in search.own)


def _sweeper(found: dict[str, Found], oracle: str, left_out: list[str]) -> dict[str, Any]:
    """The `params` and `when` of the hyperparameters that vary."""
    keys = {one.name: key for key, one in found.items()}
    parents = {one.condition[0] for one in found.values() if one.condition}
    sweeper: dict[str, Any] = {"params": {}}
    for key, one in found.items():
        if one.kind == "Fixed":
            continue
        text = _domain(one, listed=oracle == "grid" or one.name in parents, left_out=left_out)
        if one.condition and (parent := keys.get(one.condition[0])):
            allowed = ",".join(as_text(value) for value in one.condition[1])
            sweeper.setdefault("when", {}).setdefault(f"{parent}={allowed}", {})[key] = text
        else:
            sweeper["params"][key] = text
    return sweeper


def _domain(one: Found, *, listed: bool, left_out: list[str]) -> Any:
    """The values of a hyperparameter, in the words of a sweep."""
    parameter, values = one.parameter, values_of(one.parameter)
    if one.kind in ("Choice", "Boolean"):
        return values
    low, high, log = parameter.min_value, parameter.max_value, parameter.sampling == "log"
    if parameter.sampling == "reverse_log":
        left_out.append(f"{one.name}: sampling=reverse_log; its range is searched evenly")
    even = one.kind == "Int" and not log
    if values and (listed or not even or parameter.step not in (None, 1) or len(values) <= MOST_LISTED):
        return f"range({low},{values[-1] + 1},{parameter.step or 1})" if even and len(values) > MOST_LISTED else list(values)
    if listed:
        shares = [number / 10 for number in range(11)]
        left_out.append(f"{one.name}: without a step; a grid goes through 11 values of its range")
        spread = [low * (high / low) ** share if log else low + share * (high - low) for share in shares]
        return list(dict.fromkeys(round(value) if one.kind == "Int" else float(f"{value:.6g}") for value in spread))
    interval = f"interval({low},{high})" if one.kind == "Int" else f"interval({float(low)!r},{float(high)!r})"
    interval = f"int({interval})" if one.kind == "Int" else interval
    return f"tag(log,{interval})" if log else interval


def key_of(name: str, *, of_fit: bool) -> str:
    """The config path of a hyperparameter."""
    return f"model.engine.{argument(name)}" if of_fit else f"model.{argument(name)}"
