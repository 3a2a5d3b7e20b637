"""Reads points that a user adds to a sweep: overrides with commas and ranges, on top of those that all its trials share."""

import json
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hydra.core.config_loader import ConfigLoader

from src.config.catalog import Catalog
from src.config.command_line import configured
from src.config.composer import Composer
from src.config.overrides import Parser, as_text, key_of
from src.config.paths import TRIAL_KEYS, trial_config
from src.config.request import read_request
from src.errors import ConfigError
from src.space import Point, Space, active_hash, overrides
from src.space.point import written
from src.study.instructions import ADD
from src.study.store import Store

FIXED = "sweeps/"  # origin of the sweep's own assignments; like those of a sweep's file, they are dropped if an added option lacks the key


@dataclass(frozen=True)
class Additions:
    """The points that a command line adds to a sweep.

    Attributes:
        known: a line for each point that is not new: it is a trial, or waits to become one.
    """

    points: list[Point]
    known: list[str]


def read_additions(loader: ConfigLoader, store: Store, words: Sequence[str]) -> Additions:
    """Reads the points that the words of a command line add to a sweep.

    Raises:
        ConfigError: the words have mistakes, all of which the message lists, or there is nothing to add.
    """
    meta, catalog = store.meta(), Catalog(loader)
    sweep = meta.get("sweep_id", "")
    if "space" not in meta:
        raise ConfigError([f"sweep={sweep}: an earlier version made it and did not record its space; expected a later sweep."])
    if json.loads(meta.get("oracle", "{}")).get("name") == "race":
        raise ConfigError([f"sweep={sweep}: a race, whose configurations are settled; expected another sweep, or a new race."])
    if not words:
        raise ConfigError(["nothing to add; expected keys of a trial, such as optimizer.learning_rate=0.003,0.01"])
    parser = Parser(loader, catalog.groups)
    sweeps = [word for word in words if key_of(word) == "sweeps"]
    others = [word for word in words if key_of(word) != "sweeps"]
    request = read_request(catalog, parser, others, multirun=True)
    if request.second:
        request.mistakes.append("objective: a sweep has its objectives from its start; expected none, or one for the added trials.")
    of_sweeps = {*catalog.groups, *(key.partition(".")[0] for key in catalog.top), "hydra"} - set(TRIAL_KEYS)
    misplaced = [*sweeps, *(one.origin for one in request.assignments if one.group in of_sweeps)]
    request.mistakes += [f"{word}: a key of the whole sweep; expected those of a trial: {', '.join(TRIAL_KEYS)}." for word in misplaced]
    given = {one.key for one in request.assignments}
    fixed = [parser.read(line, f"{FIXED}{line}") for line in _fixed(store, meta) if key_of(line) not in given]
    request.assignments = [*fixed, *request.assignments]
    options = [one.override(one.texts[0]) for one in fixed if one.key in catalog.groups]
    configured(loader, request, [*options, *others])
    return _new(Composer(loader), store, list(Space.of(request).points()))


def _fixed(store: Store, meta: dict[str, str]) -> Iterable[str]:
    """Returns the overrides that the sweep fixes for all trials and that at least one trial uses."""
    rows, fixed = store.trials(), dict(json.loads(meta["space"])["fixed"])
    keys = {key_of(key): key for row in rows for key in written(row.point)} if rows else {key: key for key in fixed}
    return [f"{keys[key]}={as_text(value)}" for key, value in fixed.items() if key in keys]


def _new(compose: Composer, store: Store, points: Sequence[Point]) -> Additions:
    """Separates new points from those that are trials already, or wait to become trials."""
    known = {row.active_hash: f"trial {row.number + 1} ({row.state})" for row in store.trials()}
    known |= {_hash(compose, one.payload["point"]): "added already, and waits" for one in store.unheard(ADD)}
    new, old = list[Point](), list[str]()
    for point in points:
        what = known.get(_hash(compose, point))
        if what:
            old.append(f"{shlex.join(overrides(point))}: {what}")
        else:
            new.append(point)
    if not new:
        raise ConfigError([f"{line}; expected a point that is new." for line in old])
    return Additions(new, old)


def _hash(compose: Composer, point: Point) -> str:
    return active_hash(trial_config(compose(overrides(point))))
