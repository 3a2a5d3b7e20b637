"""The report of studies, with the commands that belong to them."""

import shlex
from collections.abc import Sequence

from src import report
from src.leaderboard import Standing
from src.report import Report
from src.study import destination, table
from src.study.scores import histories
from src.study.store import Store
from src.tracking.address import DEFAULT


def report_of(standing: Standing, stores: Sequence[Store], question: str = "") -> Report:
    """One report over some studies; without a question it is named after them."""
    metas = [store.meta() for store in stores]
    names = ", ".join(f"{meta['name'] or 'sweep'} {meta['sweep_id']}" for meta in metas)
    trials = standing.trials
    subtitle = f"{names}: {len(trials)} trials, {standing.objective}, {metas[0].get('device', '')}"
    rows = table.for_people(table.ranked(standing))
    return report.build(question or names, subtitle, standing, histories(trials, stores), rows, "\n".join(commands(standing, metas)))


def commands(standing: Standing, metas: Sequence[dict[str, str]]) -> list[str]:
    """What repeats the sweeps and their best trial, and what promotes it."""
    found = [meta["command"] for meta in metas if "command" in meta]
    store = destination.prefix(metas[0].get("tracking_uri", DEFAULT))
    if standing.best:
        found.append(f"{store}python -m src.sweep {shlex.join(standing.words(standing.best))}    # the best trial again")
    return [*found, f"{store}python -m src.promote sweep={','.join(meta['sweep_id'] for meta in metas)}"]
