"""One driver per sweep: a lock that the operating system releases when its owner dies."""

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from src.errors import ConfigError


@contextmanager
def driving(folder: Path) -> Iterator[None]:
    """Keeps other drivers away from a sweep's folder.

    Raises:
        ConfigError: another one is there; the message names its process and host.
    """
    with (folder / "driver.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            owner = file.read()
            raise ConfigError([f"resume={folder.name}: this sweep is being run by {owner}; expected it to have ended."]) from error
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}")
        file.flush()
        yield
