"""The plan of a sweep (dry_run=true): its trials, and an estimate of their cost."""

import shlex
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean
from typing import Any

from omegaconf import DictConfig

from src.config.paths import trial_config
from src.errors import TrialbookError
from src.executors import Executor
from src.oracles import KnownTrial
from src.running.bookkeeping import known_trials
from src.running.invocation import Invocation
from src.running.pruning import EXPLAINED
from src.space import Point, overrides
from src.states import ENDED, TrialState
from src.study.store import Store
from src.terminal import seconds_text
from src.tracking.address import database

MOST_STUDIES = 20  # the newest ones, for the estimate
MOST_COMPOSED = 200  # trials whose grouping is shown


@dataclass(frozen=True)
class Experience:
    """The cost of finished trials on the same data."""

    seconds_per_epoch: float
    megabytes: float
    trials: int


def headline(invocation: Invocation, total: int) -> str:
    """Describes the sweep in a line.

    Args:
        total: the budget of the oracle.
    """
    name, oracle = invocation.labels.name or ("trial" if invocation.single else "sweep"), invocation.oracle["name"]
    chosen = "" if oracle == "grid" else f"oracle={oracle}, at most "
    without = f", without {', '.join(invocation.space.absent)}, which none of them has" if invocation.space.absent else ""
    like = f", like {invocation.about['like']}" if "like" in invocation.about else ""
    after = f", after its epoch {invocation.about['go_on']['epochs']}" if "go_on" in invocation.about else ""
    return f"{name}: {chosen}{total} trial{'' if total == 1 else 's'}, {invocation.objectives}{like}{after}{_dropped(invocation)}{without}"


def _dropped(invocation: Invocation) -> str:
    keys = [axis.key for axis in invocation.space.axes]
    if (
        invocation.oracle["name"] != "grid"
        or invocation.space.size is None
        or len(set(keys)) < len(keys)
        or invocation.space.exclude
        or invocation.space.first
    ):
        return ""
    dropped = round(invocation.space.raw_size) - invocation.space.size
    return f" ({dropped} duplicate{'' if dropped == 1 else 's'} dropped)" if dropped else ""


def show(invocation: Invocation, executor: Executor, compose: Callable[[list[str]], DictConfig]) -> None:
    """Prints the trials that are known in advance, how they would run together, and an estimate of time and disk.

    Raises:
        ConfigError: the sweep to continue is not there, or asks another question.
    """
    state, known = known_trials(invocation, compose) if invocation.config.resume else ({}, [])
    points, total, epochs, lines = _foreseen(invocation, state, known)
    if known:
        lines = [f"{invocation.config.resume} would go on: {sum(one.state in ENDED for one in known)} trials had ended", *lines]
    lines = [*lines, *executor.plan(trial_config(compose(overrides(point))) for point in points[:MOST_COMPOSED])]
    lines += [EXPLAINED] if invocation.config.stop.trial else []
    for number, point in enumerate(points, 1):
        print(f"{number:>5}  python -m src.sweep {shlex.join(overrides(point))}")  # noqa: T201
    print("\n".join([*lines, headline(invocation, total), _estimate(invocation, total, epochs, executor.parallel_trials)]))  # noqa: T201
    print("nothing was started (dry_run=true)")  # noqa: T201


def _foreseen(invocation: Invocation, state: dict[str, Any], known: list[KnownTrial]) -> tuple[list[Point], int, float, list[str]]:
    """The points that do not depend on scores; the number of all trials; their epochs; lines for people.

    Args:
        state: that of the oracle of the sweep to continue.
        known: its trials; those that ended are not foreseen.
    """
    ended = {invocation.space.identity(one.proposal.point) for one in known if one.state in ENDED}
    if invocation.oracle["name"] == "grid":
        points = [point for identity, point in invocation.space.listed.items() if identity not in ended]
        total, epochs, lines = len(points), None, []
    else:
        from src import oracles  # KerasTuner, seconds

        oracle = oracles.create(invocation.space, invocation.objective, invocation.oracle)
        if known:
            oracle.restore(state, [replace(one, score=oracles.score_told(oracle, one.state, one.score)) for one in known])
        proposals = [oracle.ask(number) for number in range(len(known), oracle.known_in_advance)]
        points = [one.proposal.point for one in known if one.state not in ENDED] + [proposal.point for proposal in proposals if proposal]
        learns = oracle.known_in_advance < oracle.budget
        total = oracle.budget - len(ended) if learns else len(points)  # fewer than the budget if the space has no more distinct points
        more = f", {total - len(points)} more by the scores of these" if learns else ""
        how = "before the first look" if oracle.conclusion() else "drawn at random"
        epochs, lines = oracle.epochs, [f"{len(points)} {how}{more}", *oracle.schedule_lines] if total else []
    each = mean(int(invocation.space.leaves(point).get("training.epochs", 1)) for point in points) if points else 0
    return points, total, epochs or total * each, lines


def _estimate(invocation: Invocation, total: int, epochs: float, parallel_trials: int) -> str:
    data = invocation.config.data["_target_"]
    store, sweeps = database(invocation.config.tracking.uri), Path(invocation.config.hydra.sweep.dir)  # of single trials there is no study
    found = list(_experience(sweeps, store.parent / "artifacts" if store else None, data))
    if not found:
        return "no estimate: there is no finished trial on this data set here yet"
    known = Experience(mean(one.seconds_per_epoch for one in found), mean(one.megabytes for one in found), sum(one.trials for one in found))
    seconds, size = epochs / parallel_trials * known.seconds_per_epoch, total * known.megabytes
    side = f", {parallel_trials} side by side" if parallel_trials > 1 else ""
    basis = f"{epochs:.0f} epochs of {known.seconds_per_epoch:.2f} s{side}"
    if size:  # else their files are in a store elsewhere
        room, basis = f" and {size:.0f} MB", f"{basis}, and {total} trial{'' if total == 1 else 's'} of {known.megabytes:.2f} MB"
    else:
        room = ""
    return f"at most about {seconds_text(seconds)}{room}: {basis}, as in {known.trials} earlier trials on these data"


def _experience(root: Path, artifacts: Path | None, data: str) -> Iterator[Experience]:
    """Yields the cost of trials in the newest studies on the same data.

    Args:
        artifacts: the folder in which a local store keeps the files of its runs.
    """
    for file in sorted(root.glob("*/study.db"), reverse=True)[:MOST_STUDIES]:
        with suppress(sqlite3.DatabaseError, TrialbookError), closing(Store.open(file)) as store:  # it is an estimate
            rows = [row for row in store.trials() if row.state == TrialState.FINISHED and row.epochs and row.seconds]
            if rows and f"_target_: {data}" in store.meta().get("base_config", ""):
                sizes = [_megabytes(artifacts / str(row.run_id)) for row in rows] if artifacts else [0.0]
                yield Experience(mean((row.seconds or 0.0) / (row.epochs or 1) for row in rows), mean(sizes), len(rows))


def _megabytes(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 2**20
