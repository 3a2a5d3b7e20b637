"""The end of a sweep: what MLflow's parent run keeps of it, and what people read."""

import shlex

from src.space import overrides
from src.study import record, table
from src.study.invocation import Invocation
from src.study.table import Row
from src.terminal import Terminal
from src.tracking import Tracker

MOST_COLUMNS = 3  # of keys that vary, in a terminal's table


def record_end(asked: Invocation, tracker: Tracker, rows: list[Row], facts: dict[str, str], *, state: str) -> None:
    """Ends the parent run with the best score, counts, the table and what repeats the sweep."""
    metrics = {f"trials/{word.lower()}": float(sum(row["state"] == word for row in rows)) for word in ("FINISHED", "FAILED")}
    if rows and rows[0]["rank"]:
        metrics[f"kept/{asked.objective.name}"] = rows[0][asked.objective.name]
    tags = {f"trialbook.{name}": value for name, value in facts.items()}
    tags["mlflow.note.content"] = record.description(asked, table.as_markdown(rows))
    kept = {name: (asked.folder / name).read_bytes() for name in ("code.patch", "packages.txt", "multirun.yaml")}
    tracker.close(state, metrics, tags, {**kept, "table.csv": table.as_csv(rows)})


def tell_end(asked: Invocation, terminal: Terminal, tracker: Tracker, rows: list[Row], facts: dict[str, str], *, interrupted: bool) -> None:
    """Prints the ranked table, what to make of it, and the next commands."""
    terminal.table(asked.question or asked.name, [_for_people(row, asked.space.swept) for row in rows])
    noise = table.noise(rows, asked.objective, int(facts["validation_examples"])) if facts else None
    if noise and "seed" not in asked.space.swept:
        terminal.say(f"one seed: differences below {noise} are noise")
    if interrupted:
        terminal.say(f"interrupted: {sum(row['state'] == 'FINISHED' for row in rows)} finished trials are kept in {asked.folder}")
    if tracker.lost:
        terminal.say(f"MLflow did not take {len(tracker.lost)} records; the first: {tracker.lost[0]}")
    terminal.say(f"\nNext:\n  make ui    then open {tracker.link(asked.objective.name)}")
    if rows and rows[0]["rank"] and not asked.single:
        best = next(point for number, point in enumerate(asked.space.points()) if number == rows[0]["trial"])
        terminal.say(f"  python -m src.sweep {shlex.join(overrides(best))}    repeats the best trial")


def _for_people(row: Row, swept: list[str]) -> dict[str, str]:
    """A row as texts: trials count from 1, and many keys that vary share one column."""
    cells = {name: table.cell(value) for name, value in {**row, "trial": row["trial"] + 1}.items()}
    if len(swept) <= MOST_COLUMNS:
        return cells
    values = " ".join(f"{key}={cells[key]}" for key in swept if cells[key])
    return {
        "rank": cells["rank"],
        "trial": cells["trial"],
        "values": values,
        **{key: text for key, text in cells.items() if key not in swept},
    }
