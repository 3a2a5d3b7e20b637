"""Writes files whole or not at all: into a temporary file beside the target, which is synced and renamed."""

import errno
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from src.errors import DiskFull
from src.redaction import Redacting

PART = ".trialbook-part"  # suffix of the unfinished files of Trialbook; no other file may be removed


def cache() -> Path:
    """Returns the folder of files that can be downloaded or made again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "trialbook"


def write(target: Path, content: bytes | memoryview) -> None:
    """Writes a file atomically: no reader finds half of it, even after a kill.

    Raises:
        DiskFull: the disk has no room for it; the previous file is unchanged.
    """
    with room_for(target, memoryview(content).nbytes):
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, beside = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=PART)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(beside).replace(target)
        except BaseException:
            Path(beside).unlink(missing_ok=True)
            raise


@contextmanager
def room_for(target: Path, needed: int) -> Iterator[None]:
    """Turns the OSError of a full disk into a DiskFull that names the file and the bytes that it needs."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise full(target, needed) from error
        raise


def full(target: Path, needed: int) -> DiskFull:
    """Returns the error for a full disk, which names the file, the bytes that it needs, and the bytes that are free."""
    place = next(folder for folder in target.absolute().parents if folder.exists())
    free = shutil.disk_usage(place).free
    return DiskFull(f"{target}: no space left on the disk; {needed:,} bytes are needed, {free:,} are free. Make room there.")


class _FileHandler(logging.FileHandler):
    """Drops log lines on a full disk; other writes report that it is full."""

    def handleError(self, record: logging.LogRecord) -> None: ...

    def close(self) -> None:
        with suppress(OSError):
            super().close()


def log_handler(path: Path) -> logging.Handler:
    """Returns a handler that writes log lines with their time to a file."""
    handler = _FileHandler(path)
    handler.setFormatter(Redacting("%(asctime)s %(levelname)s %(message)s"))
    return handler
