"""Builds tables: of configurations for people, and of trials for CSV files."""

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from statistics import mean
from typing import Any

from src.columns import figure
from src.config.paths import KERAS_GROUPS
from src.results.leaderboard import Entry, Standing, TrialResult
from src.space import Point
from src.space.origin import DIFFERS
from src.space.values import value_text
from src.states import TrialState

Row = dict[str, Any]
INTERVAL = "mean ± 95 %"  # the column of the confidence interval of the mean over repeats
TAKEN = ("rank", "trial", "repeats", "spread", "kept epoch", "last", "seconds", "state", "cause", "run", "front")  # names of columns
MANY = 1000  # whole numbers from here on are shown without decimals
WHOLE = ("seconds", "kept epoch")  # columns that are shown without decimals
FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")  # characters that begin a formula; the last four are the full-width = + - @
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", re.IGNORECASE | re.ASCII)
FUNCTION = "function"  # the column with the option of the group "trial"
MARK = "*"
FRONT = "front"  # the column that marks the rows in `Standing.front`
MOST_COLUMNS = 3  # columns of varying keys; more keys share one column


def ranked(standing: Standing) -> list[Row]:
    """Returns one row per configuration, best first: varying keys, mean, kept epoch, last value, seconds, states.

    The rank is a text such as `1-4`.
    """
    unrepeated = all(len(entry.repeats) == 1 for entry in standing.entries)
    rows = zip(standing.entries, standing.ranks, standing.front, strict=True)
    return [_row(standing, entry, rank, front=front, unrepeated=unrepeated) for entry, rank, front in rows]


def _row(standing: Standing, entry: Entry, rank: str | None, *, front: bool, unrepeated: bool) -> Row:
    """Returns the row of one entry. If no entry has repeats, the number of the trial replaces the columns about repeats."""
    trials = entry.repeats
    last = [trial.last for trial in entry.trials if trial.last is not None]
    kept = [trial.kept_epoch for trial in entry.trials if trial.kept_epoch is not None]
    row: Row = {"rank": rank}
    if unrepeated:
        row["trial"] = trials[0].number + 1
    if standing.sweeps > 1:  # each sweep counts its trials from 1
        row["sweep"] = ", ".join(dict.fromkeys(trial.sweep for trial in entry.all))
    row |= shown_values(entry, standing.keys) | _origin(standing, entry) | _folds(standing, entry)
    row[standing.objective.name] = entry.mean if entry.trials else None
    row |= _second(standing, entry, front=front)
    if not unrepeated:
        row |= {INTERVAL: entry.interval, "spread": entry.spread, "repeats": len(entry.trials)}
    return row | {
        "kept epoch": mean(kept) if kept else None,
        "last": mean(last) if last else None,
        "seconds": entry.seconds,
        "state": _states(trials),
    }


def _second(standing: Standing, one: TrialResult | Entry, *, front: bool) -> Row:
    """Returns the columns of a second objective; none without one. If its name is in TAKEN, the column's name has its direction, too."""
    second, value = standing.second, one.second
    if not second:
        return {}
    if value is not None and value >= MANY and value == int(value):
        value = int(value)
    return {str(second) if second.name in TAKEN else second.name: value, FRONT: front}


def _states(trials: Sequence[TrialResult]) -> str:
    states = Counter(trial.state_text for trial in trials)
    return ", ".join(state if len(states) == 1 else f"{count} {state}" for state, count in states.items())


def by_trial(standing: Standing) -> list[Row]:
    """Returns one row per trial, those of the best configuration first, with numbers as they are stored."""
    return [
        {
            "rank": rank.replace("-", " to ") if rank else None,  # spreadsheets read 1-4 as a date
            "trial": trial.number,
            **({"sweep": trial.sweep} if standing.sweeps > 1 else {}),
            **shown_values(trial, standing.keys_of_trials),
            **_origin(standing, trial),
            standing.objective.name: trial.score,
            **_second(standing, trial, front=front),
            "kept epoch": trial.kept_epoch,
            "last": trial.last,
            "seconds": trial.seconds,
            "state": trial.state,
            "cause": trial.cause,
            "run": trial.run_id,
        }
        for entry, rank, front in zip(standing.entries, standing.ranks, standing.front, strict=True)
        for trial in entry.all
    ]


def for_people(rows: list[Row]) -> list[dict[str, str]]:
    """Formats rows for people. If many keys vary, they share the column "values".

    In a table with repeats, the spread, and the state if all are FINISHED, are left out, to fit in 80 columns.
    """
    hidden = {"spread"} if rows and INTERVAL in rows[0] else set()
    if hidden and {row["state"] for row in rows} == {TrialState.FINISHED}:
        hidden.add("state")
    keys = [name for name in (rows[0] if rows else {}) if "." in name or name in (*KERAS_GROUPS, FUNCTION, "seed")]
    texts = []
    for row in rows:
        cells = {name: cell(value, name) for name, value in row.items() if name not in hidden}
        if len(keys) > MOST_COLUMNS:
            others = {name: text for name, text in cells.items() if name not in keys}
            front = {name: others[name] for name in (next(iter(others)), "trial", "sweep") if name in others}
            cells = {**front, "values": key_value_text(row, keys), **others}
        texts.append(cells)
    return texts


def shown_values(one: TrialResult | Entry, keys: list[str]) -> dict[str, str]:
    """Returns key → its value as text, empty if a trial or entry does not use the key.

    The key "trial" becomes FUNCTION, because the column "trial" has the numbers of trials.
    """
    names = {key: FUNCTION if key == "trial" else key for key in keys}
    return {name: value_text(one.values[key]) if key in one.values else "" for key, name in names.items()}


def _origin(standing: Standing, one: TrialResult | Entry) -> Row:
    return {DIFFERS: standing.origin(one)} if standing.of_several_origins else {}


def _folds(standing: Standing, entry: Entry) -> Row:
    return {"folds": ", ".join(map(str, entry.folds))} if len({one.folds for one in standing.entries}) > 1 else {}


def trial_name(point: Point, swept: list[str]) -> str:
    """Names a trial for people by the values of the swept keys.

    >>> trial_name({"optimizer": "sgd", "training.epochs": "2"}, ["optimizer"])
    'optimizer=sgd'
    """
    return key_value_text({key: point.get(key, "") for key in swept}, swept)


def name_of(standing: Standing, trial: TrialResult) -> str:
    """Names a trial for people by the values, and the origin, that distinguish it in a standing."""
    values = shown_values(trial, standing.keys_of_trials)
    parts = (key_value_text(values, list(values)), standing.origin(trial))
    return " ".join(filter(None, parts)) or f"trial {trial.number + 1}"


def key_value_text(row: Row, keys: list[str]) -> str:
    """Returns `key=value` for each key whose value in the row is not empty, separated by spaces."""
    return " ".join(f"{key}={row[key]}" for key in keys if row[key])


def as_csv(rows: list[Row]) -> bytes:
    """Returns the table as a CSV file, without formulas (see `inert`)."""
    text = io.StringIO()
    table = [list(rows[0]), *(list(row.values()) for row in rows)] if rows else []
    csv.writer(text).writerows(map(inert, cells) for cells in table)
    return text.getvalue().encode()


def inert(value: Any) -> Any:
    """Returns a cell that no spreadsheet evaluates as a formula; leaves numbers as they are.

    Source: OWASP, CSV Injection, https://owasp.org/www-community/attacks/CSV_Injection

    >>> inert("=1+1"), inert("-1+cmd"), inert("-0.5"), inert(-0.5)
    ("'=1+1", "'-1+cmd", '-0.5', -0.5)
    """
    if not isinstance(value, str) or not value.startswith(FORMULA):
        return value
    return value if NUMBER.fullmatch(value) else f"'{value}"


def cell(value: Any, column: str = "") -> str:
    """Formats a value for people.

    >>> cell(0.87654321), cell(None), cell(12), cell(7.83, "seconds")
    ('0.8765', '', '12', '8')
    """
    if value is None or value is False:
        return ""
    if value is True:
        return MARK
    if column in WHOLE:
        return f"{value:.0f}"
    return figure(value) if isinstance(value, float) else str(value)


def as_markdown(rows: list[Row]) -> str:
    """Returns the table as Markdown, for the README of an exported sweep; empty without rows."""
    if not rows:
        return ""
    columns = [name for name in rows[0] if any(row[name] not in (None, "") for row in rows)]
    body = [[cell(row[name], name).replace("|", "\\|") for name in columns] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in (columns, ["---"] * len(columns), *body))
