"""All mistakes of a request, each with the received value, the expected one, and what was probably meant."""

import itertools
import os.path
from collections.abc import Iterator
from typing import Any

from src.config import conditions, limits, links, objectives, points, unheeded
from src.config.catalog import Catalog
from src.config.metrics import metric_mistakes
from src.config.overrides import Assignment
from src.config.paths import KERAS_GROUPS, REPEATS, SETTLED, TRIAL_GROUPS, TRIAL_KEYS, leaves
from src.config.request import FOLDERS, Request
from src.config.rules import expected
from src.errors import ConfigError, collecting, did_you_mean

WITHOUT_EFFECT = {
    **{"hydra.output_subdir": None, "hydra.job.name": "trial", "hydra.job.chdir": False},
    **{"hydra/sweeper": "kerastuner", "hydra/hydra_logging": "none", "hydra/job_logging": "none"},
}
Options = dict[str, list[str]]  # group → the options that trials may choose


def find_mistakes(request: Request) -> list[str]:
    """All mistakes; empty if the sweep may start.

    Raises:
        ConfigError: the file of a chosen option is broken; without its keys the other mistakes are not known.
    """
    catalog = request.catalog
    options = _options(request, catalog)
    mistakes, broken = [*request.mistakes, *_hydra_mistakes(catalog)], list[str]()
    for group, option in ((group, option) for group, chosen in options.items() for option in chosen):
        with collecting(broken):
            catalog.keys(group, option)
    for option in options["trial"] if not broken else ():
        uses = catalog.keys("trial", option).get("trial.uses")
        if not isinstance(uses, list) or set(map(str, uses)) - set(KERAS_GROUPS):
            broken.append(f"conf/trial/{option}.yaml: uses is {uses}; expected a list of those of {', '.join(KERAS_GROUPS)} that it reads.")
    if broken:
        raise ConfigError(dict.fromkeys([*mistakes, *broken]))
    for one, own in _scoped(request, options, catalog):
        mistakes += (
            _option_mistakes(one, options, catalog)
            if one.key in catalog.groups
            else _key_mistakes(links.resolved(one, request, own), own, catalog)
        )
        mistakes += [*links.mistakes(one, own, request), *_shape_mistakes(one, request)]
    mistakes += [
        *points.mistakes(request),
        *unheeded.mistakes(request),
        *limits.mistakes(request, options),
        *objectives.mistakes(request, options),
        *_overlaps(request, catalog),
        *_search_mistakes(request, options, catalog),
    ]
    if not mistakes:
        mistakes += [*_missing_values(request, options, catalog), *metric_mistakes(request, options)]
    return list(dict.fromkeys(mistakes))


def _hydra_mistakes(catalog: Catalog) -> Iterator[str]:
    """Refuses settings in conf/config.yaml that `hydra.main` would heed: Hydra composes, but Trialbook runs the trials."""
    for key, value in catalog.hydra.items():
        if key not in FOLDERS and (key not in WITHOUT_EFFECT or value != WITHOUT_EFFECT[key]):
            yield f"conf/config.yaml: {key} is not supported; of Hydra's own settings expected {' or '.join(FOLDERS)}."


def _scoped(request: Request, options: Options, catalog: Catalog) -> Iterator[tuple[Assignment, Options]]:
    """Yields each assignment with the options of the trials that it belongs to."""
    yield from ((one, options) for one in request.assignments)
    everywhere = {one.key: list(one.values) for one in request.assignments if one.key in options}
    single = {key: values for key, values in everywhere.items() if len(values) == 1}
    for trial, shared in [*((trial, everywhere) for trial in request.trials), *((point, single) for point in request.first)]:
        chosen = {one.key: list(one.values) for one in trial if one.key in options}
        own = {group: chosen.get(group) or shared.get(group) or [default] for group, default in catalog.defaults.items()}
        known = {group: [name for name in names if name in catalog.groups[group]] or options[group] for group, names in own.items()}
        yield from ((one, known) for one in trial)
    for condition, one in request.when:
        held = [option for option in options.get(condition.key, ()) if option in condition.values]
        yield one, {**options, condition.key: held} if held else options


def _overlaps(request: Request, catalog: Catalog) -> Iterator[str]:
    """Finds keys that are set beside a mapping that contains them: which one wins would depend on their order."""
    for trial in request.trials or [[]]:
        for one, other in itertools.permutations([*request.assignments, *trial], 2):
            if other.key.startswith(f"{one.key}.") and one.key not in catalog.groups:
                yield f"{other.origin}: {one.origin} sets it, too; expected one of them."


def _options(request: Request, catalog: Catalog) -> Options:
    """Group → the options that any trial may choose."""
    options = {}
    for group, default in catalog.defaults.items():
        fixed = [value for one in request.assignments if one.key == group for value in one.values]
        own = [value for trial in (*request.trials, *request.first) for one in trial if one.key == group for value in one.values]
        everywhere = request.trials and all(any(one.key == group for one in trial) for trial in request.trials)
        found = [*own, *(fixed or ([] if everywhere else [default]))]
        options[group] = [option for option in catalog.groups[group] if option in found] or [default]
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
    if one.key.removeprefix(f"{group}.") in (*SETTLED.get(group, ()), *(["command"] if group == "trial" else [])):
        key = one.key.rpartition(".")[2]
        yield f"{one.origin}: it is settled in a file; expected an option of its own: conf/{group}/x.yaml with another {key!r}."
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
        return  # a new argument of the option's constructor, which is bound before the first trial trains
    pairs = [(model, trial, option) for model in options["model"] for trial in options["trial"] for option in options.get(group, [""])]
    choices = [{"model": model, "trial": trial} | {group: option} for model, trial, option in pairs]
    if not any(catalog.has(choice, one.key) for choice in choices):
        known = any(one.key in keys for keys in catalog.readable(group).values())
        if not (known and one.origin.startswith("sweeps/")):  # a file may hold the axes of options that this command line left out
            yield f"{one.origin}: {_nowhere(one.key, group, options, catalog)}"
        return
    for value in one.values_or_ends:
        wanted = [expected(one.key, value, default) for default in defaults]
        if wanted and all(wanted):
            hint = did_you_mean(str(value), ["median"] if one.key == "stop.trial" else [])
            yield f"{one.origin}: {value!r}, where {one.key} is {wanted[0]}{hint}"
        elif one.key == f"{group}._target_":
            yield f"{one.origin}: chosen by the name of an option; expected {group}={'|'.join(catalog.groups[group])}."


def _mapping_mistakes(one: Assignment, found: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Refuses to replace a mapping of conf/, such as a schedule: Hydra would merge the two."""
    for option, keys in found.items():
        inner = [path for path in keys if path.startswith(f"{one.key}.")]
        place, hint = f"{one.key} of {one.group}={option}", ", ".join(f"{path}=…" for path in inner if not path.endswith("._target_"))
        for value in one.values_or_ends:
            given = leaves(value, one.key) if isinstance(value, dict) else {}
            if inner and (not given or set(inner) - given.keys() or (given.keys() - set(inner) and not one.prefix)):
                words = "which Hydra would merge it with" if given else "which it would replace"
                yield f"{one.origin}: {place} is a mapping, {words}; expected {hint}, or an option of its own: conf/{one.group}/x.yaml"
            elif not inner and keys.get(one.key) == {} and value and given and not one.prefix:
                yield f"{one.origin}: {place} is an empty mapping; to add keys say +{one.key}=…"


def _nowhere(key: str, group: str, options: Options, catalog: Catalog) -> str:
    """Why no trial has a key: it is unknown, or the options that have it are not chosen."""
    owners = [option for option, keys in catalog.readable(group).items() if key in keys] if group in options else []
    chosen = " and ".join(options.get(group, ()))
    if group in options and group in catalog.unused(options):
        kind = "trial" if options["trial"] != ["keras"] else "model"
        return f"{' and '.join(options[kind])} does not use {group!r}; expected a {kind} that does, or leave it out."
    if owners:
        return f"{group}={chosen} has no {key!r}; it belongs to {', '.join(f'{group}={owner}' for owner in owners)}."
    known = [
        *catalog.top,
        *catalog.groups,
        *(path for name, chosen in options.items() for option in chosen for path in catalog.keys(name, option)),
    ]
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


def _search_mistakes(request: Request, options: Options, catalog: Catalog) -> Iterator[str]:
    """Finds what the oracle cannot search, and conditions and exclusions that match nothing."""
    name = options["oracle"][0]
    if name in ("grid", "race"):
        for one in (one for one in request.everything if one.interval):
            yield f"{one.origin}: {name} has no list of values to go through; say range(1,10,3) or choice(1,4,7), or oracle=random."
    given = {one.key: one for one in request.assignments}
    for key in ("resume", "retry", "allow"):
        if key in given and (not request.multirun or (key != "resume" and "resume" not in given)):
            yield f"{given[key].origin}: expected the sweep's own command behind -m, and resume=latest or its id."
    chooses_epochs = "oracle.max_epochs" in catalog.readable("oracle").get(name, {})
    if chooses_epochs and "training" in catalog.unused(options):
        yield f"oracle={name}: it decides on training.epochs, which no trial uses; expected another oracle, or uses: [training]."
    if chooses_epochs:
        for one in (one for one in request.everything if one.key == "training.epochs"):
            yield f"{one.origin}: {name} decides on the epochs; expected oracle.max_epochs={one.texts[-1] if one.texts else 20}"
    stop = given["stop.trial"].values[0] if "stop.trial" in given else catalog.top["stop.trial"]
    if stop and (chooses_epochs or "oracle.resolution" in catalog.readable("oracle").get(name, {})):
        yield f"stop.trial={stop}: oracle={name} decides itself which trials go on; expected stop.trial=null, or another oracle."
    of_data = [one for one in request.everything if one.group == "data" and one.key not in REPEATS]
    if stop and len({(one.key, value) for one in of_data for value in map(str, one.values_or_ends)}) > len({one.key for one in of_data}):
        yield f"stop.trial={stop}: scores on other data are no measure of a trial; expected one data set for all, or stop.trial=null."
    for condition, one in request.when:
        chosen = request.chooses or any(option in options.get(condition.key, ()) for option in condition.values)
        if condition.key not in catalog.groups:
            yield from conditions.mistakes(condition, one, request, options)
        elif condition.values[0] in catalog.groups[condition.key] and not chosen:
            yield f"{one.origin}: when {condition.key}={condition.texts[0]}: no trial of this sweep has it; expected one of its options."
        else:
            yield from _option_mistakes(condition, options, catalog)
    for one in (one for rule in request.exclude for one in rule):
        known = {key for group in catalog.defaults for keys in catalog.readable(group).values() for key in keys}
        if one.key in catalog.groups:
            yield from _option_mistakes(one, options, catalog)
        elif one.key not in known | catalog.top.keys():
            yield f"{one.origin}: there is no {one.key!r}{did_you_mean(one.key, known)}"


def _missing_values(request: Request, options: Options, catalog: Catalog) -> Iterator[str]:
    """Finds values that conf/ leaves to the user (`???`), and files that do not exist."""
    given = {one.key: one for one in request.everything}
    for option in options["data"]:
        for key, default in catalog.keys("data", option).items():
            if default == "???" and key not in given:
                yield f"data={option}: {key} is not set; expected {key}=…"
            for value in given[key].values if key in given and key.endswith((".path", ".folder")) else ():
                if value is not None and not os.path.exists(str(value)):
                    yield f"{given[key].origin}: {str(value)!r} does not exist; expected a file or folder."
