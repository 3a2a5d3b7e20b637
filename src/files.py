"""Files that are either whole or not there: written beside, synced, renamed."""

import logging
import os
import tempfile
from pathlib import Path

from src.redaction import Redacting


def cache() -> Path:
    """What may be deleted, because it can be fetched or made again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "trialbook"


def write(target: Path, content: bytes) -> None:
    """Writes a file so that a reader, or a kill at any moment, never finds half of it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, beside = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(beside).replace(target)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


def log_handler(path: Path) -> logging.Handler:
    """Writes log lines with their time to a file."""
    handler = logging.FileHandler(path)
    handler.setFormatter(Redacting("%(asctime)s %(levelname)s %(message)s"))
    return handler
