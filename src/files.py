"""Files that are either whole or not there: written beside, synced, renamed."""

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

PART = ".trialbook-part"  # ends the name of a file of ours that is being written; whatever has another ending belongs to somebody else


def cache() -> Path:
    """What may be deleted, because it can be fetched or made again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "trialbook"


def write(target: Path, content: bytes | memoryview) -> None:
    """Writes a file so that a reader, or a kill at any moment, never finds half of it.

    Raises:
        DiskFull: there is no room for it; what was there before is still there.
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
    """Turns the operating system's word for a full disk into a DiskFull that names a file and the bytes that it needs."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise full(target, needed) from error
        raise


def full(target: Path, needed: int) -> DiskFull:
    """The error that says where there is no room, how much is needed, and how much there is, in bytes."""
    place = next(folder for folder in target.absolute().parents if folder.exists())
    free = shutil.disk_usage(place).free
    return DiskFull(f"{target}: no space left on the disk; {needed:,} bytes are needed, {free:,} are free. Make room there.")


class _FileHandler(logging.FileHandler):
    """A log line for which there is no room is lost; whatever else has no room says so."""

    def handleError(self, record: logging.LogRecord) -> None: ...

    def close(self) -> None:
        with suppress(OSError):
            super().close()


def log_handler(path: Path) -> logging.Handler:
    """Writes log lines with their time to a file."""
    handler = _FileHandler(path)
    handler.setFormatter(Redacting("%(asctime)s %(levelname)s %(message)s"))
    return handler
