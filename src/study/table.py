"""The trials of a sweep as a ranked table."""

import csv
import io
import math
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from src.objective import Objective
from src.space import Point

Row = dict[str, Any]
WHOLE = ("seconds", "kept epoch")  # columns whose fractions nobody reads


def ranked(trials: Iterable[dict[str, Any]], objective: Objective, swept: list[str]) -> list[Row]:
    """Rows best first: rank, trial, the keys that vary, the score, its epoch, seconds, state and cause."""
    rows: list[Row] = []
    for trial in sorted(trials, key=lambda trial: (objective.key(trial["score"]), trial["number"])):
        scored = trial["score"] is not None
        rows.append(
            {
                "rank": len(rows) + 1 if scored else None,
                "trial": trial["number"],
                **swept_values(trial["overrides"], swept),
                objective.name: trial["score"],
                "kept epoch": trial["kept_epoch"],
                "epochs": trial["epochs"],
                "seconds": trial["seconds"],
                "state": trial["state"],
                "cause": trial["cause"],
            }
        )
    return rows


def swept_values(point: Point, swept: list[str]) -> dict[str, str]:
    """The values of the keys that vary; a key that the trial does not use is empty."""
    texts = {key.lstrip("+"): text for key, text in point.items()}
    return {key: texts.get(key, "") for key in swept}


def trial_name(point: Point, swept: list[str]) -> str:
    """What distinguishes a trial, for people.

    >>> trial_name({"optimizer": "sgd", "training.epochs": "2"}, ["optimizer"])
    'optimizer=sgd'
    """
    return named(swept_values(point, swept), swept)


def named(row: Row, swept: list[str]) -> str:
    """`trial_name` of a row."""
    return " ".join(f"{key}={row[key]}" for key in swept if row[key])


def as_csv(rows: list[Row]) -> bytes:
    """The table as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else [])
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def cell(value: Any, column: str = "") -> str:
    """A value as people read it.

    >>> cell(0.87654321), cell(None), cell(12), cell(7.83, "seconds")
    ('0.8765', '', '12', '8')
    """
    if value is None:
        return ""
    if column in WHOLE:
        return f"{value:.0f}"
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def as_markdown(rows: list[Row]) -> str:
    """The table for MLflow's description of a sweep; nothing without rows."""
    if not rows:
        return ""
    columns = [name for name in rows[0] if any(row[name] not in (None, "") for row in rows)]
    lines = [columns, ["---"] * len(columns), *([cell(row[name], name).replace("|", "\\|") for name in columns] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def two_standard_errors(accuracy: float, examples: int) -> float:
    """What two accuracies measured on so many examples may differ by without meaning anything.

    >>> two_standard_errors(0.8866, 12000)
    0.006
    """
    return round(2 * math.sqrt(accuracy * (1 - accuracy) / examples), 3) if examples else 0.0


def noise(rows: list[Row], objective: Objective, validation_examples: int) -> float | None:
    """Two standard errors of an accuracy measured on so many examples, if two ranked rows differ by less; else None.

    >>> noise([{"rank": 1, "val_accuracy": 0.8866}, {"rank": 2, "val_accuracy": 0.8831}], Objective("val_accuracy", "max"), 12000)
    0.006
    """
    scores = [row[objective.name] for row in rows if row["rank"]]
    if not objective.name.endswith("accuracy") or len(scores) < 2 or not 0 < scores[0] < 1:
        return None
    error = two_standard_errors(scores[0], validation_examples)
    return error if min(abs(a - b) for a, b in pairwise(scores)) < error else None
