"""Finds all mistakes of a request. Each message has the received value, the expected one, and a guess of what was meant."""

import itertools
import os.path
from collections.abc import Iterator, Sequence
from typing import Any

from src.config import conditions, limits, links, objectives, points, without_effect
from src.config.catalog import Catalog
from src.config.metrics import metric_mistakes
from src.config.overrides import Assignment
from src.config.paths import KERAS_GROUPS, SETTLED, TRIAL_GROUPS, TRIAL_KEYS, Options, leaves
from src.config.request import FOLDERS, Request
from src.config.rules import expected
from src.errors import ConfigError, collecting, did_you_mean

WITHOUT_EFFECT = {
    **{"hydra.output_subdir": None, "hydra.job.name": "trial", "hydra.job.chdir": False},
    **{"hydra/sweeper": "kerastuner", "hydra/hydra_logging": "none", "hydra/job_logging": "none"},
}


def find_mistakes(request: Request) -> list[str]:
    """Returns all mistakes; empty if the sweep may start.

    Raises:
        ConfigError: the file of a chosen option is broken, so its keys, and mistakes with them, are not known.
    """
    catalog = request.catalog
    options = _options(request)
    mistakes, broken = [*request.mistakes, *_hydra_mistakes(catalog)], list[str]()
    for group, chosen in options.items():
        for option in chosen:
            with collecting(broken):
                catalog.keys(group, option)
    if not broken:
        broken += _uses_mistakes(options["trial"], catalog)
    if broken:
        raise ConfigError(dict.fromkeys([*mistakes, *broken]))
    for one, own in _scoped(request, options):
        if one.key in catalog.groups:
            mistakes += _option_mistakes(one, options, catalog)
        else:
            mistakes += _key_mistakes(links.resolved(one, request, own), own, catalog)
        mistakes += [*links.mistakes(one, own, request), *_shape_mistakes(one, request)]
    mistakes += [
        *points.mistakes(request),
        *without_effect.mistakes(request, options),
        *limits.mistakes(request, options),
        *objectives.mistakes(request, options),
        *_overlaps(request),
        *_search_mistakes(request, options),
    ]
    if not mistakes:
        mistakes += [*_missing_values(request, options), *metric_mistakes(request, options)]
    return list(dict.fromkeys(mistakes))


def _uses_mistakes(trials: Sequence[str], catalog: Catalog) -> Iterator[str]:
    for trial in trials:
        uses = catalog.keys("trial", trial).get("trial.uses")
        if not isinstance(uses, list) or set(map(str, uses)) - set(KERAS_GROUPS):
            yield f"conf/trial/{trial}.yaml: uses is {uses}; expected a list of those of {', '.join(KERAS_GROUPS)} that it reads."


def _hydra_mistakes(catalog: Catalog) -> Iterator[str]:
    """Yields settings of conf/config.yaml that only `hydra.main` would obey. Hydra composes here, but does not run the trials."""
    for key, value in catalog.hydra.items():
        if key not in FOLDERS and (key not in WITHOUT_EFFECT or value != WITHOUT_EFFECT[key]):
            yield f"conf/config.yaml: {key} is not supported; of Hydra's own settings expected {' or '.join(FOLDERS)}."


def _scoped(request: Request, options: Options) -> Iterator[tuple[Assignment, Options]]:
    """Yields each assignment with the options of the trials that it belongs to."""
    catalog = request.catalog
    yield from ((one, options) for one in request.assignments)
    everywhere = {one.key: list(one.values) for one in request.assignments if one.key in options}
    single = {key: values for key, values in everywhere.items() if len(values) == 1}
    listed = [(trial, everywhere) for trial in request.trials] + [(point, single) for point in request.first]
    for trial, shared in listed:
        chosen = {one.key: list(one.values) for one in trial if one.key in options}
        own = {group: chosen.get(group) or shared.get(group) or [default] for group, default in catalog.defaults.items()}
        known = {group: [name for name in names if name in catalog.groups[group]] or options[group] for group, names in own.items()}
        yield from ((one, known) for one in trial)
    for condition, one in request.when:
        matching = [option for option in options.get(condition.key, ()) if option in condition.values]
        yield one, {**options, condition.key: matching} if matching else options


def _overlaps(request: Request) -> Iterator[str]:
    """Yields keys that are set twice, alone and in a mapping: which one wins would depend on their order."""
    for trial in request.trials or [[]]:
        for one, other in itertools.permutations([*request.assignments, *trial], 2):
            if other.key.startswith(f"{one.key}.") and one.key not in request.catalog.groups:
                yield f"{other.origin}: {one.origin} sets it, too; expected one of them."


def _options(request: Request) -> Options:
    """Returns group → the options that any trial may choose."""
    options = {}
    for group, default in request.catalog.defaults.items():
        shared = [value for one in request.assignments if one.key == group for value in one.values]
        found = [value for point in (*request.trials, *request.first) for one in point if one.key == group for value in one.values]
        every_trial_chooses = request.trials and all(any(one.key == group for one in trial) for trial in request.trials)
        if shared or not every_trial_chooses:
            found += shared or [default]
        options[group] = [option for option in request.catalog.groups[group] if option in found] or [default]
    return options


def _option_mistakes(one: Assignment, options: Options, catalog: Catalog) -> Iterator[str]:
    known = catalog.groups[one.key]
    if one.key == "sweeps" and (one.swept or isinstance(one.values[0], list)):
        yield f"{one.origin}: one question at a time; expected one of {', '.join(known)}"
        return
    for value in one.values:
        if isinstance(value, list):
            yield f"{one.origin}: a list would merge all its options into one; for a sweep say -m {one.key}={','.join(map(str, value))}"
        elif inside := [option for option in known if option.startswith(f"{value}/")]:
            yield f"{one.origin}: {value} is a folder of options; expected {' or '.join(f'{one.key}={option}' for option in inside)}."
        elif value not in known:
            yield f"{one.origin}: {one.key} has no option {str(value)!r}{did_you_mean(str(value), known)} Options: {', '.join(known)}"
    if one.key in options and one.key in catalog.unused(options):
        yield f"{one.origin}: {_nowhere(one.key, one.key, options, catalog)}"
    if one.prefix:
        yield f"{one.origin}: {one.key} is already there; say {one.key}={one.texts[0]} without {one.prefix!r}."


def _key_mistakes(one: Assignment, options: Options, catalog: Catalog) -> Iterator[str]:
    group = one.group
    found = {option: catalog.keys(group, option) for option in options.get(group, ())}
    defaults = [keys[one.key] for keys in (*found.values(), catalog.top) if one.key in keys]
    constructed = group in TRIAL_GROUPS and any(f"{group}._target_" in keys for keys in found.values())
    name = one.key.removeprefix(f"{group}.")
    if name in SETTLED.get(group, ()) or one.key == "trial.command":
        yield f"{one.origin}: only a file can set it; expected an option of its own: conf/{group}/x.yaml with another {name!r}."
        return
    if mistakes := list(_mapping_mistakes(one, found)):
        yield from mistakes
        return
    if one.prefix == "+" and any(default != {} for default in defaults):
        yield f"{one.origin}: {one.key} is already there; say {one.key}=… without '+'."
    if one.prefix and constructed and group != one.key and not defaults:
        if group in catalog.unused(options):
            yield f"{one.origin}: {_nowhere(one.key, group, options, catalog)}"
        elif above := next((path for keys in found.values() for path in keys if one.key.startswith(f"{path}.") and keys[path] != {}), None):
            yield f"{one.origin}: {above} is a value and has no {one.key!r}; expected {above}=…"
        return  # a new argument of the option's constructor; the precheck binds it to the signature
    choices = itertools.product(options["model"], options["trial"], options.get(group, [""]))
    if not any(catalog.has({"model": model, "trial": trial} | {group: option}, one.key) for model, trial, option in choices):
        known = any(one.key in keys for keys in catalog.readable(group).values())
        if not (known and one.origin.startswith("sweeps/")):  # a file may have axes of options that this command line does not choose
            yield f"{one.origin}: {_nowhere(one.key, group, options, catalog)}"
        return
    for value in one.values_or_ends:
        wanted = [expected(one.key, value, default) for default in defaults]
        if wanted and all(wanted):
            hint = did_you_mean(str(value), ["median"] if one.key == "stop.trial" else [])
            yield f"{one.origin}: {one.key} is {value!r}; expected {wanted[0]}{hint}"
        elif one.key == f"{group}._target_":
            yield f"{one.origin}: chosen by the name of an option; expected {group}={'|'.join(catalog.groups[group])}."


def _mapping_mistakes(one: Assignment, found: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Yields values that replace a mapping of conf/, such as a schedule, because Hydra would merge the two."""
    for option, keys in found.items():
        inner = [path for path in keys if path.startswith(f"{one.key}.")]
        place, hint = f"{one.key} of {one.group}={option}", ", ".join(f"{path}=…" for path in inner if not path.endswith("._target_"))
        for value in one.values_or_ends:
            given = leaves(value, one.key) if isinstance(value, dict) else {}
            has_all_keys = given.keys() >= set(inner) and (one.prefix or given.keys() == set(inner))
            if inner and not (given and has_all_keys):
                words = "which Hydra would merge it with" if given else "which it would replace"
                yield f"{one.origin}: {place} is a mapping, {words}; expected {hint}, or an option of its own: conf/{one.group}/x.yaml"
            elif not inner and keys.get(one.key) == {} and value and given and not one.prefix:
                yield f"{one.origin}: {place} is an empty mapping; to add keys say +{one.key}=…"


def _nowhere(key: str, group: str, options: Options, catalog: Catalog) -> str:
    """Returns the reason why no trial has a key: it is unknown, or the options that have it are not chosen."""
    owners = [option for option, keys in catalog.readable(group).items() if key in keys] if group in options else []
    chosen = " and ".join(options.get(group, ()))
    if group in options and group in catalog.unused(options):
        kind = "trial" if options["trial"] != ["keras"] else "model"
        return f"{' and '.join(options[kind])} does not use {group!r}; expected a {kind} that does, or leave it out."
    if owners:
        return f"{group}={chosen} has no {key!r}; it belongs to {', '.join(f'{group}={owner}' for owner in owners)}."
    paths = [path for name, chosen in options.items() for option in chosen for path in catalog.keys(name, option)]
    known = [*catalog.top, *catalog.groups, *paths]
    return f"there is no {key!r}{did_you_mean(key, dict.fromkeys(known))} Every key: python -m src.sweep --cfg job"


def _shape_mistakes(one: Assignment, request: Request) -> Iterator[str]:
    if not one.texts and not one.interval:
        yield f"{one.origin}: an empty list of values; expected at least one."
    if len({repr(value) for value in one.values}) < len(one.values):
        twice = next(text for text, value in zip(one.texts, one.values, strict=True) if one.values.count(value) > 1)
        yield f"{one.origin}: {twice} is given twice; expected distinct values."
    if one.swept and len(one.texts) != 1 and not request.multirun:
        yield f"{one.origin}: several values; add -m to sweep over them."
    if one.swept and (one.group not in (*TRIAL_KEYS, "sweeps") or one.key == "trial"):
        yield f"{one.origin}: a sweep has one {one.key}; expected a single value."


def _search_mistakes(request: Request, options: Options) -> Iterator[str]:
    """Yields intervals that the oracle cannot search, and conditions and exclusions that match nothing."""
    catalog, name = request.catalog, options["oracle"][0]
    for one in request.everything:
        if one.interval and name in ("grid", "race"):
            yield f"{one.origin}: {name} has no list of values to go through; say range(1,10,3) or choice(1,4,7), or oracle=random."
    for condition, one in request.when:
        chosen = request.chooses or any(option in options.get(condition.key, ()) for option in condition.values)
        if condition.key not in catalog.groups:
            yield from conditions.mistakes(condition, one, request, options)
        elif condition.values[0] in catalog.groups[condition.key] and not chosen:
            yield f"{one.origin}: when {condition.key}={condition.texts[0]}: no trial of this sweep has it; expected one of its options."
        else:
            yield from _option_mistakes(condition, options, catalog)
    for one in itertools.chain.from_iterable(request.exclude):
        if one.key in catalog.groups:
            yield from _option_mistakes(one, options, catalog)
        elif not any(one.key in keys for keys in (catalog.top, *catalog.readable(one.group).values())):
            known = [*catalog.top, *(key for group in catalog.defaults for keys in catalog.readable(group).values() for key in keys)]
            yield f"{one.origin}: there is no {one.key!r}{did_you_mean(one.key, known)}"


def _missing_values(request: Request, options: Options) -> Iterator[str]:
    """Yields values that conf/ leaves to the user (`???`), and files that do not exist."""
    given = {one.key: one for one in request.everything}
    for option in options["data"]:
        for key, default in request.catalog.keys("data", option).items():
            if default == "???" and key not in given:
                yield f"data={option}: {key} is not set; expected {key}=…"
            for value in given[key].values if key in given and key.endswith((".path", ".folder")) else ():
                if value is not None and not os.path.exists(str(value)):
                    yield f"{given[key].origin}: {str(value)!r} does not exist; expected a file or folder."
