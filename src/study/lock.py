"""Allows one driver per sweep: a lock file that the operating system unlocks when its owner dies."""

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from src.errors import ConfigError
from src.files import room_for

FILE = "driver.lock"


@contextmanager
def driving(folder: Path) -> Iterator[None]:
    """Locks a sweep's folder against other drivers.

    Raises:
        ConfigError: another driver runs; the message names its process and host.
    """
    with (folder / FILE).open("ab+", buffering=0) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            message = f"resume={folder.name}: this sweep is being run by {owner(folder)}; expected it to have ended."
            raise ConfigError([message]) from error
        file.truncate(0)
        name = f"process {os.getpid()} on {socket.gethostname()}".encode()
        with room_for(folder / FILE, len(name)):
            file.write(name)
        yield


def owner(folder: Path) -> str:
    """Returns the process and host of the driver that locked a sweep's folder last."""
    return (folder / FILE).read_text(errors="replace")


def is_driven(folder: Path) -> bool:
    """Returns True if a driver is running the sweep in this folder."""
    file = folder / FILE
    if not file.exists():
        return False
    with file.open("rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
