"""Answers the question of a sweep in a few sentences: the best configuration, its lead, how sure that is, and the next commands."""

import json
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence

from src.columns import figure
from src.results import table
from src.results.conclusions import brief, group_name
from src.results.leaderboard import Entry, Group, Standing, TrialResult
from src.states import TrialState
from src.study import destination
from src.tracking.address import DEFAULT

MOST_KEYS = 8  # keys that a sentence names


def answer(standing: Standing, default: Entry | None, concluded: str = "") -> str:
    """Returns sentences about the best configuration, its lead, and how sure that is.

    Args:
        default: the entry of the defaults; None if they were not tried.
        concluded: the oracle's conclusion, which is returned instead; empty without one.
    """
    if not standing.groups:
        is_early = any(trial.state in (TrialState.RUNNING, TrialState.SCHEDULED) for trial in standing.trials)
        return "No trial has a score yet." if is_early else "No trial has a score."
    if concluded:
        return concluded
    group = standing.groups[0]
    first = group.entries[0]
    repeats = f" (mean of {len(first.scores)})" if len(first.scores) > 1 else ""
    interval = f" ± {brief(first.interval)}" if first.interval else ""
    words = [f"{standing.objective.name} {figure(first.mean)}{interval}{repeats} by {name_of(standing, first)}"]
    words += _distance(group, default)
    name = group_name(standing, group)
    prefix = f"{name}: " if name else ""
    return f"{prefix}{', '.join(words)}. {_sure(group)}".strip()


def name_of(standing: Standing, entry: Entry) -> str:
    """Names an entry by the values that distinguish it. A key is shortened to its last part if no other key ends so."""
    last_parts = Counter(key.rpartition(".")[2] for key in standing.keys)
    values = {}
    for key, text in table.shown_values(entry, standing.keys).items():
        last_part = key.rpartition(".")[2]
        if text:
            values[last_part if last_parts[last_part] == 1 else key] = text
    named = table.key_value_text(values, list(values)[:MOST_KEYS])
    rest = f"and {len(values) - MOST_KEYS} more keys" if len(values) > MOST_KEYS else ""
    return " ".join(filter(None, (named, rest, standing.origin(entry)))) or "the only configuration"


def _distance(group: Group, default: Entry | None) -> list[str]:
    """Says by how much the first is better than the defaults if they were tried, otherwise than the second."""
    first, *others = group.entries
    if default is first:
        return ["and it is the default"]
    if not others:
        return []
    other, name = (default, "defaults") if default in others and default else (others[0], "second")
    by = abs(first.mean - other.mean)
    return [f"{brief(by)} better than the {name}" if by else f"as good as the {name}"]


def _sure(group: Group) -> str:
    """Says whether chance may explain that the first is the best."""
    others = len(group.entries) - 1
    if not others:
        return ""
    if not group.comparison.known:
        return "Each has one repeat, so nothing says how much of that is chance."
    tied = len(group.tied) - 1
    if not tied:
        return f"It is better than {'the other' if others == 1 else f'each of the other {others}'} beyond chance."
    return f"{tied} of {others} others {'is' if tied == 1 else 'are'} not told apart from it: the difference may be chance."


def commands(standing: Standing, metas: Sequence[Mapping[str, str]]) -> list[tuple[str, str]]:
    """Returns (description, command line) of the next commands, the most useful first, then of those that repeat the sweeps."""
    steps, found = [], [("repeats the sweep", meta["command"]) for meta in metas if "command" in meta]
    if standing.best:
        is_race = bool(metas) and json.loads(metas[0].get("oracle", "{}")).get("name") == "race"
        names = ",".join(meta.get("sweep_id", "") for meta in metas)
        repeat, *steps = next_steps(standing, standing.best, names, prefix(metas), is_race=is_race)
        if len(standing.groups[0].tied) == 1:  # no doubt about the best one, so it is promoted first
            steps.reverse()
        steps.append(repeat)
    return [*steps, *found]


def next_steps(standing: Standing, best: TrialResult, sweeps: str, start: str, *, is_race: bool) -> list[tuple[str, str]]:
    """Returns (description, command line) of the commands that repeat the best trial and, where possible, confirm and promote it."""
    one = f" objective={standing.objective}" if standing.second else ""
    found = [("repeats the best trial", f"{start}python -m src.sweep {shlex.join(standing.words(best))}")]
    if len(standing.entries) > 1 and len(standing.by_data) == 1 and not is_race:
        found.append(("confirms the best row with fresh seeds", f"{start}python -m src.confirm sweep={sweeps}{one}"))
    if best.origin.code and best.origin.data:  # neither a function nor adopted without its model
        found.append(("the best model against the champion", f"{start}python -m src.promote sweep={sweeps}{one}"))
    return found


def prefix(metas: Sequence[Mapping[str, str]]) -> str:
    """Returns the environment variable that commands need to find the record of the sweeps; empty if they need none."""
    return destination.prefix(metas[0].get("tracking_uri", DEFAULT)) if metas else ""
