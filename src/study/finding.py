"""Finds sweeps on disk: the latest one, by id, or by name."""

import logging
import sqlite3
from pathlib import Path

from src.errors import ConfigError, TrialbookError, did_you_mean
from src.study.lock import is_driven
from src.study.store import Store

ALL = "all"
log = logging.getLogger(__name__)
SWEEPS, TRIALS = Path("mlruns/sweeps"), Path("mlruns/trials")  # conf/config.yaml's hydra.sweep.dir and hydra.run.dir


def find_sweeps(words: str, root: Path = SWEEPS, *, key: str = "sweep") -> list[Path]:
    """Returns the folders of the sweeps that `latest`, `all`, ids or names mean; a name means its latest sweep. The oldest of all comes first.

    Args:
        key: in front of the words on the command line.

    Raises:
        ConfigError: no such sweep, or none at all.
        TrialbookError: a newer version made it.
    """
    metas = {file.parent: read_meta(file.parent) for file in root.glob("*/study.db")}
    meta = {folder: found for folder, found in metas.items() if found}
    by_age = sorted(meta, key=lambda folder: float(meta[folder]["created"]))
    if not by_age:
        raise ConfigError([f"{key}={words}: there is no sweep in {root.resolve()}; expected one made by python -m src.sweep -m …"])
    if words == ALL:
        return by_age
    known = (
        {"latest": by_age[-1]} | {meta[folder].get("name", ""): folder for folder in by_age} | {folder.name: folder for folder in by_age}
    )
    known.pop("", None)
    for word in words.split(","):
        if word not in known and (root / word / "study.db").exists():
            try:
                Store.open(root / word / "study.db").close()  # of a newer version, or damaged
            except sqlite3.DatabaseError as error:
                damaged = f"its study.db cannot be read ({error}); expected another sweep. python -m src.doctor looks at all of them"
                raise ConfigError([f"{key}={word}: {damaged}"]) from error
    mistakes = [
        f"{key}={word}: no such sweep{did_you_mean(word, known)} Sweeps: {', '.join(known)}"
        for word in words.split(",")
        if word not in known
    ]
    if mistakes:
        raise ConfigError(mistakes)
    return list(dict.fromkeys(known[word] for word in words.split(",")))


def read_meta(folder: Path) -> dict[str, str]:
    """Returns the facts of a study; empty if it is damaged, was never started, or a newer version made it."""
    try:
        store = Store.open(folder / "study.db")
    except (sqlite3.DatabaseError, TrialbookError):
        return {}
    try:
        return store.meta()
    finally:
        store.close()


def driven_sweeps() -> list[Path]:
    """Returns the folders of the sweeps that run on this machine, the latest one last."""
    return sorted(file.parent for file in SWEEPS.glob("*/study.db") if is_driven(file.parent))


def link_sweep(folder: Path) -> None:
    """Links a sweep that lies elsewhere (`hydra.sweep.dir`) to where the other commands look."""
    if folder.parent.resolve() == SWEEPS.resolve():
        return
    try:
        SWEEPS.mkdir(parents=True, exist_ok=True)
        (SWEEPS / folder.name).symlink_to(folder.resolve(), target_is_directory=True)
    except OSError as error:
        log.warning("no link in %s, so compare and promote do not find this sweep: %s", SWEEPS, error)
