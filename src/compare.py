"""The answer of a sweep:  python -m src.compare [sweep=latest|<id>|<name>,…] [objective=…] [format=table|csv|json]"""

import json
import shlex
import sys
from dataclasses import dataclass
from typing import Any

from src import leaderboard
from src.config.words import read_words
from src.errors import ConfigError, did_you_mean, told
from src.leaderboard import Entry
from src.space import overrides
from src.study import table
from src.study.scores import Found, gather
from src.terminal import Terminal

FORMATS = ("table", "csv", "json")


@dataclass(frozen=True)
class Words:
    """What may be said behind the command; several sweeps are compared as one."""

    sweep: str = "latest"
    objective: str = ""
    format: str = "table"


def rows(found: Found) -> list[dict[str, Any]]:
    """The leaderboard: one row per configuration, only the keys that vary."""
    ordered = leaderboard.entries(found.scored, found.objective)
    keys = list(dict.fromkeys(key for entry in ordered for key in entry.point))
    varying = [key for key in keys if len({entry.point.get(key) for entry in ordered}) > 1]
    return [
        _row(entry, rank, varying, found.objective.name)
        for entry, rank in zip(ordered, leaderboard.ranks(ordered, found.noise), strict=True)
    ]


def _row(entry: Entry, rank: int, varying: list[str], name: str) -> dict[str, Any]:
    trials = entry.trials
    return {
        "rank": rank,
        **table.swept_values(entry.point, [key.lstrip("+") for key in varying]),
        name: entry.mean,
        "± 95 %": entry.interval,
        "spread": entry.spread,
        "seeds": len(trials),
        "kept epoch": sum(trial.kept_epoch for trial in trials) / len(trials),
        "last": sum(trial.last for trial in trials) / len(trials),
        "seconds": sum(trial.seconds for trial in trials) / len(trials),
    }


def verdict(found: Found) -> list[str]:
    """Whether the first two can be told apart, what it would take, and the commands for it."""
    ordered = leaderboard.entries(found.scored, found.objective)
    if len(ordered) < 2:
        return []
    first, second = ordered[:2]
    if leaderboard.apart(first, second, found.noise):
        return ["The first is better than the second."] if first.spread and second.spread else []
    more = leaderboard.seeds_to_separate(first, second)
    if more is None and first.spread is not None and second.spread is not None:
        return [f"The first two can not be separated at this cost: {leaderboard.MOST_SEEDS} seeds each would not suffice."]
    used = [int(trial.point.get("seed", 42)) for entry in (first, second) for trial in entry.trials]
    seeds = ",".join(str(max(used) + n) for n in range(1, (more or 4) + 1))
    say = (
        f"{more} more seeds of each would tell the first two apart" if more else "One seed tells nothing about the first two; try four more"
    )
    return [f"{say}:", *(f"  python -m src.sweep -m {shlex.join(overrides(entry.point))} seed={seeds}" for entry in (first, second))]


def main() -> None:
    """Prints the leaderboard."""
    with told():
        words = read_words(Words, sys.argv[1:])
        if words.format not in FORMATS:
            hint = did_you_mean(words.format, FORMATS)
            raise ConfigError([f"format={words.format}: no such format{hint} Formats: {', '.join(FORMATS)}"])
        found = gather(words.sweep, words.objective)
        ranked = rows(found)
        if words.format == "json":
            print(json.dumps(ranked, indent=1))  # noqa: T201
        elif words.format == "csv":
            print(table.as_csv(ranked).decode(), end="")  # noqa: T201
        else:
            terminal = Terminal(found.objective)
            terminal.table(
                f"{words.sweep}, {found.objective}", [{name: table.cell(value, name) for name, value in row.items()} for row in ranked]
            )
            for line in [*verdict(found), *(f"{count} x {cause}" for cause, count in found.unscored.most_common())]:
                terminal.say(line)


if __name__ == "__main__":
    main()
