"""The plan of a sweep (dry_run=true): its trials, and an estimate of their cost."""

import shlex
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
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
from src.space import Point, Space, overrides
from src.states import ENDED, TrialState
from src.study.folders import bytes_in
from src.study.store import Store
from src.terminal import seconds_text
from src.tracking.address import database

MOST_STUDIES = 20  # newest studies that the estimate reads
MOST_COMPOSED = 200  # trials that are composed to show how they would be grouped


def headline(invocation: Invocation, total: int) -> str:
    """Describes the sweep in one line; `total` is the budget of its oracle."""
    about, absent, oracle = invocation.about, invocation.space.absent, invocation.oracle["name"]
    name = invocation.labels.name or ("trial" if invocation.single else "sweep")
    chosen = "" if oracle == "grid" else f"oracle={oracle}, at most "
    like = f", like {about['like']}" if "like" in about else ""
    after = f", after its epoch {about['go_on']['epochs']}" if "go_on" in about else ""
    dropped = _dropped(invocation.space) if oracle == "grid" else 0
    duplicates = f" ({_count(dropped, 'duplicate')} dropped)" if dropped else ""
    without = f", without {', '.join(absent)}, which none of them has" if absent else ""
    return f"{name}: {chosen}{_count(total, 'trial')}, {invocation.objectives}{like}{after}{duplicates}{without}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _dropped(space: Space) -> int:
    """Returns how many points of a grid are equal to others; 0 where other rules change their number, too."""
    keys = [axis.key for axis in space.axes]
    if space.size is None or len(set(keys)) < len(keys) or space.exclude or space.first:
        return 0
    return round(space.raw_size) - space.size


def show(invocation: Invocation, executor: Executor, compose: Callable[[list[str]], DictConfig]) -> None:
    """Prints the trials that are known in advance, how they would be grouped, and an estimate of time and disk.

    Raises:
        ConfigError: the sweep to resume does not exist, or differs from this request.
    """
    state, known = known_trials(invocation, compose) if invocation.config.resume else ({}, [])
    points, total, epochs, lines = _foreseen(invocation, state, known)
    if known:
        lines = [f"{invocation.config.resume} would go on: {sum(one.state in ENDED for one in known)} trials had ended", *lines]
    lines += executor.plan(trial_config(compose(overrides(point))) for point in points[:MOST_COMPOSED])
    if invocation.config.stop.trial:
        lines.append(EXPLAINED)
    for number, point in enumerate(points, 1):
        print(f"{number:>5}  python -m src.sweep {shlex.join(overrides(point))}")  # noqa: T201
    print("\n".join([*lines, headline(invocation, total), _estimate(invocation, total, epochs, executor.parallel_trials)]))  # noqa: T201
    print("nothing was started (dry_run=true)")  # noqa: T201


def _foreseen(invocation: Invocation, state: dict[str, Any], known: list[KnownTrial]) -> tuple[list[Point], int, float, list[str]]:
    """Returns the points that do not depend on scores, the number of all trials, their epochs, and lines for people.

    Of a sweep to resume, with the oracle's `state` and the `known` trials, those that ended are left out.
    """
    ended = {invocation.space.identity(one.proposal.point) for one in known if one.state in ENDED}
    if invocation.oracle["name"] == "grid":
        points = [point for identity, point in invocation.space.listed.items() if identity not in ended]
        total, epochs, lines = len(points), None, []
    else:
        from src import oracles  # imports KerasTuner, seconds

        oracle = oracles.create(invocation.space, invocation.objective, invocation.oracle)
        if known:
            oracle.restore(state, [replace(one, score=oracles.score_for_oracle(oracle, one.state, one.score)) for one in known])
        points = [one.proposal.point for one in known if one.state not in ENDED]
        proposals = [oracle.ask(number) for number in range(len(known), oracle.known_in_advance)]
        points += [proposal.point for proposal in proposals if proposal]
        learns = oracle.known_in_advance < oracle.budget
        total = oracle.budget - len(ended) if learns else len(points)  # a space may have fewer distinct points than the budget
        more = f", {total - len(points)} more by the scores of these" if learns else ""
        how = "before the first look" if oracle.conclusion() else "drawn at random"
        epochs, lines = oracle.epochs, [f"{len(points)} {how}{more}", *oracle.schedule_lines] if total else []
    each = mean(int(invocation.space.leaves(point).get("training.epochs", 1)) for point in points) if points else 0
    return points, total, epochs or total * each, lines


def _estimate(invocation: Invocation, total: int, epochs: float, parallel_trials: int) -> str:
    config = invocation.config
    store, sweeps = database(config.tracking.uri), Path(config.hydra.sweep.dir)  # single trials leave no study
    found = list(_experience(sweeps, store.parent / "artifacts" if store else None, config.data["_target_"]))
    if not found:
        return "no estimate: there is no finished trial on this data set here yet"
    seconds, megabytes, trials = zip(*found, strict=True)
    each, size = mean(seconds), mean(megabytes)
    duration = seconds_text(epochs / parallel_trials * each)
    side = f", {parallel_trials} side by side" if parallel_trials > 1 else ""
    basis, disk = f"{epochs:.0f} epochs of {each:.2f} s{side}", ""
    if total * size:  # 0 if the store is on another machine
        disk = f" and {total * size:.0f} MB"
        basis += f", and {_count(total, 'trial')} of {size:.2f} MB"
    return f"at most about {duration}{disk}: {basis}, as in {sum(trials)} earlier trials on these data"


def _experience(root: Path, artifacts: Path | None, data: str) -> Iterator[tuple[float, float, int]]:
    """Yields (seconds per epoch, megabytes per trial, number of trials) of each of the newest studies on the same data.

    Only a local store has a folder with the artifacts of its runs; without one, megabytes are 0.
    """
    for file in sorted(root.glob("*/study.db"), reverse=True)[:MOST_STUDIES]:
        with suppress(sqlite3.DatabaseError, TrialbookError), closing(Store.open(file)) as store:  # an estimate can do without one
            rows = [row for row in store.trials() if row.state == TrialState.FINISHED and row.epochs and row.seconds]
            if rows and f"_target_: {data}" in store.meta().get("base_config", ""):
                sizes = [bytes_in(artifacts / str(row.run_id)) for row in rows] if artifacts else [0]
                seconds = mean((row.seconds or 0.0) / (row.epochs or 1) for row in rows)
                yield seconds, mean(sizes) / 2**20, len(rows)
