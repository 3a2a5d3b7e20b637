"""Every mistake of what was asked, each with the received value, what is expected, and what was probably meant."""

import os.path
import re
from collections.abc import Iterator
from typing import Any

from src.config.asked import Asked
from src.config.catalog import Catalog
from src.config.overrides import Assignment
from src.config.paths import TRIAL_GROUPS, TRIAL_KEYS
from src.config.rules import expected
from src.errors import ConfigError, did_you_mean
from src.objective import Objective


def find_mistakes(asked: Asked, catalog: Catalog) -> list[str]:
    """All mistakes, in the order in which they were written; empty when the sweep may start."""
    options = _options(asked, catalog)
    mistakes = list(asked.mistakes)
    for one in asked.everything:
        mistakes += _option_mistakes(one, options, catalog) if one.key in catalog.groups else _key_mistakes(one, options, catalog)
        mistakes += _shape_mistakes(one, asked)
    mistakes += _search_mistakes(asked, options, catalog)
    if not mistakes:
        mistakes += [*_missing_values(asked, options, catalog), *_objective_mistakes(asked, options, catalog)]
    return list(dict.fromkeys(mistakes))


def _options(asked: Asked, catalog: Catalog) -> dict[str, list[str]]:
    """Group → the options that any trial may choose."""
    options = {}
    for group, default in catalog.defaults.items():
        fixed = [value for one in asked.assignments if one.key == group for value in one.values]
        own = [value for trial in asked.trials for one in trial if one.key == group for value in one.values]
        everywhere = asked.trials and all(any(one.key == group for one in trial) for trial in asked.trials)
        found = [*own, *(fixed or ([] if everywhere else [default]))]
        options[group] = [option for option in catalog.groups[group] if option in found] or [default]
    return options


def _option_mistakes(one: Assignment, options: dict[str, list[str]], catalog: Catalog) -> Iterator[str]:
    known = catalog.groups[one.key]
    if one.key == "sweeps" and (one.swept or isinstance(one.values[0], list)):
        yield f"{one.origin}: one question at a time; expected one of {', '.join(known)}"
        return
    for value in one.values:
        if isinstance(value, list):
            yield f"{one.origin}: a list would merge all its options into one; for a sweep say -m {one.key}={','.join(map(str, value))}"
        elif value not in known:
            yield f"{one.origin}: {one.key} has no option {str(value)!r}{did_you_mean(str(value), known)} Options: {', '.join(known)}"
    if one.key in options and all(one.key in catalog.inactive(model) for model in options["model"]):
        yield f"{one.origin}: {_nowhere(one.key, one.key, options, catalog)}"
    if one.prefix:
        yield f"{one.origin}: {one.key} is already there; say {one.key}={one.texts[0]} without {one.prefix!r}."


def _key_mistakes(one: Assignment, options: dict[str, list[str]], catalog: Catalog) -> Iterator[str]:
    group = one.group
    found = {option: catalog.keys(group, option) for option in options.get(group, ())}
    defaults = [keys[one.key] for keys in (*found.values(), catalog.top) if one.key in keys]
    constructed = group in TRIAL_GROUPS and any(f"{group}._target_" in keys for keys in found.values())
    if one.key == "model.inactive":
        yield f"{one.origin}: what a model does not use is settled in its file; expected conf/model/x.yaml with another 'inactive'."
        return
    if one.prefix == "+" and defaults:
        yield f"{one.origin}: {one.key} is already there; say {one.key}=… without '+'."
    if one.prefix and constructed and group != one.key and not defaults:
        if above := next((path for keys in found.values() for path in keys if one.key.startswith(f"{path}.")), None):
            yield f"{one.origin}: {above} is a value and has no {one.key!r}; expected {above}=…"
        return  # a new argument of the option's constructor, which is bound before the first trial trains
    choices = [{"model": model, group: option} for model in options["model"] for option in options.get(group, [""])]
    choices = [{**choice, "model": choice[group]} if group == "model" else choice for choice in choices]
    if not any(catalog.has(choice, one.key) for choice in choices):
        known = any(one.key in catalog.keys(group, option) for option in catalog.groups.get(group, ()))
        if not (known and one.origin.startswith("sweeps/")):  # a file may hold the axes of options that this command line left out
            yield f"{one.origin}: {_nowhere(one.key, group, options, catalog)}"
        return
    for value in one.values_or_ends:
        wanted = [expected(one.key, value, default) for default in defaults]
        if wanted and all(wanted):
            yield f"{one.origin}: {value!r}, where {one.key} is {wanted[0]}."
        elif one.key == f"{group}._target_":
            yield f"{one.origin}: chosen by the name of an option; expected {group}={'|'.join(catalog.groups[group])}."


def _nowhere(key: str, group: str, options: dict[str, list[str]], catalog: Catalog) -> str:
    """Why no trial has a key: nobody knows it, or those who do were not chosen."""
    owners = [option for option in catalog.groups.get(group, ()) if key in catalog.keys(group, option)] if group in options else []
    chosen = " and ".join(options.get(group, ()))
    if group in options and all(group in catalog.inactive(model) for model in options["model"]):
        return f"{' and '.join(options['model'])} does not use {group!r}; expected a model that does, or leave it out."
    if owners:
        return f"{group}={chosen} has no {key!r}; it belongs to {', '.join(f'{group}={owner}' for owner in owners)}."
    known = [
        *catalog.top,
        *catalog.groups,
        *(path for name, chosen in options.items() for option in chosen for path in catalog.keys(name, option)),
    ]
    return f"there is no {key!r}{did_you_mean(key, dict.fromkeys(known))} Every key: python -m src.sweep --cfg job"


def _shape_mistakes(one: Assignment, asked: Asked) -> Iterator[str]:
    if not one.texts and not one.interval:
        yield f"{one.origin}: an empty list of values; expected at least one."
    if len({repr(value) for value in one.values}) < len(one.values):
        twice = next(text for text, value in zip(one.texts, one.values, strict=True) if one.values.count(value) > 1)
        yield f"{one.origin}: {twice} is given twice; expected distinct values."
    if one.swept and len(one.texts) != 1 and not asked.multirun:
        yield f"{one.origin}: several values; add -m to sweep over them."
    if one.swept and one.group not in (*TRIAL_KEYS, "sweeps"):
        yield f"{one.origin}: a sweep has one {one.key}; expected a single value."


def _search_mistakes(asked: Asked, options: dict[str, list[str]], catalog: Catalog) -> Iterator[str]:
    """What the oracle can not search, and conditions and exclusions that name nothing."""
    if options["oracle"] == ["grid"]:
        for one in (one for one in asked.everything if one.interval):
            yield f"{one.origin}: a grid has no list of values to go through; say range(1,10,3) or choice(1,4,7), or oracle=random."
    elif asked.trials:
        yield f"oracle={options['oracle'][0]}: explicit trials are gone through in turn; expected oracle=grid."
    given = {one.key: one for one in asked.assignments}
    for key in ("resume", "retry", "allow"):
        if key in given and (not asked.multirun or (key != "resume" and "resume" not in given)):
            yield f"{given[key].origin}: expected the sweep's own command behind -m, and resume=latest or its id."
    if options["oracle"] == ["hyperband"]:
        for one in (one for one in asked.everything if one.key == "training.epochs"):
            yield f"{one.origin}: hyperband decides on the epochs; expected oracle.max_epochs={one.texts[-1] if one.texts else 20}"
    for condition, one in asked.when:
        if condition.key not in catalog.groups:
            yield f"{one.origin}: when {condition.key}: expected a group and its option, such as optimizer=sgd."
        else:
            yield from _option_mistakes(condition, options, catalog)
    for one in (one for rule in asked.exclude for one in rule):
        known = {key for group in catalog.defaults for name in catalog.groups[group] for key in catalog.keys(group, name)}
        if one.key not in known | catalog.top.keys() | catalog.groups.keys():
            yield f"{one.origin}: there is no {one.key!r}{did_you_mean(one.key, known)}"


def _missing_values(asked: Asked, options: dict[str, list[str]], catalog: Catalog) -> Iterator[str]:
    """Values that conf/ leaves to the user (`???`), and files that do not exist."""
    given = {one.key: one for one in asked.everything}
    for option in options["data"]:
        for key, default in catalog.keys("data", option).items():
            if default == "???" and key not in given:
                yield f"data={option}: {key} is not set; expected {key}=…"
            for value in given[key].values if key in given and key.endswith((".path", ".folder")) else ():
                if value is not None and not os.path.exists(str(value)):
                    yield f"{given[key].origin}: {str(value)!r} does not exist; expected a file or folder."


def _objective_mistakes(asked: Asked, options: dict[str, list[str]], catalog: Catalog) -> Iterator[str]:
    lists = {one.origin: one.values[0] for one in asked.everything if one.key == "training.metrics"}
    reported = _reported_metrics(
        list(lists.values()) or [catalog.keys("training", name)["training.metrics"] for name in options["training"]]
    )
    given = [(one.origin, str(value)) for one in asked.everything if one.key == "objective" for value in one.values]
    default = str(catalog.top["objective"])
    for origin, value in given or [(" ".join([*lists, f"objective={default}"]), default)]:
        name = value.rpartition(":")[2]
        if name not in reported:
            yield f"{origin}: no metric {name!r} is reported{did_you_mean(name, reported)} Metrics: {', '.join(reported)}"
            continue
        try:
            Objective.parse(value)
        except ConfigError as error:
            yield from error.mistakes


def _reported_metrics(lists: list[list[Any]]) -> list[str]:
    """The names that Keras gives to the metrics of conf/training/."""
    names = ["loss"]
    for metric in (metric for metrics in lists for metric in metrics):
        target = metric if isinstance(metric, str) else metric.get("name") or metric["_target_"].rpartition(".")[2]
        names.append(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", target).lower())
    return [f"{prefix}{name}" for prefix in ("", "val_") for name in dict.fromkeys(names)]
