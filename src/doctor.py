"""Whether everything is in order, a line each:  python -m src.doctor [--fix]

It only reads; with --fix it mends what it can. Exit code 1: something is left to mend.
"""

import importlib.metadata
import shutil
import sqlite3
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from packaging.requirements import Requirement

from src.config.command_line import conf_loader, tracking_uri
from src.config.paths import ROOT
from src.errors import ConfigError, TrialbookError, told
from src.executors.machine import gpus
from src.objective import Objective
from src.study.find import SWEEPS
from src.study.folder import of_trial
from src.study.lock import driving, is_driven
from src.study.outbox import Outbox
from src.study.store import Store
from src.terminal import Terminal
from src.tracking import upkeep
from src.tracking.runs import Runs
from src.tracking.store import local_folder, moved_from

LEAST_FREE = 2**30  # bytes


@dataclass(frozen=True)
class Finding:
    """One line.

    Attributes:
        mend: what helps, where something is wrong.
        fix: what --fix does about it, if it can.
    """

    text: str
    mend: str = ""
    fix: Callable[[], object] | None = None


def main() -> int:
    """Tells every finding, and mends; the exit code."""
    with told():
        if sys.argv[1:] not in ([], ["--fix"]):
            raise ConfigError([f"{' '.join(sys.argv[1:])}: expected nothing, or --fix"])
        terminal, left = Terminal(Objective("accuracy", "max")), 0
        with conf_loader() as loader:
            uri = tracking_uri(loader)
        for one in findings(uri):
            if one.fix and sys.argv[1:]:
                one.fix()
                terminal.say(f"mended  {one.text}")
                continue
            left += bool(one.mend)
            terminal.say(f"{'mend    ' if one.mend else 'fine    '}{one.text}{f'; {one.mend}' if one.mend else ''}")
    return int(left > 0)


def findings(uri: str) -> Iterator[Finding]:
    """All that is looked at, from the machine to the models; a store is mended before what is in it is looked at."""
    yield versions()
    names = gpus()
    yield Finding(f"GPU: {len(names)} of them" if names else "GPU: none, trials run on the CPU")
    free = shutil.disk_usage(".").free
    yield Finding(f"disk: {free / 2**30:.1f} GB are free", "" if free > LEAST_FREE else f"make room in {Path.cwd()}")
    folder = local_folder(uri)
    if folder and not (folder / "mlflow.db").exists():
        yield Finding(f"store: none at {uri} yet")
        return
    if folder and (said := upkeep.damage(folder)):
        yield Finding(f"store: {folder}/mlflow.db is damaged: {said}", "take it from a backup, or set it aside; a new one is made")
        return
    yield Finding(f"store: {uri} is whole" if folder else f"store: {uri}")
    if folder:
        yield from _place(folder)
        if moved_from(folder):
            return
    try:
        runs = Runs(uri)
    except TrialbookError as error:
        yield Finding(str(error), "start the server")
        return
    yield from _sweeps(runs, uri)
    yield _stale(runs)
    if folder:
        yield from _files(folder)


def versions() -> Finding:
    """The installed packages against pyproject.toml, whose lower bounds are above known holes."""
    wanted = map(Requirement, tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"])
    found = [(one, importlib.metadata.version(one.name)) for one in wanted]
    wrong = [f"{one.name} {version}, expected {one.specifier}" for one, version in found if not one.specifier.contains(version)]
    text = "; ".join(wrong) or ", ".join(f"{one.name} {version}" for one, version in found)
    return Finding(f"versions: {text}", "make .venv/installed" if wrong else "")


def _place(folder: Path) -> Iterator[Finding]:
    for place in moved_from(folder):
        text = f"store: it was moved or copied here from {place.removeprefix('file://')}, where its artifacts would be looked for"
        yield Finding(text, "python -m src.doctor --fix", partial(upkeep.settle, folder))


def _sweeps(runs: Runs, uri: str) -> Iterator[Finding]:
    """Records that did not arrive, and trials that did not end."""
    studies = sorted(SWEEPS.glob("*/study.db"))
    waiting = 0
    for file in studies:
        sweep = file.parent
        try:
            store = Store.open(file)
            undelivered, open_trials = store.waiting(), sum(row["state"] == "RUNNING" for row in store.trials())
            store.close()
        except sqlite3.DatabaseError as error:
            yield Finding(f"sweep {sweep.name}: {error}", f"nothing was recorded by then: rm -r {sweep}")
            continue
        if (undelivered or open_trials) and not is_driven(sweep):
            waiting += 1
            if open_trials:
                yield Finding(f"sweep {sweep.name}: {open_trials} trials did not end", f"its own command with resume={sweep.name}")
            if undelivered:
                text = f"sweep {sweep.name}: {undelivered} records have not reached MLflow"
                yield Finding(text, "python -m src.doctor --fix", partial(deliver, sweep, uri))
    if not waiting:
        yield Finding(f"sweeps: {len(studies)}, every trial ended, every record is in MLflow")


def deliver(sweep: Path, uri: str) -> None:
    """Hands MLflow the records of a sweep that wait.

    Raises:
        TrialbookError: MLflow does not answer.
    """
    from src.tracking.tracker import MlflowTracker

    with driving(sweep):
        store = Store.reopen(sweep / "study.db")
        if not (experiment := store.meta().get("experiment")):
            raise TrialbookError(f"sweep {sweep.name}: an earlier version made it; expected its own command with resume={sweep.name}")
        tracker = MlflowTracker(uri, experiment)
        outbox = Outbox(store, tracker, lambda number: sweep if number is None else of_trial(sweep, number))
        left = outbox.flush()
        outbox.close()
        store.close()
    if left:
        raise TrialbookError(f"sweep {sweep.name}: {left} records still wait: {outbox.outage}")


def _stale(runs: Runs) -> Finding:
    """Runs that MLflow calls RUNNING although nothing runs them; of single trials and of sweeps in another folder nobody here can tell."""
    stale = [run for run, sweep in upkeep.running(runs) if sweep and (SWEEPS / sweep).is_dir() and not is_driven(SWEEPS / sweep)]
    if not stale:
        return Finding("runs: none is called RUNNING that does not run")

    def kill() -> None:
        for run in stale:
            runs.client.set_terminated(run, "KILLED")

    return Finding(f"runs: {len(stale)} are called RUNNING, but nothing runs them", "python -m src.doctor --fix ends them", kill)


def _files(folder: Path) -> Iterator[Finding]:
    left, changed = upkeep.left_behind(folder), list(upkeep.changed_models(folder))
    if left:
        text = f"files: {len(left)} that belong to no run, such as {left[0]}"
        yield Finding(text, "python -m src.doctor --fix deletes them", partial(upkeep.remove, left))
    for run, name in changed:
        yield Finding(f"models: {name} of run {run} is not what was recorded", f"python -m src.reproduce run={run}")
    if not left and not changed:
        yield Finding("files: every model has the SHA-256 that was recorded, and nothing was left behind")


if __name__ == "__main__":
    sys.exit(main())
