"""The end of a sweep: what MLflow keeps of it, and what people read."""

import logging
import shlex
import time
from typing import Any

from src.space import overrides
from src.study import pictures, record, resume, table
from src.study.driver import BEST, Driver
from src.study.invocation import Invocation
from src.study.reported import compared
from src.study.store import Message
from src.study.table import Row
from src.tracking import Tracker
from src.trial import CHECKPOINT, Job

log = logging.getLogger(__name__)
MOST_TAG = 5000  # characters that MLflow takes
MOST_ROWS = 12  # of the table on MLflow's page of a sweep
MOST_COLUMNS = 3  # of keys that vary, in a terminal's table


def end(asked: Invocation, driver: Driver, tracker: Tracker) -> list[Row]:
    """Records and tells how a sweep ended; returns its ranked table."""
    driver.terminal.rest()
    driver.outbox.flush()
    trials = driver.store.trials()
    rows = table.ranked(trials, asked.objective, driver.swept)
    published = compared(asked.space, asked.reported, trials) if asked.reported else []
    of_best = {} if driver.interruption.code else _attach_pictures(asked, driver)
    if not asked.single:
        _record(asked, driver, rows, published, of_best)
    left = driver.outbox.flush()
    _tell(asked, driver, tracker, rows, published, left)
    if not driver.interruption.code:
        _tidy(asked, driver, [row["trial"] for row in rows])
    return rows


def _record(asked: Invocation, driver: Driver, rows: list[Row], published: list[Row], of_best: dict[str, str]) -> None:
    """Ends the parent run with the best score, counts, tables, pictures and what repeats the sweep.

    Args:
        of_best: name of a picture of the best trial → its run.
    """
    metrics = {f"trials/{word.lower()}": float(sum(row["state"] == word for row in rows)) for word in ("FINISHED", "FAILED")}
    if rows and rows[0]["rank"]:
        metrics[f"kept/{asked.objective.name}"] = rows[0][asked.objective.name]
    curves = pictures.of_sweep(_histories(asked, driver, rows))
    files = {name: (asked.folder / name).read_bytes() for name in ("code.patch", "packages.txt", "multirun.yaml")}
    files |= {"table.csv": table.as_csv(rows), **({"reported.csv": table.as_csv(published)} if published else {}), **curves}
    parent = driver.store.run_id(None)
    shown = [_picture(name, parent) for name in curves] + [_picture(name, run_id) for name, run_id in of_best.items()]
    rest = f"{len(rows) - MOST_ROWS} more in table.csv" if len(rows) > MOST_ROWS else ""
    parts = [table.as_markdown(rows[:MOST_ROWS]), rest, *shown, table.as_markdown(published)]
    tags = {f"trialbook.{name}": value for name, value in driver.facts.items()}
    tags["mlflow.note.content"] = record.description(asked, *parts)[:MOST_TAG]
    state = "KILLED" if driver.interruption.code else "FINISHED"
    driver.outbox.keep(None, "end", files)
    driver.store.post(_end(None, "end", {"state": state, "metrics": metrics, "tags": tags}))
    driver.outbox.posted()


def _histories(asked: Invocation, driver: Driver, rows: list[Row]) -> list[tuple[str, dict[str, list[float]]]]:
    """(name of a trial, its metrics per epoch), best first."""
    histories: dict[int, dict[str, list[float]]] = {}
    for number, _, metrics in driver.store.epochs():
        for name, value in metrics.items():
            histories.setdefault(number, {}).setdefault(name, []).append(value)
    ranked = [row for row in rows if row["rank"] and row["trial"] in histories]
    return [(table.named(row, driver.swept) or f"trial {row['trial']}", histories[row["trial"]]) for row in ranked]


def _attach_pictures(asked: Invocation, driver: Driver) -> dict[str, str]:
    """Adds the pictures of the best trial to its run; name of a picture → the run.

    None, and a line, for a model whose outputs are not class probabilities: a picture must not cost the record.
    """
    for file in asked.folder.glob(BEST.format("*")):
        number = int(file.name.split("-")[1].split(".")[0])
        row = driver.store.trials()[number]
        config = driver.config_of(row["overrides"])
        try:
            found = pictures.of_best(Job(number, row["attempts"], config, driver.folder_of(number)), file.read_bytes())
        except Exception as error:
            log.warning("no pictures of the best trial: %s", error, exc_info=error)
            return {}
        driver.outbox.keep(number, "attach", found)
        driver.store.post(_end(number, "attach", {"state": None, "metrics": {}, "tags": {}}))
        return dict.fromkeys(found, str(row["run_id"]))
    return {}


def _end(number: int | None, kind: str, payload: dict[str, Any]) -> Message:
    return Message(number, kind, {**payload, "time": time.time()})


def _tell(asked: Invocation, driver: Driver, tracker: Tracker, rows: list[Row], published: list[Row], left: int) -> None:
    """Prints the tables, what to make of them, and the next commands."""
    terminal, facts = driver.terminal, driver.facts
    terminal.table(asked.question or asked.name, [_for_people(row, driver.swept) for row in rows])
    noise = table.noise(rows, asked.objective, int(facts["validation_examples"])) if facts else None
    if noise and "seed" not in driver.swept:
        terminal.say(f"one seed: differences below {noise} are noise")
    if published:
        terminal.table("reported and obtained", [{name: table.cell(value, name) for name, value in row.items()} for row in published])
    if driver.interruption.code:
        terminal.say(f"interrupted: {sum(row['state'] == 'FINISHED' for row in rows)} finished trials are kept in {asked.folder}")
    elif driver.rules.reason():
        terminal.say(f"stopped by {driver.rules.reason()}")
    for refused in driver.outbox.refused[:1]:
        terminal.say(f"MLflow refused {len(driver.outbox.refused)} records; the first: {refused}")
    if left:
        terminal.say(f"MLflow does not answer; {left} records wait in {asked.folder}: {driver.outbox.outage}")
    if not asked.single and (driver.interruption.code or left):
        terminal.say(f"\nGo on:\n  {resume.command(asked)}")
    run_ids = [row["run_id"] for row in driver.store.trials() if row["run_id"]]
    terminal.say(f"\nNext:\n  make ui    then open {tracker.link(asked.folder.name, run_ids, asked.objective.name)}")
    if rows and rows[0]["rank"] and not asked.single:
        best = driver.store.trials()[rows[0]["trial"]]["overrides"]
        terminal.say(f"  python -m src.sweep {shlex.join(overrides(best))}    repeats the best trial")
        terminal.say(f"  python -m src.promote sweep={asked.folder.name}    the best model against the champion")


def _tidy(asked: Invocation, driver: Driver, numbers: list[int]) -> None:
    """Removes what only an unfinished sweep needs."""
    for file in asked.folder.glob(BEST.format("*")):
        file.unlink()
    for number in numbers:
        (driver.folder_of(number) / CHECKPOINT).unlink(missing_ok=True)


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
