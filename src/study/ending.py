"""The end of a sweep: what MLflow keeps of it, and what people read."""

import logging
import shlex
from collections.abc import Callable
from concurrent.futures import Future

from src import files
from src.config.rules import LONGEST_TAG
from src.errors import TrialbookError
from src.leaderboard import Standing
from src.study import pictures, record, result, resume, table
from src.study.driver import BEST, Driver
from src.study.invocation import Invocation
from src.study.messages import Message
from src.study.reported import compared
from src.study.reporting import report_of
from src.study.scores import named_histories, standing
from src.study.table import Row
from src.tracking import Tracker
from src.trial import CHECKPOINT, Job

log = logging.getLogger(__name__)
REPORT = "report.html"
MOST_NOTED = 12  # rows of the table on MLflow's page of a sweep
MOST_SHOWN = 20  # rows of the table on the terminal


def end(asked: Invocation, driver: Driver, tracker: Tracker) -> int:
    """Records and tells how a sweep ended; returns the exit code."""
    driver.terminal.rest()
    driver.outbox.flush()
    found = standing([driver.store], asked.objective)
    published = compared(asked.space, asked.reported, driver.store.trials()) if asked.reported else []
    of_best = _pictures_of_best(asked, driver)
    if asked.single:
        _attach(driver, 0, _repeating(asked))
        of_best()
    else:
        _record(asked, driver, found, published, of_best)
    left, refused = driver.outbox.flush(), driver.store.refusals()
    if asked.single and (left or refused):
        driver.store.keep(asked.folder / "study.db")
    failed = any(trial.state == "FAILED" for trial in found.trials)
    code = driver.interruption.code or int(failed or bool(refused))
    result.write(asked.folder, code, found.best.run_id if found.best else None)
    _tell(asked, driver, found, published)
    _tell_next(asked, driver, tracker, found, left)
    if not driver.interruption.code:
        _tidy(asked, driver, found)
    return code


def _record(asked: Invocation, driver: Driver, found: Standing, published: list[Row], of_best: Callable[[], dict[str, str]]) -> None:
    """Ends the parent run with the best score, counts, tables, pictures and what repeats the sweep.

    Args:
        of_best: waits for the pictures of the best trial; their names → its run.
    """
    metrics = {f"trials/{word.lower()}": float(sum(trial.state == word for trial in found.trials)) for word in ("FINISHED", "FAILED")}
    if found.best:
        metrics[f"kept/{asked.objective.name}"] = max(found.entries[0].scores, key=lambda score: -asked.objective.key(score))
    scored = [trial for trial in found.trials if trial.score is not None]
    curves = _made("picture of the curves", lambda: pictures.of_sweep(named_histories(scored, [driver.store], found)))
    report = _made("report", lambda: _report(asked, driver, found))
    kept = {"table.csv": table.as_csv(table.by_trial(found)), **_repeating(asked), **curves, **report}
    kept |= {"reported.csv": table.as_csv(published)} if published else {}
    parent = driver.store.run_id(None)
    shown = [_picture(name, parent) for name in curves] + [_picture(name, run_id) for name, run_id in of_best().items()]
    rows = table.ranked(found)
    rest = f"{len(rows) - MOST_NOTED} more in table.csv" if len(rows) > MOST_NOTED else ""
    parts = [table.as_markdown(rows[:MOST_NOTED]), rest, *shown, table.as_markdown(published)]
    tags = {f"trialbook.{name}": value for name, value in driver.facts.items()}
    tags["mlflow.note.content"] = record.description(asked, *parts)[:LONGEST_TAG]
    state = "KILLED" if driver.interruption.code else "FINISHED"
    driver.store.post(Message(None, "end", record.end(state, metrics, tags, driver.outbox.keep(None, kept))))
    driver.outbox.posted()


def _repeating(asked: Invocation) -> dict[str, bytes]:
    """The files that, with the commit, repeat an invocation."""
    names = ("code.patch", "packages.txt", "multirun.yaml", *(file.name for file in asked.folder.glob("code-*.patch")))
    return {name: (asked.folder / name).read_bytes() for name in names}


def _made(what: str, make: Callable[[], dict[str, bytes]]) -> dict[str, bytes]:
    """Files for people; none, and a line, where they fail: a picture must not cost the record."""
    try:
        return make()
    except TrialbookError as error:
        log.warning("no %s: %s", what, error)
    except Exception as error:
        log.warning("no %s: %s", what, error, exc_info=error)
    return {}


def _report(asked: Invocation, driver: Driver, found: Standing) -> dict[str, bytes]:
    made = report_of(found, [driver.store], asked.question)
    files.write(asked.folder / REPORT, made.html)
    return {REPORT: made.html, **made.pictures()}


def _pictures_of_best(asked: Invocation, driver: Driver) -> Callable[[], dict[str, str]]:
    """Has the pictures of the best trial made; what waits for them adds them to its run, and gives their names → the run."""
    file = None if driver.interruption.code else next(asked.folder.glob(BEST.format("*")), None)
    if not file:
        return dict
    number = int(file.name.split("-")[1].split(".")[0])
    row = driver.store.trials()[number]
    job = Job(number, row["attempts"], driver.config_of(row["overrides"]), driver.folder_of(number))
    try:
        made = driver.executor.apply(pictures.of_best, job, file.read_bytes())
    except Exception as error:  # no worker could be started
        failed: Future[dict[str, bytes]] = Future()
        failed.set_exception(error)
        made = failed.result

    def attach() -> dict[str, str]:
        found = _made("pictures of the best trial", made)
        _attach(driver, number, found)
        return dict.fromkeys(found, str(row["run_id"]))

    return attach


def _attach(driver: Driver, number: int, contents: dict[str, bytes]) -> None:
    """Adds files to the run of a trial that ended."""
    driver.store.post(Message(number, "end", record.end(None, {}, {}, driver.outbox.keep(number, contents))))
    driver.outbox.posted()


def _tell(asked: Invocation, driver: Driver, found: Standing, published: list[Row]) -> None:
    """Prints the tables and what to make of them."""
    terminal, rows = driver.terminal, table.for_people(table.ranked(found))
    terminal.table(asked.question or asked.name, rows[:MOST_SHOWN])
    if len(rows) > MOST_SHOWN:
        terminal.say(f"{len(rows) - MOST_SHOWN} more: python -m src.compare sweep={asked.folder.name}")
    for cause, count in found.causes.most_common():
        terminal.say(f"{count} x {cause}")
    if found.noise and len(found.entries) > 1 and all(len(entry.trials) < 2 for entry in found.entries):
        terminal.say(f"one seed: differences below {found.noise} are noise")
    if published:
        terminal.table("reported and obtained", [{name: table.cell(value, name) for name, value in row.items()} for row in published])
    if driver.interruption.code:
        terminal.say(f"interrupted: {sum(trial.state == 'FINISHED' for trial in found.trials)} finished trials are kept in {asked.folder}")
    elif driver.rules.reason():
        terminal.say(f"stopped by {driver.rules.reason()}")
    if refused := driver.store.refusals():
        terminal.say(f"MLflow refused {len(refused)} records; the first: {refused[0]}")
        terminal.say(f"they are kept in {asked.folder}: mend the cause, then {asked.prefix}python -m src.doctor --fix")


def _tell_next(asked: Invocation, driver: Driver, tracker: Tracker, found: Standing, left: int) -> None:
    """Prints the next commands."""
    terminal = driver.terminal
    if left:
        terminal.say(f"MLflow does not answer; {left} records wait in {asked.folder}: {driver.outbox.outage}")
    if asked.single and left:
        terminal.say(f"\nGo on:\n  {asked.prefix}python -m src.doctor --fix")
    elif not asked.single and (driver.interruption.code or left):
        terminal.say(f"\nGo on:\n  {asked.prefix_of_resume}{resume.command(asked)}")
    run_ids = [row["run_id"] for row in driver.store.trials() if row["run_id"]]
    terminal.say(f"\nNext:\n  {asked.prefix}make ui    then open {tracker.link(asked.folder.name, run_ids, asked.objective.name)}")
    if not asked.single:
        terminal.say(f"  open {asked.folder / REPORT}    learning curves, parallel coordinates, importance")
    if found.best and not asked.single:
        terminal.say(f"  {asked.prefix}python -m src.sweep {shlex.join(found.words(found.best))}    repeats the best trial")
        terminal.say(f"  {asked.prefix}python -m src.promote sweep={asked.folder.name}    the best model against the champion")


def _tidy(asked: Invocation, driver: Driver, found: Standing) -> None:
    """Removes what only an unfinished sweep needs."""
    for file in asked.folder.glob(BEST.format("*")):
        file.unlink()
    for trial in found.trials:
        (driver.folder_of(trial.number) / CHECKPOINT).unlink(missing_ok=True)


def _picture(name: str, run_id: str | None) -> str:
    """A picture of a run, in the markdown of MLflow's own pages."""
    return f"![{name}](get-artifact?path={name}&run_uuid={run_id})"
