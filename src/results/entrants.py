"""Chooses the configurations of a race: the best ones of a sweep, the defaults, and the champion."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from hydra.core.config_loader import ConfigLoader

from src.config.catalog import Catalog
from src.config.command_line import replayed, tracking_uri
from src.config.overrides import as_text, key_of
from src.config.paths import REPEATS
from src.errors import ConfigError, TrialbookError
from src.objective import Objective
from src.results.entries import EPOCHS
from src.results.leaderboard import Entry, Standing
from src.results.scores import load_standing
from src.study import destination
from src.study.store import Store

SEED, FOLD = REPEATS
MOST_SEED = 2**32 - 1


@dataclass(frozen=True)
class Entrants:
    """The configurations of a race.

    Attributes:
        sweep, objective: the sweep from which they were chosen, and its objective, by which they race.
        shared: overrides that all configurations share, including objective and experiment.
        words: the other overrides of each configuration.
        used_seeds: seeds of all trials from which the configurations were chosen.
        resolution: the least difference between two of their scores; 0 if scores are not shares of examples.
    """

    sweep: str
    shared: list[str]
    words: list[list[str]]
    used_seeds: set[int]
    resolution: float
    objective: Objective

    def fresh_seeds(self, count: int) -> str:
        """Returns a block of unused seeds in Hydra's syntax: after the largest used seed, if there are enough, otherwise below it."""
        starts = [seed + 1 for seed in sorted(self.used_seeds, reverse=True)] + [0]
        fits = (start for start in starts if start + count - 1 <= MOST_SEED and self.used_seeds.isdisjoint(range(start, start + count)))
        start = next(fits)
        return f"range({start},{start + count})"


def choose(sweep: str, top: int, loader: ConfigLoader, uri: str, objective: str = "") -> Entrants:
    """Chooses the entrants.

    Args:
        top: number of best configurations.
        uri: address of the store with the champion; empty for the default store.
        objective: the objective that the user names, which a sweep with two requires; empty if none is named.

    Raises:
        ConfigError: there is no such sweep, or its configurations cannot be repeated with fresh seeds.
    """
    standing, stores = load_standing(sweep)
    _check(standing, sweep, objective)
    meta, entries = stores[0].meta(), standing.by_data[0]
    fold = dict.fromkeys(f"{FOLD}={trial.point[FOLD]}" for trial in standing.trials if FOLD in trial.point)
    words = [[*_without_seed(standing.words(entry)), *fold] for entry in _distinct(entries)[:top]]
    words.append([*_defaults(standing, entries, stores, Catalog(loader)), *fold])
    longest = max(entry.rung or 0 for entry in entries)
    if longest:  # the sweep's oracle gave some of them fewer epochs, to save time
        words = [[*(word for word in own if key_of(word) != EPOCHS), f"{EPOCHS}={longest}"] for own in words]
    used = {int(trial.values.get(SEED, 0)) for trial in standing.trials}
    if champion := _champion(meta, entries[0], loader, uri):
        words.append(_without_seed(champion))
        used |= {int(word.partition("=")[2]) for word in champion if key_of(word) == SEED}
    fixed = dict(json.loads(meta.get("space", "{}")).get("fixed", []))
    of_sweep = [f"objective={as_text(fixed['objective'])}"] if "objective" in fixed else []
    if of_sweep:  # a configuration without an objective keeps its own default, and does not get that of the sweep
        words = [own if any(key_of(word) == "objective" for word in own) else [*own, "objective=auto"] for own in words]
    common = [word for word in words[0] if all(word in own for own in words)]
    group = standing.groups[0]
    return Entrants(
        sweep=meta.get("sweep_id", sweep) if len(stores) == 1 else sweep,
        shared=[*common, *(word for word in of_sweep if word not in common), f"tracking.experiment={as_text(meta['experiment'])}"],
        words=[[word for word in own if word not in common] for own in dict.fromkeys(map(tuple, words))],
        used_seeds=used,
        resolution=1 / group.examples if group.of_shares else 0.0,
        objective=standing.objective,
    )


def _check(standing: Standing, sweep: str, objective: str) -> None:
    if standing.second and not objective:
        both = f"{standing.objective} and {standing.second}"
        raise ConfigError([f"sweep={sweep}: two objectives, {both}; a race has one: objective={standing.objective}"])
    if len(standing.by_data) != 1:
        what = f"scores on {len(standing.by_data)} data sets" if standing.by_data else "no finished trial"
        raise ConfigError([f"sweep={sweep}: {what}; expected scores on one data set."])
    folds = {str(trial.values.get(FOLD)) for trial in standing.trials}
    if len(folds) > 1:
        what = f"its configurations are repeated by folds ({FOLD}={','.join(sorted(folds))}), of which none is fresh"
        raise ConfigError([f"sweep={sweep}: {what}; expected a sweep that repeats them by seeds."])


def _distinct(entries: Sequence[Entry]) -> list[Entry]:
    """Returns the best entry of each configuration, which may have several entries because its code changed."""
    best: dict[str, Entry] = {}
    for entry in entries:
        best.setdefault((*entry.trials, *entry.unscored)[0].row[0], entry)
    return list(best.values())


def _without_seed(words: list[str]) -> list[str]:
    return [word for word in words if key_of(word) != SEED]


def _defaults(standing: Standing, entries: Sequence[Entry], stores: Sequence[Store], catalog: Catalog) -> list[str]:
    """Returns the overrides that the sweeps fixed; every key that varied gets the default of conf/."""
    used: dict[str, set[str]] = {}  # key → its overrides
    for entry in entries:
        for word in _without_seed(standing.words(entry)):
            used.setdefault(key_of(word), set()).add(word)
    fixed_keys = set.intersection(*(_fixed(store, standing) for store in stores))
    fixed = {key: next(iter(words)) for key, words in used.items() if key in fixed_keys and len(words) == 1}
    choices = {**catalog.defaults, **{key: word.partition("=")[2] for key, word in fixed.items() if key in catalog.groups}}

    def applies(key: str) -> bool:
        group = key.partition(".")[0]
        if fixed[key].startswith("+"):  # an argument of the chosen option, which other options may not take
            return group in fixed or group not in used
        return key in catalog.groups or catalog.has(choices, key)

    return [word for key, word in fixed.items() if applies(key)]


def _fixed(store: Store, standing: Standing) -> set[str]:
    """Returns the keys that a sweep sets for all trials, even if some trials do not use them."""
    space = json.loads(store.meta().get("space", "null"))
    if space is not None:
        return {key for key, _ in space["fixed"]}
    return {key_of(word) for entry in standing.entries for word in standing.words(entry)} - set(standing.keys)


def _champion(meta: dict[str, str], entry: Entry, loader: ConfigLoader, uri: str) -> list[str]:
    """Returns the overrides of the champion in the store of the sweep; empty if there is none on the same data."""
    if not entry.origin.data:  # functions are not promoted
        return []
    from src.tracking.registry import Registry  # imports MLflow, seconds

    try:
        tags = Registry(destination.uri_of(meta, uri or tracking_uri(loader))).champion_tags(meta["experiment"])
        if tags.get("trialbook.data_digest") != entry.origin.data:
            return []
        return replayed(loader, tags["trialbook.overrides"])
    except (TrialbookError, KeyError):  # the store does not answer, or conf/ no longer has these overrides
        return []
