"""Renews the report of a sweep while it runs, in a process of the lowest priority, so that training does not wait."""

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from src.config.paths import ROOT

log = logging.getLogger(__name__)
PAUSE = 60.0  # least seconds between two renewals
THREAD = "renewal of the report"
SHARE = 10  # a pause is at least this many times as long as the last renewal


@contextmanager
def renewed(folder: Path, question: str, pause: float = PAUSE) -> Iterator[None]:
    """Renews the report in a sweep's folder while the body runs; at its end the running renewal is stopped."""
    ended = threading.Event()
    thread = threading.Thread(target=_renew, args=(folder, question, pause, ended), name=THREAD, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _renew(folder: Path, question: str, pause: float, ended: threading.Event) -> None:
    waits = pause
    while not ended.wait(waits):
        began = time.monotonic()
        try:
            if not _once(folder, question, ended):
                log.warning("the report was not renewed: python -m src.report.renew %s failed", folder)
        except OSError as error:  # for example, no memory for a process; the next renewal may succeed
            log.warning("the report was not renewed: %s", error)
        waits = max(pause, SHARE * (time.monotonic() - began))


def _once(folder: Path, question: str, ended: threading.Event) -> bool:
    """Runs one renewal, which is killed if the sweep ends; returns False if the renewal failed."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    none = subprocess.DEVNULL
    command = [sys.executable, "-m", "src.report.renew", str(folder), question]
    process = subprocess.Popen(  # noqa: S603  in its own session, so that Ctrl-C reaches the sweep alone
        command, env=environment, start_new_session=True, stdin=none, stdout=none, stderr=none
    )
    while not ended.wait(0.2):
        if (code := process.poll()) is not None:
            return code == 0
    process.kill()
    process.wait()
    return True
