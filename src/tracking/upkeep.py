"""Checks and repairs a local store: a damaged database, addresses after a move, files of no run, changed models."""

import hashlib
import json
import re
import shlex
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from src.artifacts import DIGEST_TAGS
from src.files import PART
from src.tracking.address import local_path
from src.tracking.local import open_database
from src.tracking.paging import every
from src.tracking.runs import Runs
from src.tracking.schema import COPY
from src.tracking.store import artifacts, beside, moved_from, read

PLACES = {  # table → columns with addresses of files
    "experiments": ("artifact_location",),
    "runs": ("artifact_uri",),
    "logged_models": ("artifact_location",),
    "model_versions": ("source", "storage_location"),
}
MOMENT = 60.0  # seconds
RUN = re.compile(r"[0-9a-f]{32}")
BESIDE = re.compile(rf"\..+\.[0-9a-z_]{{8}}{re.escape(PART)}")  # temporary names of src/files.py
SQLITE = b"SQLite format 3\0"  # first bytes of a database
ATTIC = "attic"  # folder beside a store's database


def damage(file: Path) -> str:
    """Returns the first thing that SQLite finds wrong with the database; empty if it is intact."""
    try:
        report = read(file, "pragma integrity_check")[0][0]
    except sqlite3.DatabaseError as error:
        return str(error)
    return "" if report == "ok" else str(report).splitlines()[0]


def settle(file: Path) -> int:
    """Corrects every address in a store that was moved or copied; returns how many it changed."""
    here, changed = file.parent.as_uri(), 0
    former = moved_from(file)
    with closing(open_database(file)) as database, database:
        for folder in former:
            for table, columns in PLACES.items():
                for column in columns:
                    cursor = database.execute(
                        f"update {table} set {column} = ? || substr({column}, ?) where substr({column}, 1, ?) = ?",  # noqa: S608  our own names
                        (here, len(folder) + 1, len(folder) + 1, f"{folder}/"),
                    )
                    changed += cursor.rowcount
    return changed


def left_behind(file: Path) -> list[Path]:
    """Returns half-written files of processes that were killed, and folders of runs that the store does not have.

    They are recognised by names that nobody else uses. A file that was changed within the last minute is left out, because a running
    process may be writing it.
    """
    folder = file.parent
    hidden = [*folder.glob(".*"), *folder.glob("sweeps/**/.*"), *folder.glob("trials/**/.*")]
    parts = [path for path in hidden if (BESIDE.fullmatch(path.name) or beside(file).fullmatch(path.name)) and path.is_file()]
    return [path for path in parts if time.time() - path.stat().st_mtime > MOMENT] + _ownerless(file)


def _ownerless(file: Path) -> list[Path]:
    """Returns folders of runs that the store does not have; empty if another store may keep its runs in the same place."""
    if neighbours(file) or (artifacts(file),) not in read(file, "select artifact_location from experiments"):
        return []
    folders = [path for path in (file.parent / "artifacts").glob("*") if RUN.fullmatch(path.name) and path.is_dir()]
    ours = [folder for folder in folders if {child.name for child in folder.iterdir()} <= {"artifacts"}]
    known = {run_id for (run_id,) in read(file, "select run_uuid from runs")}  # read last: a run gets its row before its folder
    return [folder for folder in ours if folder.name not in known]


def neighbours(file: Path) -> list[str]:
    """Returns the names of other databases in the folder of a store; a file that cannot be read counts as one."""
    own = re.compile(rf"{re.escape(file.name)}({re.escape(COPY)}\w+)?|{beside(file).pattern}")
    others = [path for path in file.parent.iterdir() if path.is_file() and not own.fullmatch(path.name)]
    return sorted(path.name for path in others if _may_be_database(path))


def _may_be_database(file: Path) -> bool:
    try:
        with file.open("rb") as content:
            return content.read(len(SQLITE)) == SQLITE
    except OSError:
        return True


def attic_of(folder: Path) -> Path:
    """Returns a new folder in the attic of a record, named after the present time."""
    return folder / ATTIC / f"{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"


def set_aside(file: Path, left: list[Path]) -> str:
    """Moves the files and folders of `left_behind` into the attic of a store; returns where, and how to empty it."""
    attic = attic_of(file.parent)
    for path in left:
        target = attic / path.relative_to(file.parent)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(path, target)
    return f"moved into {attic}; to empty it: rm -r {shlex.quote(str(attic.parent))}"


def running(runs: Runs) -> Iterator[tuple[str, str]]:
    """Yields (run, sweep) of each of our runs that MLflow calls RUNNING; the sweep of a single trial is empty."""
    everywhere = [experiment.experiment_id for experiment in every(runs.client.search_experiments)]
    for run in every(runs.client.search_runs, everywhere, "attributes.status = 'RUNNING'"):
        if "trialbook.kind" in run.data.tags:
            yield run.info.run_id, run.data.tags.get("trialbook.sweep", "")


def changed_models(file: Path) -> Iterator[tuple[str, str]]:
    """Yields (run, file) of each model file on this machine that is missing or whose SHA-256 is not the recorded one.

    Runs that were deleted are left out: their files may be in the attic.
    """
    names = {tag: name for name, tag in DIGEST_TAGS.items()}
    query = (
        "select run_uuid, key, value, artifact_uri from tags join runs using (run_uuid)"
        " where lifecycle_stage = 'active' and key in (select value from json_each(?))"
    )
    for run_id, key, digest, address in read(file, query, json.dumps(list(names))):
        folder, name = local_path(address), names[key]
        if folder is None:
            continue
        model = folder / name
        if not model.is_file() or hashlib.sha256(model.read_bytes()).hexdigest() != digest:
            yield run_id, name
