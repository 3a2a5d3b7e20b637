"""Ranks the trials of one or several sweeps, or lists the differences between two runs.

python -m src.compare                                      the latest sweep
python -m src.compare sweep=SWEEP_ID,dropout least=0.002
python -m src.compare sweep=latest report=comparison.html     leaderboard, curves, all keys, failures: one file for a browser
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
from src.results.leaderboard import Group, Standing
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
    """The arguments of the command.

    Attributes:
        sweep: latest, an id, a name, or all; several, separated by commas, are compared as one.
        objective: another metric to rank by, such as min:val_loss.
        format: table; csv with every digit; json, for programs; parquet, which needs to=.
        to: a folder for trials.csv and epochs.csv, or .parquet: all that was recorded.
        most: largest number of rows; 100 for a table, all for the other formats.
        report: an .html file with learning curves, parallel coordinates, importance and advice.
        runs: two MLflow runs, separated by a comma; prints their differences instead.
        least: the smallest difference that matters, such as 0.002; prints how many seeds would find it.
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
    """Returns how many seeds would separate the best configurations of each group, with the commands that run them.

    Args:
        code: SHA-256 of the present code.
        least: the smallest difference that matters; 0 for twice the pooled spread.
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
        wanted = seeds_for(matters, comparison.pooled, len(group.entries))
        have = min(len(entry.scores) for entry in tied)
        if wanted is None:
            return [f"More than {MOST_SEEDS} {repeats(tied)} each would be needed to find {what}; expected a larger least=."]
        if have >= wanted:
            return [f"The first {len(tied)} are not told apart: with {have} {repeats(tied)} each, {what} is found in 80 % of tables."]
        more, say = wanted - have, f"{wanted} seeds each would find {what} in 80 % of tables; compare once, when all have run"
    else:
        more, say = SUGGESTED, "One seed tells nothing; four more each tell how much scores vary by chance"
    if any(entry.origin.code not in ("", code) for entry in tied):
        return [f"{say}. But their code is not all the present one, so that new seeds would be rows of their own."]
    lines, seeds = [f"{say}:"], new_seeds(tied, more)
    for entry in tied[:MOST_COMMANDS]:
        every_fold = ",".join(map(str, range(int(entry.values.get("data.folds") or 0))))
        words = shlex.join(standing.words(entry)) + (f" data.fold={every_fold}" if every_fold else "")
        lines.append(f"  python -m src.sweep -m {words} seed={seeds}")
    if len(tied) > MOST_COMMANDS:
        lines.append(f"  and so for the other {len(tied) - MOST_COMMANDS} that are not told from the first")
    return lines


def main() -> None:
    """Prints the leaderboard, or the differences between two runs."""
    with exit_on_error():
        arguments = read_arguments(Arguments, sys.argv[1:], __doc__)
        if arguments.report and Path(arguments.report).suffix not in (".html", ".htm"):  # never overwrites a file of another kind
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
    from src.report import report_of  # imports matplotlib
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
    if not arguments.to or arguments.format not in ("csv", "parquet"):
        raise ConfigError([f"to={arguments.to} format={arguments.format}: expected to=FOLDER with format=csv or format=parquet"])
    from src.results import frames

    stores = [Store.open(folder / "study.db") for folder in find_sweeps(arguments.sweep)]
    for file in frames.write(stores, arguments.format, Path(arguments.to)):
        print(file)  # noqa: T201


def _compare_runs(arguments: Arguments) -> None:
    from src.results.difference import difference
    from src.tracking.runs import Runs  # imports MLflow, seconds

    ids = arguments.runs.split(",")
    if len(ids) != 2:
        raise ConfigError([f"runs={arguments.runs}: expected two runs, runs=<a>,<b>"])
    with conf_loader() as loader:
        runs = Runs(tracking_uri(loader))
    first, second = map(runs.recorded, ids)
    try:
        sections = difference(first, second)
    except TrialbookError:
        raise
    except Exception as error:  # parsers raise many kinds of errors for files of unknown origin
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
