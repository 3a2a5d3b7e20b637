"""Prints the ranking of a sweep:  python -m src.compare [sweep=latest|<id>|<name>,…] [objective=…] [format=table|csv|json]

report=comparison.html writes learning curves, parallel coordinates, importance and advice into one file for a browser.
runs=<a>,<b> prints the differences between two runs of MLflow instead.
"""

import json
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from src import files
from src.config.arguments import read_arguments
from src.config.command_line import conf_loader, tracking_uri
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
class Arguments:
    """The arguments of the command; several sweeps are compared as one."""

    sweep: str = "latest"
    objective: str = ""
    format: str = "table"
    report: str = ""
    runs: str = ""


def verdict(found: Standing, code: str) -> list[str]:
    """Returns, for each data set, whether its first two entries can be separated, and the commands that would help.

    Args:
        code: SHA-256 of the present code.
    """
    lines = []
    for entries in found.by_data:
        if len(entries) < 2:
            continue
        sentences = _verdict_of_two(found, entries[0], entries[1], code)
        if sentences and len(found.by_data) > 1:
            lines.append(f"{found.origin(entries[0])}:")
        lines += sentences
    return lines


def _verdict_of_two(standing: Standing, first: Entry, second: Entry, code: str) -> list[str]:
    known = first.spread is not None and second.spread is not None
    if leaderboard.apart(first, second, standing.noise):
        return ["The first is better than the second."] if known else []
    more = leaderboard.seeds_to_separate(first, second)
    if more is None and known:
        return [f"The first two cannot be separated at this cost: {leaderboard.MOST_SEEDS} seeds each would not suffice."]
    if more:
        advice = f"{more} more seeds of each would tell the first two apart"
    else:
        advice = "One seed tells nothing about the first two; try four more"
    if any(entry.origin.code not in ("", code) for entry in (first, second)):
        return [f"{advice}; but their code is not all the present one, so that new seeds would be rows of their own."]
    seeds = _new_seeds((first, second), more or 4)
    commands = [f"  python -m src.sweep -m {shlex.join(standing.words(entry))}{_folds(entry)} seed={seeds}" for entry in (first, second)]
    return [f"{advice}:", *commands]


def _folds(entry: Entry) -> str:
    """Returns the word that runs every fold, where there are folds."""
    folds = entry.values.get("data.folds")
    return f" data.fold={','.join(map(str, range(int(folds))))}" if folds else ""


def _new_seeds(entries: tuple[Entry, ...], count: int) -> str:
    """Returns seeds that no entry used, in Hydra's syntax: a list, or a range if there are many."""
    used = [int(trial.values.get("seed", 42)) for entry in entries for trial in (*entry.trials, *entry.unscored)]
    first = max(used) + 1
    if count < 6:
        return ",".join(map(str, range(first, first + count)))
    return f"'range({first},{first + count})'"


def main() -> None:
    """Prints the leaderboard, or the differences between two runs."""
    with exit_on_error():
        arguments = read_arguments(Arguments, sys.argv[1:])
        if arguments.format not in FORMATS:
            hint = did_you_mean(arguments.format, FORMATS)
            raise ConfigError([f"format={arguments.format}: no such format{hint} Formats: {', '.join(FORMATS)}"])
        if arguments.runs:
            _compare_runs(arguments)
            return
        standing, stores = load_standing(arguments.sweep, arguments.objective)
        rows = table.ranked(standing)
        if arguments.format == "json":
            print(json.dumps(rows, indent=1))  # noqa: T201
        elif arguments.format == "csv":
            print(table.as_csv(rows).decode(), end="")  # noqa: T201
        else:
            _print_table(arguments.sweep, standing, rows)
        if arguments.report:
            files.write(Path(arguments.report), report_of(standing, stores).html)


def _print_table(sweep: str, standing: Standing, rows: list[table.Row]) -> None:
    terminal = Terminal(standing.objective)
    terminal.table(f"{sweep}, {standing.objective}", table.for_people(rows[:MOST_SHOWN]))
    if len(rows) > MOST_SHOWN:
        terminal.say(f"{len(rows) - MOST_SHOWN} more: format=csv")
    for line in verdict(standing, provenance.code_digest()):
        terminal.say(line)
    for cause, count in standing.causes.most_common():
        terminal.say(f"{count} x {cause}")


def _compare_runs(arguments: Arguments) -> None:
    from src.results.difference import difference
    from src.tracking.runs import Runs  # imports MLflow, seconds

    first, *others = arguments.runs.split(",")
    if len(others) != 1:
        raise ConfigError([f"runs={arguments.runs}: expected two runs, runs=<a>,<b>"])
    with conf_loader() as loader:
        runs = Runs(tracking_uri(loader))
    both = [runs.recorded(run_id) for run_id in (first, others[0])]
    try:
        sections = difference(*both)
    except TrialbookError:
        raise
    except Exception as error:  # parsers raise errors of many kinds for files that somebody else wrote
        raise TrialbookError(f"runs={arguments.runs}: {error}\nA file of these runs cannot be read; expected those of a sweep.") from error
    if arguments.format == "json":
        print(json.dumps(sections, indent=1))  # noqa: T201
        return
    terminal = Terminal(Objective("accuracy", "max"))
    for section, rows in sections.items():
        if rows:
            terminal.table(section, rows)
    same = [section for section, rows in sections.items() if not rows]
    terminal.say(f"the same in both: {', '.join(same) or 'nothing'}")


if __name__ == "__main__":
    main()
