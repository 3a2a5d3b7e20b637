"""The end of a sweep: what MLflow keeps of it, and what people read."""

import logging
import shlex

from src.space import overrides
from src.study import pictures, record, table
from src.study.driver import Driver
from src.study.invocation import Invocation
from src.study.reported import compared
from src.study.table import Row
from src.terminal import Terminal

log = logging.getLogger(__name__)
MOST_TAG = 5000  # characters that MLflow takes
MOST_ROWS = 12  # of the table on MLflow's page of a sweep
MOST_COLUMNS = 3  # of keys that vary, in a terminal's table


def end(asked: Invocation, driver: Driver, terminal: Terminal, *, interrupted: bool) -> list[Row]:
    """Records and tells how a sweep ended; returns its ranked table."""
    terminal.rest()
    trials = driver.store.trials()
    rows = table.ranked(trials, asked.objective, asked.space.swept)
    metrics = {number: outcome.metrics for number, outcome in driver.ended.items()}
    published = compared(asked.space, asked.reported, trials, metrics) if asked.reported else []
    best = {} if interrupted else _pictures_of_best(driver)
    shown = {}
    if driver.best and best:
        driver.tracker.attach(driver.best.job.number, best)
        shown = dict.fromkeys(best, trials[driver.best.job.number]["run_id"])
    driver.store.describe(**_facts(driver))
    _record(asked, driver, rows, published, shown, interrupted=interrupted)
    _tell(asked, driver, terminal, rows, published, interrupted=interrupted)
    return rows


def _record(
    asked: Invocation, driver: Driver, rows: list[Row], published: list[Row], of_best: dict[str, str], *, interrupted: bool
) -> None:
    """Ends the parent run with the best score, counts, tables, pictures and what repeats the sweep.

    Args:
        of_best: name of a picture of the best trial → its run.
    """
    metrics = {f"trials/{word.lower()}": float(sum(row["state"] == word for row in rows)) for word in ("FINISHED", "FAILED")}
    if rows and rows[0]["rank"]:
        metrics[f"kept/{asked.objective.name}"] = rows[0][asked.objective.name]
    names = {row["trial"]: table.named(row, asked.space.swept) or f"trial {row['trial']}" for row in rows}
    curves = pictures.of_sweep([(names[row["trial"]], driver.ended[row["trial"]].history) for row in rows if row["rank"]])
    files = {name: (asked.folder / name).read_bytes() for name in ("code.patch", "packages.txt", "multirun.yaml")}
    files |= {"table.csv": table.as_csv(rows), **({"reported.csv": table.as_csv(published)} if published else {}), **curves}
    shown = [_picture(name, driver.tracker.parent) for name in curves] + [_picture(name, run_id) for name, run_id in of_best.items()]
    tags = {f"trialbook.{name}": value for name, value in _facts(driver).items()}
    rest = f"{len(rows) - MOST_ROWS} more in table.csv" if len(rows) > MOST_ROWS else ""
    parts = [table.as_markdown(rows[:MOST_ROWS]), rest, *shown, table.as_markdown(published)]
    tags["mlflow.note.content"] = record.description(asked, *parts)[:MOST_TAG]
    driver.tracker.close("KILLED" if interrupted else "FINISHED", metrics, tags, files)


def _tell(asked: Invocation, driver: Driver, terminal: Terminal, rows: list[Row], published: list[Row], *, interrupted: bool) -> None:
    """Prints the tables, what to make of them, and the next commands."""
    facts, tracker = _facts(driver), driver.tracker
    terminal.table(asked.question or asked.name, [_for_people(row, asked.space.swept) for row in rows])
    noise = table.noise(rows, asked.objective, int(facts["validation_examples"])) if facts else None
    if noise and "seed" not in asked.space.swept:
        terminal.say(f"one seed: differences below {noise} are noise")
    if published:
        terminal.table("reported and obtained", [{name: table.cell(value, name) for name, value in row.items()} for row in published])
    if interrupted:
        terminal.say(f"interrupted: {sum(row['state'] == 'FINISHED' for row in rows)} finished trials are kept in {asked.folder}")
    if tracker.lost:
        terminal.say(f"MLflow did not take {len(tracker.lost)} records; the first: {tracker.lost[0]}")
    terminal.say(f"\nNext:\n  make ui    then open {tracker.link(asked.objective.name)}")
    if rows and rows[0]["rank"] and not asked.single:
        best = driver.store.trials()[rows[0]["trial"]]["overrides"]
        terminal.say(f"  python -m src.sweep {shlex.join(overrides(best))}    repeats the best trial")
        terminal.say(f"  python -m src.promote sweep={asked.folder.name}    the best model against the champion")


def _pictures_of_best(driver: Driver) -> dict[str, bytes]:
    """None, and a line, for a model whose outputs are not class probabilities: a picture must not cost the record."""
    try:
        return pictures.of_best(driver.best) if driver.best else {}
    except Exception as error:
        log.warning("no pictures of the best trial: %s", error, exc_info=error)
        return {}


def _facts(driver: Driver) -> dict[str, str]:
    return next((outcome.facts for outcome in driver.ended.values() if outcome.facts), {})


def _picture(name: str, run_id: str | None) -> str:
    """A picture of a run, in the markdown of MLflow's own pages."""
    return f"![{name}](get-artifact?path={name}&run_uuid={run_id})"


def _for_people(row: Row, swept: list[str]) -> dict[str, str]:
    """A row as texts: trials count from 1, and many keys that vary share one column."""
    cells = {name: table.cell(value, name) for name, value in {**row, "trial": row["trial"] + 1}.items()}
    if len(swept) <= MOST_COLUMNS:
        return cells
    rest = {key: text for key, text in cells.items() if key not in swept}
    return {"rank": rest.pop("rank"), "trial": rest.pop("trial"), "values": table.named(row, swept), **rest}
