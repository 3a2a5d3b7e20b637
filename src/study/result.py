"""Reads and writes `result.json`, the result of an invocation for programs that start one, so that they need not parse its output."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from src import files
from src.config.paths import ROOT

FILE = "result.json"
COPY = "TRIALBOOK_RESULT"  # environment variable with the path of a second copy, for the program that starts the sweep


@dataclass(frozen=True)
class Result:
    """The result of an invocation.

    Attributes:
        id, folder: of the sweep or the single trial; the path is absolute.
        best_run: the MLflow run of the best trial; None if no trial has a score.
    """

    id: str
    folder: str
    exit_code: int
    best_run: str | None


def write(folder: Path, exit_code: int, best_run: str | None) -> None:
    """Writes the result of an invocation into its folder, and a copy for the program that started it, if it wants one."""
    content = json.dumps(asdict(Result(folder.name, str(folder.resolve()), exit_code, best_run)), indent=1).encode()
    files.write(folder / FILE, content)
    if copy := os.environ.get(COPY):
        files.write(Path(copy), content)


def run(words: Sequence[str], environment: Mapping[str, str], say: Callable[[str], object]) -> Result | None:
    """Runs `python -m src.sweep` in its own process, and calls `say` with every line that it prints; None if nothing was started.

    Its environment variables are those of this process and `environment`.
    """
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name) / FILE
        everything = {**os.environ, "PYTHONPATH": str(ROOT), **environment, COPY: str(copy)}
        command = [sys.executable, "-m", "src.sweep", *words]
        with subprocess.Popen(command, env=everything, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:  # noqa: S603
            for line in process.stdout or ():
                say(line)
        return Result(**json.loads(copy.read_bytes())) if copy.exists() else None
