"""Whether everything is in order, a line each:  python -m src.doctor [--fix]

It only reads; with --fix it mends what it can. Exit code 1: something is left to mend.
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

from packaging.requirements import Requirement

from src.config.command_line import conf_loader, tracking_uri
from src.config.paths import ROOT
from src.errors import ConfigError, TrialbookError
from src.executors.machine import gpus
from src.exits import exit_on_error
from src.objective import Objective
from src.states import TrialState
from src.study import destination
from src.study.finding import SWEEPS, TRIALS
from src.study.folders import of_trial
from src.study.lock import driving, is_driven
from src.study.outbox import Outbox
from src.study.store import Store
from src.terminal import Terminal
from src.tracking import upkeep
from src.tracking.address import database, refusal
from src.tracking.runs import Runs
from src.tracking.store import moved_from

LEAST_FREE = 2**30  # bytes


@dataclass(frozen=True)
class Finding:
    """One line.

    Attributes:
        mend: what helps, where something is wrong.
        fix: what --fix does about it, if it can; it may return what else is to be said.
    """

    text: str
    mend: str = ""
    fix: Callable[[], object] | None = None


def main() -> int:
    """Tells every finding, and mends; the exit code."""
    with exit_on_error():
        if sys.argv[1:] not in ([], ["--fix"]):
            raise ConfigError([f"{' '.join(sys.argv[1:])}: expected nothing, or --fix"])
        terminal, left = Terminal(Objective("accuracy", "max")), 0
        with conf_loader() as loader:
            uri = tracking_uri(loader)
        for one in findings(uri):
            mend = one.mend
            if one.fix and sys.argv[1:]:
                try:
                    said = one.fix()
                    terminal.say(f"mended  {one.text}{f'; {said}' if isinstance(said, str) else ''}")
                    continue
                except TrialbookError as error:  # one that can not be mended must not keep the others from it
                    mend = str(error)
            left += bool(mend)
            terminal.say(f"{'mend    ' if mend else 'fine    '}{one.text}{f'; {mend}' if mend else ''}")
    return int(left > 0)


def findings(uri: str) -> Iterator[Finding]:
    """All that is looked at, from the machine to the models; a store is mended before what is in it is looked at."""
    yield versions()
    names = gpus()
    yield Finding(f"GPU: {len(names)} of them" if names else "GPU: none, trials run on the CPU")
    free = shutil.disk_usage(".").free
    yield Finding(f"disk: {free / 2**30:.1f} GB are free", "" if free > LEAST_FREE else f"make room in {Path.cwd()}")
    if why := refusal(uri):
        yield Finding(f"store: tracking.uri={uri}", why)
        return
    file = database(uri)
    if file and not file.exists():
        yield Finding(f"store: none at {file} yet")
        return
    if file and (said := upkeep.damage(file)):
        yield Finding(f"store: {file} is damaged: {said}", "take it from a backup, or set it aside; a new one is made")
        return
    yield Finding(f"store: {file} is whole" if file else f"store: {uri}")
    if file:
        yield from _place(file)
        if moved_from(file):
            return
    try:
        runs = Runs(uri)
    except TrialbookError as error:
        yield Finding("store: it can not be used", str(error))
        return
    yield from _sweeps(uri)
    yield _stale(runs)
    if file:
        yield from _files(file)


def versions() -> Finding:
    """The installed packages against pyproject.toml, whose lower bounds are above known holes."""
    wanted = map(Requirement, tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"])
    found = [(one, importlib.metadata.version(one.name)) for one in wanted]
    wrong = [f"{one.name} {version}, expected {one.specifier}" for one, version in found if not one.specifier.contains(version)]
    text = "; ".join(wrong) or ", ".join(f"{one.name} {version}" for one, version in found)
    return Finding(f"versions: {text}", "make .venv/installed" if wrong else "")


def _place(file: Path) -> Iterator[Finding]:
    for place in moved_from(file):
        text = f"store: it was moved or copied here from {place.removeprefix('file://')}, where its artifacts would be looked for"
        yield Finding(text, "python -m src.doctor --fix", partial(upkeep.settle, file))


def _sweeps(uri: str) -> Iterator[Finding]:
    """Records that did not arrive, and trials that did not end."""
    studies = sorted([*SWEEPS.glob("*/study.db"), *TRIALS.glob("*/study.db")])
    found = [finding for file in studies if not is_driven(file.parent) for finding in _study(file.parent, uri)]
    yield from found or [Finding(f"sweeps: {len(studies)}, every trial ended, every record is in MLflow")]


def _study(sweep: Path, uri: str) -> Iterator[Finding]:
    try:
        with closing(Store.open(sweep / "study.db")) as store:
            undelivered, refusals, meta = store.waiting(), store.refusals(), store.meta()
            open_trials = sum(row.state == TrialState.RUNNING for row in store.trials())
    except (sqlite3.DatabaseError, TrialbookError) as error:
        yield Finding(f"sweep {sweep.name}: {error}", f"take it from a backup, or set it aside: mv {sweep} {SWEEPS.parent}")
        return
    if open_trials:
        yield Finding(f"sweep {sweep.name}: {open_trials} trials did not end", f"its own command with resume={sweep.name}")
    if undelivered or refusals:
        ours = destination.is_same(uri, meta, sweep)
        place = "" if ours else f"they belong into another store: {destination.prefix(meta['tracking_uri'])}"
        mend, fix = f"{place}python -m src.doctor --fix", partial(deliver, sweep, uri) if ours else None
        if undelivered:
            yield Finding(f"sweep {sweep.name}: {undelivered} records have not reached MLflow", mend, fix)
        if refusals:
            text = f"sweep {sweep.name}: MLflow refused {len(refusals)} records; the first: {refusals[0]}"
            yield Finding(text, f"mend the cause, such as what was deleted or a name; then {mend}", fix)


def deliver(sweep: Path, uri: str) -> None:
    """Hands MLflow the records of a sweep that wait, and once more those that it refused.

    Raises:
        TrialbookError: MLflow does not answer, or still refuses some.
    """
    from src.tracking.tracker import MlflowTracker

    with driving(sweep), closing(Store.reopen(sweep / "study.db")) as store:
        meta = store.meta()
        if not (experiment := meta.get("experiment")):
            raise TrialbookError(f"sweep {sweep.name}: an earlier version made it; expected its own command with resume={sweep.name}")
        tracker = MlflowTracker(uri, experiment, meta.get("experiment_id", ""))
        store.offer_again()
        single = meta.get("single") == "true"
        outbox = Outbox(store, tracker, lambda number: sweep if single or number is None else of_trial(sweep, number))
        left = outbox.flush()
        outbox.close()
        refusals = store.refusals()
    if left:
        raise TrialbookError(f"sweep {sweep.name}: {left} records still wait: {outbox.outage}")
    if refusals:
        raise TrialbookError(f"MLflow still refuses {len(refusals)}: {refusals[0]}. The values are in {sweep}")


def _stale(runs: Runs) -> Finding:
    """Runs that MLflow calls RUNNING although nothing runs them; of single trials and of sweeps in another folder nobody here can tell."""

    def is_stale(sweep: str) -> bool:
        return bool(sweep) and (SWEEPS / sweep).is_dir() and not is_driven(SWEEPS / sweep)

    stale = [(run, sweep) for run, sweep in upkeep.running(runs) if is_stale(sweep)]
    if not stale:
        return Finding("runs: none is called RUNNING that does not run")

    def kill() -> None:
        for run, sweep in stale:
            if is_stale(sweep):  # else it was resumed meanwhile
                runs.client.set_terminated(run, "KILLED")

    return Finding(f"runs: {len(stale)} are called RUNNING, but nothing runs them", "python -m src.doctor --fix ends them", kill)


def _files(file: Path) -> Iterator[Finding]:
    left, changed = upkeep.left_behind(file), list(upkeep.changed_models(file))
    if others := upkeep.neighbours(file):
        yield Finding(f"files: {', '.join(others)} beside the store may share its folder of runs: none is called ownerless")
    if left:
        text = f"files: {len(left)} that belong to no run, such as {left[0]}"
        yield Finding(text, "python -m src.doctor --fix moves them into the attic", partial(upkeep.set_aside, file, left))
    for run, name in changed:
        yield Finding(f"models: {name} of run {run} is not what was recorded", f"python -m src.reproduce run={run}")
    if not left and not changed:
        yield Finding("files: every model has the SHA-256 that was recorded, and nothing was left behind")


if __name__ == "__main__":
    sys.exit(main())
