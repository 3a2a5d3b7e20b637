"""`make bench-gpu`: stacked trials and other tools on one GPU, in less than 8 minutes; writes RESULTS_GPU.md beside this file.

    python -m tests.benchmarks.gpu [size=full] [out=FILE]

Each part of gpu_parts.py runs in a process of its own with a limit, so that one that fails costs only itself; the page names it.
`size=toy` runs the same code on a CPU in three core-minutes and prints the page; it says nothing about speed.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from src.config.arguments import read_arguments
from src.config.paths import ROOT

RESULTS = Path(__file__).parent / "RESULTS_GPU.md"
LIMIT = 460  # seconds of all parts together
LIMITS = {  # part → its most seconds, in the order in which they run: the last ones are those that time may be too short for
    "device": 40,
    "trials per second by lanes": 120,
    "Trialbook": 60,
    "loop around fit *": 90,
    "the user's command": 90,
    "networks": 100,
    "loop around fit": 90,
    "mixed_bfloat16": 60,
    "asha": 90,
    "Ray Tune *": 90,
    "KerasTuner GridSearch *": 60,
    "Optuna *": 60,
}
SCALED = "seconds, scaled"


@dataclass(frozen=True)
class Part:
    """A part that ran: its figures, as far as it came, and why it did not come to its end."""

    figures: dict[str, float | str]
    seconds: float
    failure: str = ""


def run(command: Sequence[str], limit: float) -> Part:
    """Runs a part; ends it, and all that it started, after so many seconds. Its figures are its last line that is JSON."""
    began = time.monotonic()
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            failure = f"exit code {process.returncode}" if process.wait(max(1, limit)) else ""
        except subprocess.TimeoutExpired:
            failure = f"it took more than {limit:.0f} s"
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        log.seek(0)
        lines = [line for line in log.read().splitlines() if line.strip()]
    figures: dict[str, float | str] = next((json.loads(line) for line in reversed(lines) if line.startswith('{"')), {})
    if failure and not failure.startswith("it took") and lines:
        failure += f": {lines[-1][:200]}"
    return Part(figures, time.monotonic() - began, failure)


def page(size: str, parts: dict[str, Part]) -> str:
    """The page of results."""
    about = parts["device"].figures if "device" in parts else {}
    facts = ", ".join(f"{name} {value}" for name, value in about.items())
    toy = "" if size == "full" else " Toy size: it says nothing about speed."
    lines = ["# Benchmark on a GPU", "", f"`make bench-gpu` on {time.strftime('%Y-%m-%d')}: {facts}.{toy}"]
    lines += ["Seconds are of whole processes where nothing else is said. `*`: with jit_compile and steps_per_execution; Ray Tune has four"]
    lines += [
        "trials on the GPU. Peers run a few trials; from these it is computed what as many as ours take: the first column of the table.",
        "",
    ]
    own = parts["Trialbook"].figures.get("seconds") if "Trialbook" in parts else None
    peers = {name: part for name, part in parts.items() if SCALED in part.figures}
    if own and peers:
        lines += ["| what | seconds, scaled | of Trialbook | trials run |", "|---|---|---|---|", f"| Trialbook | {own:.1f} | 1.0 x | all |"]
        for name, part in peers.items():
            scaled = float(part.figures[SCALED])
            lines.append(f"| {name} | {scaled:.1f} | {scaled / float(own):.1f} x | {part.figures['trials run']} |")
        lines.append("")
    for name, part in parts.items():
        if name == "device":
            continue
        lines += [f"## {name}", "", *([f"Did not end: {part.failure}", ""] if part.failure else [])]
        if part.figures:
            lines += ["| what | measured |", "|---|---|", *(f"| {what} | {_short(value)} |" for what, value in part.figures.items()), ""]
    return "\n".join(lines)


def _short(value: float | str) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class Arguments:
    """What may be said behind the command.

    Attributes:
        size: full on a GPU, toy anywhere
        out: the file for the page; of the full size RESULTS_GPU.md
    """

    size: Literal["full", "toy"] = "full"
    out: str = ""


def main() -> int:
    """Runs all parts and writes the page; returns 1 if a part did not end."""
    arguments = read_arguments(Arguments, sys.argv[1:], __doc__)
    parts: dict[str, Part] = {}
    began = time.monotonic()
    for name, limit in LIMITS.items():
        left = LIMIT - (time.monotonic() - began)
        if left < 15:
            parts[name] = Part({}, 0.0, "no time was left for it")
        else:
            command = [sys.executable, "-m", "tests.benchmarks.gpu_parts", name, arguments.size]
            parts[name] = run(command, min(limit, left))
        print(f"{name}: {parts[name].seconds:.0f} s {parts[name].failure}", flush=True)
        if name == "device" and arguments.size == "full" and parts[name].figures.get("device") in (None, "CPU"):
            print("there is no GPU; expected one, or size=toy")
            return 1
    text = page(arguments.size, parts)
    if file := arguments.out or (str(RESULTS) if arguments.size == "full" else ""):
        Path(file).write_text(text)
    print(text)
    return int(any(part.failure for part in parts.values()))


if __name__ == "__main__":
    sys.exit(main())
