"""Runs commands in folders of their own, and measures them with all the processes that they start."""

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from src.config.paths import ROOT


@dataclass(frozen=True)
class Run:
    """One process, with those that it started: its seconds, and the most megabytes that they had together."""

    seconds: float
    megabytes: float


def process(folder: Path, *words: str, **environment: str) -> Run:
    """Runs a module of the project in a folder; raises a RuntimeError with what it printed if it fails."""
    began = time.perf_counter()
    everything = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    with (folder / "log").open("w") as log:
        child = subprocess.Popen([sys.executable, "-m", *words], cwd=folder, env=everything, stdout=log, stderr=log)
    seen = [0.0]
    threading.Thread(target=_watch, args=(psutil.Process(child.pid), seen), daemon=True).start()
    if child.wait():
        raise RuntimeError(f"{' '.join(words)}: {(folder / 'log').read_text()[-2000:]}")
    return Run(time.perf_counter() - began, max(seen))


def temporary(run: Callable[[Path], Run]) -> Run:
    """Runs in a folder that is deleted."""
    with tempfile.TemporaryDirectory() as folder:
        return run(Path(folder))


def _watch(process: psutil.Process, seen: list[float]) -> None:
    """Adds every second how many megabytes a process and its descendants have, what they share counted once."""
    with suppress(psutil.NoSuchProcess):
        while True:
            together = [process, *process.children(recursive=True)]
            seen.append(sum(_megabytes(one) for one in together))
            time.sleep(1)


def _megabytes(process: psutil.Process) -> float:
    """Of memory, its share of what is shared included."""
    try:
        return float(process.memory_full_info().pss / 2**20)
    except psutil.Error:
        return 0.0
