"""Checks the installation, the store, the sweeps and the models, and prints a line per finding:  python -m src.doctor [--fix]

Only --fix changes anything: it mends what it can. Exit code 1: something is left to mend.
"""

import importlib.metadata
import shutil
import sqlite3
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement

from src.config.arguments import HELP
from src.config.command_line import conf_loader, tracking_uri
from src.config.paths import ROOT
from src.errors import ConfigError, TrialbookError
from src.executors.machine import gpus
from src.exits import exit_on_error
from src.states import TrialState
from src.study import destination
from src.study.delivery import deliver
from src.study.finding import SWEEPS, TRIALS
from src.study.lock import is_driven
from src.study.store import Store
from src.terminal import Terminal
from src.tracking.address import database, refusal

if TYPE_CHECKING:
    from src.tracking.runs import Runs

LEAST_FREE = 2**30  # bytes


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Attributes:
        mend: advice; empty if nothing is wrong.
        fix: function that --fix calls, if there is one; a text that it returns is printed.
    """

    text: str
    mend: str = ""
    fix: Callable[[], object] | None = None


def main() -> int:
    """Prints every finding, and mends it first with --fix; returns the exit code."""
    argv = sys.argv[1:]
    with exit_on_error():
        if HELP & set(argv):
            print(__doc__)  # noqa: T201
            return 0
        if argv not in ([], ["--fix"]):
            raise ConfigError([f"{' '.join(argv)}: expected nothing, or --fix"])
        terminal, code = Terminal(), 0
        with conf_loader() as loader:
            uri = tracking_uri(loader)
        for finding in findings(uri):
            state, note = "mend" if finding.mend else "fine", finding.mend
            if finding.fix and argv:
                try:
                    answer = finding.fix()
                    state, note = "mended", answer if isinstance(answer, str) else ""
                except TrialbookError as error:  # the findings that follow may still be mended
                    note = str(error)
            if state == "mend":
                code = 1
            terminal.say(f"{state:<6}  {finding.text}; {note}" if note else f"{state:<6}  {finding.text}")
    return code


def findings(uri: str) -> Iterator[Finding]:
    """Yields all findings, from the machine to the models, lazily: main() mends the store before its content is checked."""
    yield versions()
    names = gpus()
    yield Finding(f"GPUs: {len(names)}" if names else "GPUs: none, trials run on the CPU")
    free = shutil.disk_usage(".").free
    yield Finding(f"disk: {free / 2**30:.1f} GB are free", "" if free > LEAST_FREE else f"make room in {Path.cwd()}")
    if why := refusal(uri):
        yield Finding(f"store: tracking.uri={uri}", why)
        return
    file = database(uri)
    if file and not file.exists():
        yield Finding(f"store: none at {file} yet")
        return
    from src.tracking import upkeep  # imports MLflow, which takes seconds
    from src.tracking.runs import Runs
    from src.tracking.store import moved_from

    damage = upkeep.damage(file) if file else ""
    if "locked" in damage:
        yield Finding(f"store: {file} is in use by another process: {damage}", "let that process end or go on, then ask again")
        return
    if damage:
        yield Finding(f"store: {file} is damaged: {damage}", "restore it from a backup, or move it away: a new one is created")
        return
    yield Finding(f"store: {file} is whole" if file else f"store: {uri}")
    if file:
        for place in moved_from(file):
            text = f"store: it was moved or copied here from {place.removeprefix('file://')}, and looks for its artifacts there"
            yield Finding(text, "python -m src.doctor --fix", partial(upkeep.settle, file))
        if moved_from(file):
            return
    try:
        runs = Runs(uri)
    except TrialbookError as error:
        yield Finding("store: it cannot be used", str(error))
        return
    yield from _sweeps(uri)
    yield _stale(runs)
    if file:
        yield from _files(file)


def versions() -> Finding:
    """Compares the installed packages with pyproject.toml, whose lower bounds exclude known security holes."""
    right, wrong = list[str](), list[str]()
    for line in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]:
        package = Requirement(line)
        version = importlib.metadata.version(package.name)
        if package.specifier.contains(version):
            right.append(f"{package.name} {version}")
        else:
            wrong.append(f"{package.name} {version}, expected {package.specifier}")
    return Finding(f"versions: {'; '.join(wrong)}", "make .venv/installed") if wrong else Finding(f"versions: {', '.join(right)}")


def _sweeps(uri: str) -> Iterator[Finding]:
    """Yields records that did not reach MLflow, and trials that did not end, of sweeps that do not run."""
    studies = sorted([*SWEEPS.glob("*/study.db"), *TRIALS.glob("*/study.db")])
    problems = [finding for file in studies if not is_driven(file.parent) for finding in _study(file.parent, uri)]
    yield from problems or [Finding(f"sweeps: {len(studies)}, every trial ended, every record is in MLflow")]


def _study(sweep: Path, uri: str) -> Iterator[Finding]:
    try:
        with closing(Store.open(sweep / "study.db")) as store:
            undelivered, refusals, meta = store.waiting(), store.refusals(), store.meta()
            open_trials = len([row for row in store.trials() if row.state == TrialState.RUNNING])
    except (sqlite3.DatabaseError, TrialbookError) as error:
        yield Finding(f"sweep {sweep.name}: {error}", f"restore it from a backup, or move it away: mv {sweep} {SWEEPS.parent}")
        return
    if open_trials:
        yield Finding(f"sweep {sweep.name}: {open_trials} trials did not end", f"its own command with resume={sweep.name}")
    if undelivered or refusals:
        if destination.is_same(uri, meta, sweep):
            mend, fix = "python -m src.doctor --fix", partial(deliver, sweep, uri)
        else:
            mend, fix = f"they belong to another store: {destination.prefix(meta['tracking_uri'])}python -m src.doctor --fix", None
        if undelivered:
            yield Finding(f"sweep {sweep.name}: {undelivered} records have not reached MLflow", mend, fix)
        if refusals:
            text = f"sweep {sweep.name}: MLflow refused {len(refusals)} records; the first: {refusals[0]}"
            yield Finding(text, f"mend the cause, such as a deleted experiment or a name that MLflow refuses; then {mend}", fix)


def _stale(runs: "Runs") -> Finding:
    """Finds runs that MLflow calls RUNNING although no process runs them, except single trials and sweeps of other folders."""

    def is_stale(sweep: str) -> bool:
        return bool(sweep) and (SWEEPS / sweep).is_dir() and not is_driven(SWEEPS / sweep)

    def kill() -> None:
        for run, sweep in stale:
            if is_stale(sweep):  # else it was resumed meanwhile
                runs.client.set_terminated(run, "KILLED")

    from src.tracking import upkeep

    stale = [(run, sweep) for run, sweep in upkeep.running(runs) if is_stale(sweep)]
    if not stale:
        return Finding("runs: every run that MLflow calls RUNNING does run")
    return Finding(f"runs: {len(stale)} are RUNNING in MLflow, but no process runs them", "python -m src.doctor --fix ends them", kill)


def _files(file: Path) -> Iterator[Finding]:
    from src.tracking import upkeep

    left, changed, others = upkeep.left_behind(file), list(upkeep.changed_models(file)), upkeep.neighbours(file)
    if others:
        yield Finding(f"files: folders of runs are not checked, because other stores here may own some: {', '.join(others)}")
    if left:
        text = f"files: {len(left)} that belong to no run, such as {left[0]}"
        yield Finding(text, "python -m src.doctor --fix moves them into the attic", partial(upkeep.set_aside, file, left))
    for run, name in changed:
        yield Finding(f"models: {name} of run {run} is not what was recorded", f"python -m src.reproduce run={run}")
    if not left and not changed:
        yield Finding("files: every model has the SHA-256 that was recorded, and nothing was left behind")


if __name__ == "__main__":
    sys.exit(main())
