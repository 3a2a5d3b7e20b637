"""One driver per sweep: a lock that the operating system releases when its owner dies."""

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from src.errors import ConfigError
from src.files import room_for


@contextmanager
def driving(folder: Path) -> Iterator[None]:
    """Keeps other drivers away from a sweep's folder.

    Raises:
        ConfigError: another one is there; the message names its process and host.
    """
    with (folder / "driver.lock").open("ab+", buffering=0) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            owner = file.read().decode()
            raise ConfigError([f"resume={folder.name}: this sweep is being run by {owner}; expected it to have ended."]) from error
        file.truncate(0)
        owner = f"process {os.getpid()} on {socket.gethostname()}".encode()
        with room_for(folder / "driver.lock", len(owner)):
            file.write(owner)
        yield


def is_driven(folder: Path) -> bool:
    """True if a driver is at work in a sweep's folder."""
    file = folder / "driver.lock"
    if not file.exists():
        return False
    with file.open("rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
