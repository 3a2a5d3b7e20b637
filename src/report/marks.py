"""Finds the row of a report that has the defaults of conf/, and the keys that were searched on a logarithmic scale."""

import json
from collections.abc import Mapping, Sequence

import yaml

from src.config.paths import leaves
from src.results.identity import default_options
from src.results.leaderboard import Entry, Standing
from src.space.values import canonical


def default_of(standing: Standing, metas: Sequence[Mapping[str, str]]) -> Entry | None:
    """Returns the best entry that has the default of conf/ for every key that distinguishes the configurations; None if none has."""
    base = _defaults(metas[0]) if metas and standing.keys else {}
    for entry in standing.entries:
        used = [key for key in standing.keys if key in entry.values]
        if base and all(base.get(key) == canonical(entry.values[key]) for key in used):
            return entry
    return None


def _defaults(meta: Mapping[str, str]) -> dict[str, str]:
    """Returns config path → canonical text, for the configuration that a sweep composes without its axes; empty if it is not recorded."""
    config = yaml.load(meta.get("base_config", ""), yaml.CSafeLoader)
    if not config:
        return {}
    options = default_options(config)
    config.pop("hydra", None)
    return {key: canonical(value) for key, value in (leaves(config) | options).items()}


def searched_log(metas: Sequence[Mapping[str, str]]) -> set[str]:
    """Returns the keys of axes that are searched on a logarithmic scale."""
    axes = [axis for meta in metas for axis in json.loads(meta.get("space", "{}")).get("axes", [])]
    return {key for key, domain, *_ in axes if isinstance(domain, dict) and domain.get("log")}
