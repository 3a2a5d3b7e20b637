"""Finds sweeps on disk by id, by name, or as the latest one."""

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

from src.errors import ConfigError, TrialbookError, did_you_mean
from src.study.lock import is_driven
from src.study.store import Store

ALL = "all"
log = logging.getLogger(__name__)
SWEEPS, TRIALS = Path("mlruns/sweeps"), Path("mlruns/trials")  # hydra.sweep.dir and hydra.run.dir in conf/config.yaml


def find_sweeps(words: str, root: Path = SWEEPS, *, key: str = "sweep") -> list[Path]:
    """Returns the folders of sweeps named by `latest`, `all`, ids or names, separated by commas.

    A name means the latest sweep of that name. `all` returns the oldest sweep first.

    Args:
        key: the key of `words` on the command line, for error messages.

    Raises:
        ConfigError: there is no such sweep, or no sweep at all.
        TrialbookError: a newer version made it.
    """
    metas = {file.parent: read_meta(file.parent) for file in root.glob("*/study.db")}
    by_age = sorted((folder for folder, meta in metas.items() if meta), key=lambda folder: float(metas[folder]["created"]))
    if not by_age:
        raise ConfigError([f"{key}={words}: there is no sweep in {root.resolve()}; expected one made by python -m src.sweep -m …"])
    if words == ALL:
        return by_age
    known = {"latest": by_age[-1]}
    known |= {metas[folder]["name"]: folder for folder in by_age if metas[folder].get("name")}
    known |= {folder.name: folder for folder in by_age}
    wanted = list(dict.fromkeys(words.split(",")))
    unknown = [word for word in wanted if word not in known]
    for word in unknown:
        if (root / word / "study.db").exists():
            try:
                Store.open(root / word / "study.db").close()  # raises if a newer version made it, or it is damaged
            except sqlite3.DatabaseError as error:
                damaged = f"its study.db cannot be read ({error}); expected another sweep. python -m src.doctor checks all of them"
                raise ConfigError([f"{key}={word}: {damaged}"]) from error
    if unknown:
        names = ", ".join(known)
        raise ConfigError(f"{key}={word}: no such sweep{did_you_mean(word, known)} Sweeps: {names}" for word in unknown)
    return list(dict.fromkeys(known[word] for word in wanted))


def read_meta(folder: Path) -> dict[str, str]:
    """Returns the facts of a study; empty if it is damaged, was never started, or was made by a newer version."""
    try:
        store = Store.open(folder / "study.db")
    except (sqlite3.DatabaseError, TrialbookError):
        return {}
    with closing(store):
        return store.meta()


def driven_sweeps() -> list[Path]:
    """Returns the folders of the sweeps that run on this machine, in the order of their ids, which begin with the time."""
    return sorted(file.parent for file in SWEEPS.glob("*/study.db") if is_driven(file.parent))


def link_sweep(folder: Path) -> None:
    """Links a sweep in another folder (`hydra.sweep.dir`) into the folder in which the other commands look."""
    if folder.parent.resolve() == SWEEPS.resolve():
        return
    try:
        SWEEPS.mkdir(parents=True, exist_ok=True)
        (SWEEPS / folder.name).symlink_to(folder.resolve(), target_is_directory=True)
    except OSError as error:
        log.warning("no link in %s, so compare and promote do not find this sweep: %s", SWEEPS, error)
