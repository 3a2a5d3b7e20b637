"""Looks after a local store: whether its database is whole, where it believes to lie, which files belong to no run."""

import hashlib
import re
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from src.artifacts import DIGEST_TAGS
from src.tracking.runs import Runs
from src.tracking.store import moved_from, read

PLACES = {  # table → columns with addresses of files
    "experiments": ("artifact_location",),
    "runs": ("artifact_uri",),
    "logged_models": ("artifact_location",),
    "model_versions": ("source", "storage_location"),
}
MOMENT = 60.0  # seconds
RUN = re.compile(r"[0-9a-f]{32}")
BESIDE = re.compile(r"\..+\.[0-9a-z_]{8}|\.mlflow\.db\.\d+.*")  # what src/files.py and a new store write before they rename


def damage(folder: Path) -> str:
    """What SQLite says of the database; nothing where it is whole."""
    try:
        said = read(folder, "pragma integrity_check")[0][0]
    except sqlite3.DatabaseError as error:
        return str(error)
    return "" if said == "ok" else str(said).splitlines()[0]


def settle(folder: Path) -> int:
    """Lets every address of a store that was moved or copied say where it lies now; how many there were."""
    here, changed = folder.resolve().as_uri(), 0
    old = moved_from(folder)
    with closing(sqlite3.connect(folder / "mlflow.db", timeout=20)) as database, database:
        for place in old:
            for table, columns in PLACES.items():
                for column in columns:
                    done = database.execute(
                        f"update {table} set {column} = ? || substr({column}, ?) where substr({column}, 1, ?) = ?",  # noqa: S608  our own names
                        (here, len(place) + 1, len(place) + 1, f"{place}/"),
                    )
                    changed += done.rowcount
    return changed


def left_behind(folder: Path) -> list[Path]:
    """Half-written files of processes that were killed, and artifacts of runs that the database does not have.

    A file that was touched a moment ago may be in the hands of a process that lives.
    """
    known = {run_id for (run_id,) in read(folder, "select run_uuid from runs")}
    beside = [*folder.glob(".*"), *folder.glob("sweeps/**/.*"), *folder.glob("trials/**/.*")]
    files = [file for file in beside if BESIDE.fullmatch(file.name) and file.is_file()]
    halves = [file for file in files if time.time() - file.stat().st_mtime > MOMENT]
    return halves + [file for file in (folder / "artifacts").glob("*") if RUN.fullmatch(file.name) and file.name not in known]


def remove(left: list[Path]) -> None:
    """Deletes what `left_behind` found."""
    for path in left:
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def running(runs: Runs) -> Iterator[tuple[str, str]]:
    """(run, sweep) of the runs that MLflow calls RUNNING; those of single trials belong to no sweep."""
    everywhere = [experiment.experiment_id for experiment in runs.client.search_experiments()]
    for run in runs.client.search_runs(everywhere, "attributes.status = 'RUNNING'", max_results=1000):
        if "trialbook.kind" in run.data.tags:
            yield run.info.run_id, run.data.tags.get("trialbook.sweep", "")


def changed_models(folder: Path) -> Iterator[tuple[str, str]]:
    """(run, file) of the models whose bytes are not those that were recorded."""
    for run_id, key, digest in read(folder, "select run_uuid, key, value from tags where key in (?, ?)", *DIGEST_TAGS.values()):
        name = next(name for name, tag in DIGEST_TAGS.items() if tag == key)
        file = folder / "artifacts" / run_id / "artifacts" / name
        if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != digest:
            yield run_id, name
