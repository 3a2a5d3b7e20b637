"""Finds studies on disk: the latest, by id, or by the name of their sweep."""

from pathlib import Path

from src.errors import ConfigError, did_you_mean
from src.study.store import Store

SWEEPS = Path("mlruns/sweeps")


def find(words: str, root: Path = SWEEPS) -> list[Path]:
    """The folders that `latest`, an id or a sweep's name mean; a comma makes a list, a name means its latest sweep.

    Raises:
        ConfigError: no such sweep, or none at all.
    """
    folders = [file.parent for file in root.glob("*/study.db")]
    meta = {folder: Store.open(folder / "study.db").meta() for folder in folders}
    by_age = sorted((folder for folder in folders if "created" in meta[folder]), key=lambda folder: float(meta[folder]["created"]))
    if not by_age:
        raise ConfigError([f"sweep={words}: there is no sweep in {root.resolve()}; expected one made by python -m src.sweep -m …"])
    known = (
        {"latest": by_age[-1]} | {meta[folder].get("name", ""): folder for folder in by_age} | {folder.name: folder for folder in by_age}
    )
    known.pop("", None)
    mistakes = [
        f"sweep={word}: no such sweep{did_you_mean(word, known)} Sweeps: {', '.join(known)}"
        for word in words.split(",")
        if word not in known
    ]
    if mistakes:
        raise ConfigError(mistakes)
    return list(dict.fromkeys(known[word] for word in words.split(",")))
