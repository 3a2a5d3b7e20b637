"""A sweep's overview as people and programs read it: lines of any width, rows of a table, JSON with stable keys."""

import textwrap
import time
from datetime import UTC, datetime
from typing import Any

from src.columns import figure
from src.states import TrialState
from src.study.overview import Overview, SweepState, TrialView
from src.terminal import seconds_text

BLOCKS = "▁▂▃▄▅▆▇█"
MOST_POINTS = 24  # of a sparkline
BAR = 20  # characters
DAY = 86400.0


def sparkline(values: list[float]) -> str:
    """Draws values as blocks between the least and the greatest of them; of many, every so many-th and the last one.

    >>> sparkline([0.0, 0.5, 1.0]), sparkline([2.0, 2.0]), sparkline([])
    ('▁▅█', '▄▄', '')
    """
    finite = [value for value in values if abs(value) < float("inf")]
    step = -(-len(finite) // MOST_POINTS) or 1
    shown = finite[::-1][::step][::-1]
    low, span = min(shown, default=0.0), max(shown, default=0.0) - min(shown, default=0.0)
    return "".join(BLOCKS[round((value - low) / span * (len(BLOCKS) - 1) + 1e-9)] if span else BLOCKS[3] for value in shown)


def bytes_text(count: int) -> str:
    """Returns a size as people say it.

    >>> bytes_text(900), bytes_text(2_500_000), bytes_text(3_000_000_000)
    ('1 kB', '2.5 MB', '3.0 GB')
    """
    for unit, name in ((1e9, "GB"), (1e6, "MB")):
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{-(-count // 1000)} kB"


def when_text(at: float) -> str:
    """Returns a moment in local time: the hour of one within a day, otherwise the date."""
    return time.strftime("%H:%M" if 0 <= time.time() - at < DAY else "%Y-%m-%d", time.localtime(at))


def row(view: Overview, size: int) -> dict[str, str]:
    """Returns the row of a sweep in the table of all; its columns in the order of their importance."""
    best = figure(view.best[0].score) if view.best else ""
    of = f"{view.ended}/{view.budget}" if view.budget else str(view.ended)
    return {
        "sweep": view.id,
        "status": view.state,
        "trials": of,
        "best": best,
        "of": view.objective.name if best else "",
        "name": view.name,
        "when": when_text(view.created),
        "disk": bytes_text(size),
    }


def facts(view: Overview, size: int) -> dict[str, Any]:
    """Returns the facts of a sweep in the list of all, as JSON; its id begins with the time at which it began, in UTC."""
    best = view.best[0] if view.best else None
    return {
        "id": view.id,
        "name": view.name,
        "state": view.state,
        "trials": view.states,
        "budget": view.budget,
        "objective": str(view.objective),
        "best": best.score if best else None,
        "best_trial": best.number if best else None,
        "disk_bytes": size,
        "added": view.added,
        "undelivered": view.undelivered,
        "refused": view.refused,
    }


def all_facts(view: Overview, size: int) -> dict[str, Any]:
    """Returns the facts of one sweep, as JSON; trials count from 0, as in the study."""
    return {
        **facts(view, size),
        "created": datetime.fromtimestamp(view.created, UTC).isoformat(timespec="seconds"),
        "note": view.note,
        "tags": view.tags,
        "slots": view.slots,
        "seconds_left": view.seconds_left,
        "running": [_trial(trial) for trial in view.running],
        "best_trials": [_trial(trial) for trial in view.best],
        "failures": [{"cause": cause, "trials": count} for cause, count in view.causes.items()],
        "next": [command for command, _ in commands(view)],
    }


def _trial(trial: TrialView) -> dict[str, Any]:
    latest = trial.curve[-1] if trial.curve else None
    names = {"trial": trial.number, "name": trial.name, "state": trial.state, "score": trial.score}
    return {**names, "epochs": trial.epochs, "most_epochs": trial.most, "latest": latest}


def lines(view: Overview, width: int | None) -> list[str]:
    """Returns the lines that describe one sweep, wrapped between words at the terminal's width; none is cut.

    Args:
        width: None for a pipe, which has no edge.
    """
    found = [" ".join(filter(None, ["sweep", view.id, view.name])), *filter(None, [view.note, ", ".join(view.tags)]), _progress(view)]
    if view.running:
        found.append("running:")
        found += [line for trial in view.running for line in _running(trial, view.objective.name)]
    if view.best:
        found.append(f"best {view.objective.name}:")
        found += [
            f"  {figure(trial.score)}  trial {trial.number + 1}  {trial.name}  {sparkline(trial.curve)}".rstrip() for trial in view.best
        ]
    if view.causes:
        found.append("failed:")
        found += [f"  {count} x {cause}" for cause, count in view.causes.items()]
    if view.added:
        found.append(f"added, and not taken up yet: {view.added}")
    if view.undelivered or view.refused:
        refused = f"; refused: {view.refused}, see python -m src.doctor" if view.refused else ""
        found.append(f"records that MLflow does not have yet: {view.undelivered}{refused}")
    return [part for line in found for part in _wrapped(line, width)] if width else found


def _progress(view: Overview) -> str:
    """Returns the line about the state of a sweep and its trials."""
    counts = ", ".join(f"{count} {state}" for state, count in view.states.items()) or "no trial yet"
    of = f"{view.ended} of {view.budget} trials ended" if view.budget else f"{view.ended} trials ended"
    bar = f"{_bar(view.ended, view.budget)} " if view.budget and view.state == SweepState.RUNNING else ""
    slots = f"; {len(view.running)} of {view.slots} slots busy" if view.running and view.slots else ""
    left = f"; about {seconds_text(view.seconds_left)} left" if view.seconds_left is not None else ""
    return f"{view.state}  {bar}{of} ({counts}){slots}{left}"


def _running(trial: TrialView, metric: str) -> list[str]:
    """Returns the two lines of a trial that runs."""
    of = f" of {trial.most}" if trial.most else ""
    bar = f"{_bar(trial.epochs, trial.most)} " if trial.most else ""
    latest = f"  {metric} {figure(trial.curve[-1])}  {sparkline(trial.curve)}" if trial.curve else ""
    return [f"  trial {trial.number + 1}  {trial.name}".rstrip(), f"    {bar}epoch {trial.epochs}{of}{latest}"]


def _bar(done: int, most: int) -> str:
    full = min(BAR, BAR * done // most)
    return "█" * full + "░" * (BAR - full)


def _wrapped(line: str, width: int) -> list[str]:
    """Breaks a line between words; what follows is indented once more."""
    margin = " " * (len(line) - len(line.lstrip()) + 2)
    return textwrap.wrap(line, width, subsequent_indent=margin, break_long_words=False, break_on_hyphens=False, drop_whitespace=True) or [
        ""
    ]


def commands(view: Overview) -> list[tuple[str, str]]:
    """Returns the commands to type next, each with what it does."""
    python, sweep = "python -m src", f"sweep={view.id}"
    if view.state == SweepState.RUNNING:
        return [(f"{python}.status watch=true {sweep}", "looks on")]
    found = [(view.resume, "goes on")] if view.state == SweepState.INTERRUPTED else []
    if view.added and view.state == SweepState.ENDED:
        found.append((view.resume, "runs what was added"))
    elif view.states.get(TrialState.FAILED) and view.state == SweepState.ENDED:
        found.append((f"{view.resume} retry=failed", "runs the failed trials again"))
    if view.best:
        found.append((f"{python}.compare {sweep}", "ranks its trials, and says what is chance"))
    return found
