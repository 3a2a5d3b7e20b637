"""Ranks the trials of a sweep, or of several, or tells two runs apart.

python -m src.compare                                      the latest sweep
python -m src.compare sweep=SWEEP_ID,dropout least=0.002
python -m src.compare sweep=latest report=comparison.html     leaderboard, curves, all keys, what failed: one file for a browser
python -m src.compare runs=RUN_ID,RUN_ID
python -m src.compare sweep=all format=parquet to=tables   all trials and epochs, for other programs
"""

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from src import files
from src.config.arguments import read_arguments
from src.config.command_line import conf_loader, tracking_uri
from src.errors import ConfigError, TrialbookError
from src.events import as_json
from src.exits import exit_on_error
from src.results import table
from src.results.conclusions import SUGGESTED, brief, conclusions, group_name, new_seeds, repeats
from src.results.leaderboard import Entry, Group, Standing
from src.results.scores import load_standing
from src.significance import MOST_SEEDS, seeds_for
from src.study import provenance
from src.study.finding import find_sweeps
from src.study.store import Store
from src.terminal import Terminal

MOST_SHOWN = 100  # rows, on a terminal
MOST_COMMANDS = 5


@dataclass(frozen=True)
class Arguments:
    """The words of the command.

    Attributes:
        sweep: latest, an id, a name, or all; several, with commas, are compared as one.
        objective: another metric to rank by, such as min:val_loss.
        format: table; csv with every digit; json, for programs; parquet, which wants to=.
        to: a folder for trials.csv and epochs.csv, or .parquet: all that was recorded.
        most: rows, at most; of a table 100 unless it is said.
        report: a file for a browser: learning curves, parallel coordinates, importance, advice.
        runs: two runs of MLflow, with a comma; their differences are printed instead.
        least: the least difference that matters, such as 0.002; it says how many seeds would find it.
    """

    sweep: str = "latest"
    objective: str = ""
    format: Literal["table", "csv", "json", "parquet"] = "table"
    to: str = ""
    most: int = 0
    report: str = ""
    runs: str = ""
    least: float = 0.0


def advice_on_seeds(found: Standing, code: str, least: float = 0.0) -> list[str]:
    """Returns how many seeds would tell the first configurations of each group apart, and the commands for them.

    Args:
        code: SHA-256 of the present code.
        least: the least difference that matters; twice the pooled spread if it is not given.
    """
    lines = []
    for group in found.groups:
        if len(group.entries) > 1:
            sentences = _advice(found, group, code, least)
            name = group_name(found, group)
            lines += [f"{name}:", *sentences] if name and sentences else sentences
    return lines


def _advice(standing: Standing, group: Group, code: str, least: float) -> list[str]:
    tied = group.tied
    if len(tied) == 1:
        return ["The first is better than each of the others."]
    comparison = group.comparison
    if comparison.known:
        matters = least or 2 * comparison.pooled
        what = f"a difference of {brief(matters)} ({'least=' if least else 'twice the spread'})"
        wanted, have = seeds_for(matters, comparison.pooled, len(group.entries)), min(len(entry.scores) for entry in tied)
        if wanted is None:
            return [f"More than {MOST_SEEDS} {repeats(tied)} each would be needed to find {what}; expected a larger least=."]
        if have >= wanted:
            return [f"The first {len(tied)} are not told apart: with {have} {repeats(tied)} each, {what} is found in 80 % of tables."]
        more, say = wanted - have, f"{wanted} seeds each would find {what} in 80 % of tables; compare once, when all have run"
    else:
        more, say = SUGGESTED, "One seed tells nothing; four more each tell how much scores vary by chance"
    if any(entry.origin.code not in ("", code) for entry in tied):
        return [f"{say}. But their code is not all the present one, so that new seeds would be rows of their own."]
    seeds = new_seeds(tied, more)
    commands = [
        f"  python -m src.sweep -m {shlex.join(standing.words(entry))}{_folds(entry)} seed={seeds}" for entry in tied[:MOST_COMMANDS]
    ]
    rest = [f"  and so for the other {len(tied) - MOST_COMMANDS} that are not told from the first"] if len(tied) > MOST_COMMANDS else []
    return [f"{say}:", *commands, *rest]


def _folds(entry: Entry) -> str:
    """Returns the word that runs every fold, where there are folds."""
    folds = entry.values.get("data.folds")
    return f" data.fold={','.join(map(str, range(int(folds))))}" if folds else ""


def main() -> None:
    """Prints the leaderboard, or the differences between two runs."""
    with exit_on_error():
        arguments = read_arguments(Arguments, sys.argv[1:], __doc__)
        if arguments.report and Path(arguments.report).suffix not in (".html", ".htm"):  # it takes the place of what is there
            raise ConfigError([f"report={arguments.report}: expected a file that ends in .html"])
        if arguments.runs:
            _compare_runs(arguments)
            return
        if arguments.to or arguments.format == "parquet":
            _write_tables(arguments)
            return
        standing, stores = load_standing(arguments.sweep, arguments.objective)
        rows = table.ranked(standing)
        most = arguments.most or (MOST_SHOWN if arguments.format == "table" else len(rows))
        if arguments.format == "json":
            print(as_json(rows[:most]))  # noqa: T201
        elif arguments.format == "csv":
            print(table.as_csv(rows[:most]).decode(), end="")  # noqa: T201
        else:
            _print_table(arguments.sweep, standing, rows, most, arguments.least)
        if arguments.report:
            _write_report(arguments.report, standing, stores)


def _write_report(path: str, standing: Standing, stores: list[Store]) -> None:
    from src.report import report_of  # matplotlib
    from src.report.champion import champion

    with conf_loader() as loader:
        known = champion(stores[0].meta(), standing, tracking_uri(loader))
    files.write(Path(path), report_of(standing, stores, champion=known))


def _print_table(sweep: str, standing: Standing, rows: list[table.Row], most: int, least: float) -> None:
    terminal = Terminal(standing.objective)
    command = f"python -m src.compare sweep={shlex.quote(sweep)}"
    terminal.table(f"{sweep}, {standing.objective}", table.for_people(rows[:most]), command)
    if len(rows) > most:
        terminal.command(f"{command} format=csv", f"shows {len(rows) - most} more")
    for line in (*conclusions(standing), *advice_on_seeds(standing, provenance.code_digest(), least)):
        terminal.say(line)
    for cause, count in standing.causes.most_common():
        terminal.say(f"{count} x {cause}")


def _write_tables(arguments: Arguments) -> None:
    """Writes all that was recorded of some sweeps, whatever they rank by."""
    if not arguments.to or arguments.format not in ("csv", "parquet"):
        raise ConfigError([f"to={arguments.to} format={arguments.format}: expected to=FOLDER with format=csv or format=parquet"])
    from src.results import frames

    stores = [Store.open(folder / "study.db") for folder in find_sweeps(arguments.sweep)]
    for file in frames.write(stores, arguments.format, Path(arguments.to)):
        print(file)  # noqa: T201


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
        print(as_json({section: rows[: arguments.most or None] for section, rows in sections.items()}))  # noqa: T201
        return
    terminal = Terminal()
    for section, rows in sections.items():
        if rows:
            terminal.table(section, rows)
    same = [section for section, rows in sections.items() if not rows]
    terminal.say(f"the same in both: {', '.join(same) or 'nothing'}")


if __name__ == "__main__":
    main()
