"""Who races: the best configurations of a sweep, that of the defaults, and the champion."""

from dataclasses import dataclass

from hydra.core.config_loader import ConfigLoader

from src.config.catalog import Catalog
from src.config.command_line import replayed, tracking_uri
from src.config.paths import REPEATS
from src.errors import ConfigError, TrialbookError
from src.results.leaderboard import Entry, Standing
from src.results.scores import load_standing
from src.study import destination
from src.study.store import Store

FEWEST_SEEDS = 3


@dataclass(frozen=True)
class Entrants:
    """The configurations of a race.

    Attributes:
        sweep: where they come from.
        words: of each the overrides that compose it, without seed and fold.
        shared: overrides of the race: objective and experiment.
        free_seed: this one and all above it have not been used by them.
        resolution: the least difference that two of their scores can have.
    """

    sweep: str
    words: list[list[str]]
    shared: list[str]
    free_seed: int
    resolution: float


def choose(sweep: str, top: int, loader: ConfigLoader, uri: str) -> Entrants:
    """Chooses the entrants.

    Args:
        top: number of the best configurations.
        uri: of the store with the champion; empty for the default one.

    Raises:
        ConfigError: there is no such sweep, no score in it, or several data sets.
    """
    standing, stores = load_standing(sweep)
    meta = stores[0].meta()
    if len(standing.by_data) != 1:
        what = f"scores on {len(standing.by_data)} data sets" if standing.by_data else "no finished trial"
        raise ConfigError([f"sweep={sweep}: {what}; expected scores on one data set."])
    entries = standing.by_data[0]
    best = list({_configuration(entry): entry for entry in reversed(entries)}.values())[::-1][:top]
    words = [_without_repeats(standing.words(entry)) for entry in best]
    words.append(_defaults(standing, words[0], Catalog(loader)))
    if champion := _champion(meta, entries[0], loader, uri):
        words.append(champion)
    distinct = [list(each) for each in dict.fromkeys(map(tuple, words))]
    if len(distinct) < 2:
        raise ConfigError([f"sweep={sweep}: one configuration, that of the defaults; expected several to race."])
    used = [int(trial.values.get("seed", 0)) for trial in standing.trials]
    shared = [f"objective='{standing.objective}'", f"tracking.experiment={meta['experiment']}"]
    return Entrants(
        sweep if sweep != "latest" else meta.get("sweep_id", sweep), distinct, shared, max(used) + 1, _resolution(standing, stores)
    )


def _configuration(entry: Entry) -> str:
    configuration, _ = (*entry.trials, *entry.unscored)[0].row
    return configuration


def _without_repeats(words: list[str]) -> list[str]:
    return [word for word in words if word.partition("=")[0].lstrip("+") not in (*REPEATS, "objective")]


def _defaults(standing: Standing, words: list[str], catalog: Catalog) -> list[str]:
    """The configuration with the defaults of conf/ for all that varied."""
    kept = [word for word in words if word.partition("=")[0].lstrip("+") not in standing.keys]
    choices = {**catalog.defaults, **dict(word.split("=", 1) for word in kept if word.partition("=")[0] in catalog.groups)}
    return [word for word in kept if word.partition("=")[0] in catalog.groups or catalog.has(choices, word.partition("=")[0])]


def _champion(meta: dict[str, str], entry: Entry, loader: ConfigLoader, uri: str) -> list[str]:
    """The overrides of the champion, if there is one of the same data in the store of the sweep."""
    from src.tracking.registry import Registry  # imports MLflow, seconds

    try:
        registry = Registry(destination.uri_of(meta, uri or tracking_uri(loader)))
        version = registry.version(meta["experiment"].replace("/", ".").replace(":", "."))
        if not version:
            return []
        tags = registry.runs.recorded(str(version.run_id)).tags
        if tags.get("trialbook.data_digest") != entry.origin.data:
            return []
        return _without_repeats(replayed(loader, tags["trialbook.overrides"]))
    except (TrialbookError, KeyError):  # nobody can say who is champion, or its words are not those of today
        return []


def _resolution(standing: Standing, stores: list[Store]) -> float:
    """One example of the validation split where the score is a share of them; otherwise 0."""
    examples = int(stores[0].meta().get("validation_examples", 0))
    return 1 / examples if examples and "accuracy" in standing.objective.name else 0.0
