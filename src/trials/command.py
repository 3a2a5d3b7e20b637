"""A trial that is a command: a program in any language, which prints its metrics as JSON in its last line.

`command` in the YAML is a list of words, which no shell parses. `{key}` stands for a value of the YAML in JSON, `{seed}` for the seed, and
`{folder}` for a folder whose files are kept. A line of JSON with a step, such as `{"step": 3, "loss": 0.2}`, reports that step.
"""

import contextlib
import ctypes
import json
import os
import re
import signal
import subprocess
import sys
import threading
from typing import IO, Any

from src.config.paths import leaves
from src.errors import TrialError
from src.function import Report

PLACE = re.compile(r"\{([\w.]+)\}")
SECONDS = 0.5  # between two checks if the trial must end
PR_SET_PDEATHSIG = 1  # of linux/prctl.h
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None
KEPT = 20  # lines of output in the message of a failure


def run(config: dict[str, Any], report: Report) -> dict[str, float]:
    """Runs the command until it ends; the last JSON line without a step is the result.

    Raises:
        TrialError: the command fails, or prints no result.
        errors.Stop: the trial must end; the command and its children are killed.
    """
    values = {**leaves(config["trial"]), "seed": config["seed"], "folder": str(report.folder)}
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}
    words = [PLACE.sub(lambda place: texts.get(place[1], place[0]), str(word)) for word in config["trial"]["command"]]
    lines: list[str] = []
    streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "encoding": "utf-8", "errors": "replace"}
    with subprocess.Popen(words, start_new_session=True, preexec_fn=_end_with_parent, **streams) as process:  # noqa: S603  no shell
        reader = threading.Thread(target=_read, args=(process.stdout, lines), daemon=True)
        reader.start()
        done = 0
        try:
            while reader.is_alive() or done < len(lines):
                reader.join(SECONDS)
                report.check_stop()
                new = lines[done:]
                done += len(new)
                for metrics in map(_metrics, new):
                    if "step" in metrics:
                        report(metrics.pop("step"), metrics)
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    printed = [_metrics(line) for line in lines]
    results = [found for found in printed if found and "step" not in found]
    output = "\n  ".join(lines[-KEPT:])
    if process.returncode:
        raise TrialError(f"{words[0]} ended with {process.returncode}; expected 0. Its output:\n  {output}")
    if not results:
        raise TrialError(f'{words[0]} printed no result; expected a line such as {{"loss": 0.2}}. Its output:\n  {output}')
    return results[-1]


def _end_with_parent() -> None:
    """Makes Linux kill the command if the process of its trial is killed; runs in the new process before the command starts."""
    if _libc:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _read(stream: IO[str] | None, lines: list[str]) -> None:
    for line in stream or ():
        lines.append(line.rstrip("\n"))


def _metrics(line: str) -> dict[str, float]:
    """Returns the numbers of a line of JSON; empty for any other line."""
    try:
        found = json.loads(line) if line.startswith("{") else {}
    except ValueError:
        return {}
    return {name: float(value) for name, value in found.items() if isinstance(value, int | float)}
