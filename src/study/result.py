"""`result.json`: how an invocation ended, for programs that start one and should not have to parse its output."""

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
COPY = "TRIALBOOK_RESULT"  # environment variable: where the starting program wants a copy


@dataclass(frozen=True)
class Result:
    """The id of a sweep or of a single trial.

    Attributes:
        folder: absolute.
        best_run: the MLflow run of the best trial; None where no trial has a score.
    """

    id: str
    folder: str
    exit_code: int
    best_run: str | None


def write(folder: Path, exit_code: int, best_run: str | None) -> None:
    """Writes the result of an invocation into its folder, and a copy where the starting program wants it."""
    content = json.dumps(asdict(Result(folder.name, str(folder.resolve()), exit_code, best_run)), indent=1).encode()
    files.write(folder / FILE, content)
    if copy := os.environ.get(COPY):
        files.write(Path(copy), content)


def run(words: Sequence[str], environment: Mapping[str, str], tell: Callable[[str], object]) -> Result | None:
    """Runs `python -m src.sweep` in a process of its own; returns None if nothing was started.

    Args:
        environment: on top of this process's own.
        tell: called with every line that it prints.
    """
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name) / FILE
        everything = {**os.environ, "PYTHONPATH": str(ROOT), **environment, COPY: str(copy)}
        command = [sys.executable, "-m", "src.sweep", *words]
        with subprocess.Popen(command, env=everything, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:  # noqa: S603
            for line in process.stdout or ():
                tell(line)
        return Result(**json.loads(copy.read_bytes())) if copy.exists() else None
