"""Work in a forked process, which is killed without losing anything of ours and starts without importing anything."""

import os
import sys
from collections.abc import Callable
from pathlib import Path


def forked(work: Callable[[], int], folder: Path = Path()) -> int:
    """Starts work in a folder, in a new process whose words go to `log` there; its process id."""
    sys.stdout.flush()
    if pid := os.fork():
        return pid
    os.chdir(folder)
    log = os.open("log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    code = 70
    try:
        code = work()
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        os._exit(code)
