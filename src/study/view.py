"""Formats a sweep's overview for people and programs: lines, rows of a table, or JSON with stable keys."""

import textwrap
import time
from datetime import UTC, datetime
from typing import Any

from src.columns import figure
from src.states import TrialState
from src.study.overview import Overview, SweepState, TrialView
from src.terminal import seconds_text

BLOCKS = "▁▂▃▄▅▆▇█"
MOST_POINTS = 24  # characters of a sparkline
BAR = 20  # characters of a progress bar
DAY = 86400.0


def sparkline(values: list[float]) -> str:
    """Draws values as blocks between their minimum and maximum; a long list is thinned out, and its last value is kept.

    >>> sparkline([0.0, 0.5, 1.0]), sparkline([2.0, 2.0]), sparkline([])
    ('▁▅█', '▄▄', '')
    """
    finite = [value for value in values if abs(value) < float("inf")]
    step = -(-len(finite) // MOST_POINTS) or 1
    shown = finite[::-1][::step][::-1]
    low, span = min(shown, default=0.0), max(shown, default=0.0) - min(shown, default=0.0)
    return "".join(BLOCKS[round((value - low) / span * (len(BLOCKS) - 1) + 1e-9)] if span else BLOCKS[3] for value in shown)


def bytes_text(count: int) -> str:
    """Formats a number of bytes with a decimal unit.

    >>> bytes_text(900), bytes_text(2_500_000), bytes_text(3_000_000_000)
    ('1 kB', '2.5 MB', '3.0 GB')
    """
    for unit, name in ((1e9, "GB"), (1e6, "MB")):
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{-(-count // 1000)} kB"


def when_text(at: float) -> str:
    """Formats a time in the local time zone: hour and minute within the last day, otherwise the date."""
    is_recent = 0 <= time.time() - at < DAY
    return time.strftime("%H:%M" if is_recent else "%Y-%m-%d", time.localtime(at))


def row(view: Overview, size: int) -> dict[str, str]:
    """Returns the row of a sweep in the table of all sweeps, with the most important columns first."""
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
    """Returns the facts of a sweep for the JSON list of all sweeps; its id begins with the UTC time of its start."""
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
    """Returns all facts of one sweep, for JSON; trials are counted from 0, as in the study."""
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
    """Returns the lines that describe one sweep, wrapped between words; a width of None, for a pipe, wraps none."""
    found = [f"sweep {view.id} {view.name}".rstrip()]
    found += [text for text in (view.note, ", ".join(view.tags)) if text]
    found.append(_progress(view))
    if view.running:
        found.append("running:")
        found += [line for trial in view.running for line in _running(trial, view.objective.name)]
    if view.best:
        found.append(f"best {view.objective.name}:")
        found += [f"  {figure(one.score)}  trial {one.number + 1}  {one.name}  {sparkline(one.curve)}".rstrip() for one in view.best]
    if view.causes:
        found.append("failed:")
        found += [f"  {count} x {cause}" for cause, count in view.causes.items()]
    if view.added:
        found.append(f"added, not started yet: {view.added}")
    if view.undelivered or view.refused:
        refused = f"; refused: {view.refused}, see python -m src.doctor" if view.refused else ""
        found.append(f"records that MLflow does not have yet: {view.undelivered}{refused}")
    return [part for line in found for part in _wrapped(line, width)] if width else found


def _progress(view: Overview) -> str:
    counts = ", ".join(f"{count} {state}" for state, count in view.states.items()) or "no trial yet"
    of = f"{view.ended} of {view.budget} trials ended" if view.budget else f"{view.ended} trials ended"
    bar = f"{_bar(view.ended, view.budget)} " if view.budget and view.state == SweepState.RUNNING else ""
    slots = f"; {len(view.running)} of {view.slots} slots busy" if view.running and view.slots else ""
    left = f"; about {seconds_text(view.seconds_left)} left" if view.seconds_left is not None else ""
    return f"{view.state}  {bar}{of} ({counts}){slots}{left}"


def _running(trial: TrialView, metric: str) -> list[str]:
    of = f" of {trial.most}" if trial.most else ""
    bar = f"{_bar(trial.epochs, trial.most)} " if trial.most else ""
    latest = f"  {metric} {figure(trial.curve[-1])}  {sparkline(trial.curve)}" if trial.curve else ""
    return [f"  trial {trial.number + 1}  {trial.name}".rstrip(), f"    {bar}epoch {trial.epochs}{of}{latest}"]


def _bar(done: int, most: int) -> str:
    full = min(BAR, BAR * done // most)
    return "█" * full + "░" * (BAR - full)


def _wrapped(line: str, width: int) -> list[str]:
    """Breaks a line between words, and indents the continued lines by two more characters."""
    margin = " " * (len(line) - len(line.lstrip()) + 2)
    return textwrap.wrap(line, width, subsequent_indent=margin, break_long_words=False, break_on_hyphens=False) or [""]


def commands(view: Overview) -> list[tuple[str, str]]:
    """Returns the next commands, each with a description."""
    python, sweep = "python -m src", f"sweep={view.id}"
    if view.state == SweepState.RUNNING:
        return [(f"{python}.status watch=true {sweep}", "watches it")]
    found = [(view.resume, "resumes it")] if view.state == SweepState.INTERRUPTED else []
    if view.added and view.state == SweepState.ENDED:
        found.append((view.resume, "runs what was added"))
    elif view.states.get(TrialState.FAILED) and view.state == SweepState.ENDED:
        found.append((f"{view.resume} retry=failed", "runs the failed trials again"))
    if view.best:
        found.append((f"{python}.compare {sweep}", "ranks its trials, and says which differences may be chance"))
    return found
