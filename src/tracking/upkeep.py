"""Looks after a local store: whether its database is whole, where it believes to lie, which files belong to no run."""

import hashlib
import re
import shlex
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlparse

from src.artifacts import DIGEST_TAGS
from src.files import PART
from src.tracking.pages import every
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
BESIDE = re.compile(rf"\..+\.[0-9a-z_]{{8}}{re.escape(PART)}")  # what src/files.py writes before it renames
SQLITE = b"SQLite format 3\0"  # how a database begins
ATTIC = "attic"  # folder beside a store's database


def damage(file: Path) -> str:
    """What SQLite says of the database; nothing where it is whole."""
    try:
        said = read(file, "pragma integrity_check")[0][0]
    except sqlite3.DatabaseError as error:
        return str(error)
    return "" if said == "ok" else str(said).splitlines()[0]


def settle(file: Path) -> int:
    """Lets every address of a store that was moved or copied say where it lies now; how many there were."""
    here, changed = file.parent.as_uri(), 0
    old = moved_from(file)
    with closing(sqlite3.connect(file, timeout=20)) as database, database:
        for place in old:
            for table, columns in PLACES.items():
                for column in columns:
                    done = database.execute(
                        f"update {table} set {column} = ? || substr({column}, ?) where substr({column}, 1, ?) = ?",  # noqa: S608  our own names
                        (here, len(place) + 1, len(place) + 1, f"{place}/"),
                    )
                    changed += done.rowcount
    return changed


def left_behind(file: Path) -> list[Path]:
    """Half-written files of processes that were killed, and artifacts of runs that a store does not have.

    Each is ours by its name, which nobody else gives. A file that was touched a moment ago may be in the hands of a process that lives.
    """
    folder = file.parent
    hidden = [*folder.glob(".*"), *folder.glob("sweeps/**/.*"), *folder.glob("trials/**/.*")]
    files = [one for one in hidden if (BESIDE.fullmatch(one.name) or beside(file).fullmatch(one.name)) and one.is_file()]
    return [one for one in files if time.time() - one.stat().st_mtime > MOMENT] + _ownerless(file)


def _ownerless(file: Path) -> list[Path]:
    """Folders of runs that no store has: none where another store may keep its runs in the same place."""
    if neighbours(file) or (artifacts(file),) not in read(file, "select artifact_location from experiments"):
        return []
    there = [one for one in (file.parent / "artifacts").glob("*") if RUN.fullmatch(one.name) and one.is_dir()]
    ours = [one for one in there if {child.name for child in one.iterdir()} <= {"artifacts"}]
    known = {run_id for (run_id,) in read(file, "select run_uuid from runs")}  # last: a run has its row before it has a folder
    return [one for one in ours if one.name not in known]


def neighbours(file: Path) -> list[str]:
    """Other databases in a store's folder; one that cannot be looked at counts as one."""
    own = re.compile(rf"{re.escape(file.name)}({re.escape(COPY)}\w+)?|{beside(file).pattern}")
    others = (one for one in file.parent.iterdir() if one.is_file() and not own.fullmatch(one.name))
    return sorted(one.name for one in others if _may_be_database(one))


def _may_be_database(file: Path) -> bool:
    try:
        with file.open("rb") as content:
            return content.read(len(SQLITE)) == SQLITE
    except OSError:
        return True


def set_aside(file: Path, left: list[Path]) -> str:
    """Moves what `left_behind` found into the attic of a store; says where, and how to empty it."""
    attic = file.parent / ATTIC / f"{datetime.now(UTC):%Y%m%d-%H%M%S}"
    for path in left:
        place = attic / path.relative_to(file.parent)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(path, place)
    return f"moved into {attic}; to empty it: rm -r {shlex.quote(str(file.parent / ATTIC))}"


def running(runs: Runs) -> Iterator[tuple[str, str]]:
    """(run, sweep) of the runs that MLflow calls RUNNING; those of single trials belong to no sweep."""
    everywhere = [experiment.experiment_id for experiment in every(runs.client.search_experiments)]
    for run in every(runs.client.search_runs, everywhere, "attributes.status = 'RUNNING'"):
        if "trialbook.kind" in run.data.tags:
            yield run.info.run_id, run.data.tags.get("trialbook.sweep", "")


def changed_models(file: Path) -> Iterator[tuple[str, str]]:
    """(run, file) of the models on this machine whose bytes are not those that were recorded."""
    names = {tag: name for name, tag in DIGEST_TAGS.items()}
    query = f"select run_uuid, key, value, artifact_uri from tags join runs using (run_uuid) where key in ({', '.join('?' * len(names))})"  # noqa: S608
    for run_id, key, digest, place in read(file, query, *names):
        name = names[key]
        model = Path(unquote(urlparse(place).path)) / name
        if urlparse(place).scheme == "file" and (not model.is_file() or hashlib.sha256(model.read_bytes()).hexdigest() != digest):
            yield run_id, name
