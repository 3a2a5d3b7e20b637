"""Finds the row of a report that has the defaults of conf/, and the axes that were searched in the logarithm."""

import json
from collections.abc import Mapping, Sequence

import yaml

from src.config.paths import TRIAL_GROUPS, leaves
from src.results.leaderboard import Entry, Standing
from src.space.values import canonical


def default_of(standing: Standing, metas: Sequence[Mapping[str, str]]) -> Entry | None:
    """Returns the best entry that has the default of conf/ for every key that distinguishes the configurations; None if none has."""
    base = _defaults(metas[0]) if metas and standing.keys else {}
    return next((entry for entry in standing.entries if base and _agrees(entry, base, standing.keys)), None)


def _defaults(meta: Mapping[str, str]) -> dict[str, str]:
    """Config path → canonical text of the value, of the configuration that a sweep composes without its axes."""
    config = yaml.load(meta.get("base_config", ""), yaml.CSafeLoader)
    if not config:
        return {}
    choices = config.pop("hydra", {}).get("runtime", {}).get("choices", {})
    options = {group: canonical(str(choices[group])) for group in TRIAL_GROUPS if group in choices}
    return {key: canonical(value) for key, value in leaves(config).items()} | options


def _agrees(entry: Entry, base: Mapping[str, str], keys: Sequence[str]) -> bool:
    return all(base.get(key) == canonical(entry.values[key]) for key in keys if key in entry.values)


def searched_log(metas: Sequence[Mapping[str, str]]) -> set[str]:
    """Returns the keys of which an axis is drawn evenly in the logarithm."""
    axes = [axis for meta in metas for axis in json.loads(meta.get("space", "{}")).get("axes", [])]
    return {key for key, domain, *_ in axes if isinstance(domain, dict) and domain.get("log")}
