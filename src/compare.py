"""The answer of a sweep:  python -m src.compare [sweep=latest|<id>|<name>,…] [objective=…] [format=table|csv|json]

report=comparison.html writes learning curves, parallel coordinates, importance and advice into one file for a browser.
runs=<a>,<b> tells what differs between two runs of MLflow instead.
"""

import json
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from src import files
from src.config.command_line import conf_loader, tracking_uri
from src.config.words import read_words
from src.errors import ConfigError, TrialbookError, did_you_mean
from src.exits import exit_on_error
from src.objective import Objective
from src.results import leaderboard, table
from src.results.leaderboard import Entry, Standing
from src.results.report import report_of
from src.results.scores import load_standing
from src.study import provenance
from src.terminal import Terminal

FORMATS = ("table", "csv", "json")
MOST_SHOWN = 100  # rows, on a terminal


@dataclass(frozen=True)
class Words:
    """What may be said behind the command; several sweeps are compared as one."""

    sweep: str = "latest"
    objective: str = ""
    format: str = "table"
    report: str = ""
    runs: str = ""


def verdict(found: Standing, code: str) -> list[str]:
    """Whether the first two on each data can be told apart, what it would take, and the commands for it.

    Args:
        code: SHA-256 of the present one.
    """
    lines = []
    for entries in found.by_data:
        said = _verdict(found, entries[0], entries[1], code) if len(entries) > 1 else []
        lines += [f"{found.origin(entries[0])}:", *said] if said and len(found.by_data) > 1 else said
    return lines


def _verdict(found: Standing, first: Entry, second: Entry, code: str) -> list[str]:
    known = first.spread is not None and second.spread is not None
    if leaderboard.apart(first, second, found.noise):
        return ["The first is better than the second."] if known else []
    more = leaderboard.seeds_to_separate(first, second)
    if more is None and known:
        return [f"The first two can not be separated at this cost: {leaderboard.MOST_SEEDS} seeds each would not suffice."]
    say = (
        f"{more} more seeds of each would tell the first two apart" if more else "One seed tells nothing about the first two; try four more"
    )
    if any(entry.origin.code not in ("", code) for entry in (first, second)):
        return [f"{say}; but their code is not all the present one, so that new seeds would be rows of their own."]
    seeds = _new_seeds((first, second), more or 4)
    return [f"{say}:", *(f"  python -m src.sweep -m {shlex.join(found.words(entry))} seed={seeds}" for entry in (first, second))]


def _new_seeds(entries: tuple[Entry, ...], count: int) -> str:
    used = [int(trial.values.get("seed", 42)) for entry in entries for trial in (*entry.trials, *entry.unscored)]
    first = max(used) + 1
    return ",".join(map(str, range(first, first + count))) if count < 6 else f"'range({first},{first + count})'"


def main() -> None:
    """Prints the leaderboard."""
    with exit_on_error():
        words = read_words(Words, sys.argv[1:])
        if words.format not in FORMATS:
            hint = did_you_mean(words.format, FORMATS)
            raise ConfigError([f"format={words.format}: no such format{hint} Formats: {', '.join(FORMATS)}"])
        if words.runs:
            _compare_runs(words)
            return
        found, stores = load_standing(words.sweep, words.objective)
        rows = table.ranked(found)
        if words.format == "json":
            print(json.dumps(rows, indent=1))  # noqa: T201
        elif words.format == "csv":
            print(table.as_csv(rows).decode(), end="")  # noqa: T201
        else:
            terminal = Terminal(found.objective)
            terminal.table(f"{words.sweep}, {found.objective}", table.for_people(rows[:MOST_SHOWN]))
            rest = [f"{len(rows) - MOST_SHOWN} more: format=csv"] if len(rows) > MOST_SHOWN else []
            for line in [
                *rest,
                *verdict(found, provenance.code_digest()),
                *(f"{count} x {cause}" for cause, count in found.causes.most_common()),
            ]:
                terminal.say(line)
        if words.report:
            files.write(Path(words.report), report_of(found, stores).html)


def _compare_runs(words: Words) -> None:
    from src.results.difference import difference
    from src.tracking.runs import Runs  # imports MLflow, seconds

    first, *others = words.runs.split(",")
    if len(others) != 1:
        raise ConfigError([f"runs={words.runs}: expected two runs, runs=<a>,<b>"])
    with conf_loader() as loader:
        runs = Runs(tracking_uri(loader))
    both = [runs.recorded(run_id) for run_id in (first, others[0])]
    try:
        found = difference(*both)
    except TrialbookError:
        raise
    except Exception as error:  # whatever the parsers make of files that somebody else wrote
        raise TrialbookError(f"runs={words.runs}: {error}\nA file of these runs can not be read; expected those of a sweep.") from error
    if words.format == "json":
        print(json.dumps(found, indent=1))  # noqa: T201
        return
    terminal = Terminal(Objective("accuracy", "max"))
    for section, rows in found.items():
        if rows:
            terminal.table(section, rows)
    same = [section for section, rows in found.items() if not rows]
    terminal.say(f"the same in both: {', '.join(same) or 'nothing'}")


if __name__ == "__main__":
    main()
