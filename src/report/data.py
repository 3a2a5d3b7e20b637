"""The numbers of a report as JSON: columns of configurations and of trials, which the scripts of page/ draw."""

import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from scipy.special import stdtrit

from src.report import answer
from src.report.champion import Champion, champion_of
from src.report.curves import Curves
from src.report.marks import default_of, searched_log
from src.results import table
from src.results.conclusions import conclusions
from src.results.importance import importances
from src.results.leaderboard import Entry, Standing
from src.significance import ERROR
from src.space.origin import DIFFERS
from src.space.values import is_number, value_text

LOG_RATIO = 100  # numbers that span two orders of magnitude, and of which most are small, have a logarithmic axis


def data_of(
    standing: Standing,
    metas: Sequence[Mapping[str, str]],
    curves: Curves,
    advice: Sequence[str],
    *,
    champion: Champion | None,
    running: bool,
) -> dict[str, Any]:
    """Returns all that the page shows.

    Args:
        advice: sentences about the best configuration.
    """
    columns = [*_keys(standing, searched_log(metas)), *_measured(standing, metas, curves)]
    default, concluded = default_of(standing, metas), next((meta["conclusion"] for meta in metas if meta.get("conclusion")), "")
    names = {one.name for one in (standing.objective, standing.second) if one}
    return {
        "answer": f"{'So far: ' if running else ''}{answer.answer(standing, default, concluded)}",
        "commands": [] if running else answer.commands(standing, metas),
        "said": [concluded] if concluded else conclusions(standing),
        "advice": list(advice),
        "sweeps": [" ".join(filter(None, (meta.get("name"), meta.get("sweep_id")))) for meta in metas],
        "prefix": answer.prefix(metas),
        "device": metas[0].get("device", "") if metas else "",
        "objective": {"name": standing.objective.name, "direction": standing.objective.direction},
        "running": running,
        "columns": [one for one in columns if one.get("role") in (None, "score", "second") or one["name"] not in names],
        "rows": _rows(standing, default, champion_of(standing, champion)),
        "trials": _trials(standing, metas, curves),
        "importance": [asdict(one) for one in importances(standing)],
    }


def _keys(standing: Standing, logs: set[str]) -> list[dict[str, Any]]:
    """Returns a column for each key that varies; None where a configuration does not use it."""
    columns = []
    for key in standing.keys:
        texts = [value_text(entry.values[key]) if key in entry.values else None for entry in standing.entries]
        column = _column(key, [entry.values.get(key) for entry in standing.entries], texts)
        columns.append({**column, "key": True, "log": column["log"] or (key in logs and column["positive"])})
    return columns


def _column(name: str, values: Sequence[Any], texts: Sequence[str | None]) -> dict[str, Any]:
    """Returns a column of numbers if all values are numbers, otherwise one of words: their places in a sorted list."""
    used = [value for value, text in zip(values, texts, strict=True) if text is not None]
    if used and all(map(is_number, used)):
        positive = all(value > 0 for value in used)
        distinct = sorted({value for value in used if math.isfinite(value)} or {0})
        log = positive and distinct[-1] / distinct[0] >= LOG_RATIO and 4 * distinct[(len(distinct) - 1) // 2] < distinct[-1]
        return {"name": name, "log": log, "positive": positive, "values": [_number(value) for value in values]}
    words = sorted({text for text in texts if text is not None}, key=lambda text: (len(text) if text.isdigit() else 0, text))
    places = {text: place for place, text in enumerate(words)}
    return {"name": name, "log": False, "positive": False, "words": words, "values": [places.get(text or "") for text in texts]}


def _number(value: Any) -> float | int | None:
    """Returns a number as JSON has it, with nine digits, which tell any float32 from others; None for none, and for one that is not finite."""
    if value is None or not math.isfinite(value):
        return None
    return value if isinstance(value, int) else float(f"{value:.9g}")


def _measured(standing: Standing, metas: Sequence[Mapping[str, str]], curves: Curves) -> list[dict[str, Any]]:
    """Columns of what was measured, and of where a configuration comes from."""
    entries, seconds = standing.entries, [entry.seconds for entry in standing.entries]
    epochs = [max((curves.length(trial) or 0 for trial in entry.all), default=0) or None for entry in entries]
    score = {"role": "score", **_column(standing.objective.name, *_twice([entry.mean if entry.trials else None for entry in entries]))}
    columns = [{**score, "log": score["log"] and "loss" in standing.objective.name}]
    columns += _second(standing)
    columns += [{"role": "epochs", **_column("epochs", *_twice(epochs))}, {"role": "seconds", **_column("seconds", *_twice(seconds))}]
    if standing.of_several_origins:
        columns.append({"role": "origin", **_column(DIFFERS, *_twice([standing.origin(entry) or "—" for entry in entries]))})
    if len(metas) > 1:
        names = {meta.get("sweep_id", ""): meta.get("name") or meta.get("sweep_id", "") for meta in metas}
        names = names if len({*names.values()}) == len(names) else {sweep: sweep for sweep in names}
        of = [" + ".join(dict.fromkeys(names.get(trial.sweep, trial.sweep) for trial in entry.all)) for entry in entries]
        columns.append({"role": "sweep", **_column("sweep", *_twice(of))})
    return columns


def _second(standing: Standing) -> list[dict[str, Any]]:
    """Returns the column of a second objective; none without one."""
    second = standing.second
    return [{"role": "second", **_column(second.name, *_twice([one.second for one in standing.entries]))}] if second else []


def _twice(values: list[Any]) -> tuple[list[Any], list[str | None]]:
    return values, [None if value is None else str(value) for value in values]


def _rows(standing: Standing, default: Entry | None, champion: Entry | None) -> dict[str, list[Any]]:
    """Returns the leaderboard without its columns of keys, best first."""
    halves = _halves(standing)
    groups = {id(entry): number for number, group in enumerate(standing.groups) for entry in group.entries}
    ranks = {id(entry): rank for group in standing.groups for entry, rank in zip(group.entries, group.ranks, strict=True)}
    found = table.ranked(standing)
    return {
        "rank": [ranks.get(id(entry)) for entry in standing.entries],
        "group": [groups.get(id(entry)) for entry in standing.entries],
        "half": [_number(halves.get(id(entry), (None, False))[0]) for entry in standing.entries],
        "pooled": [int(halves.get(id(entry), (None, False))[1]) for entry in standing.entries],
        "kept": [_number(row["kept epoch"]) for row in found],
        "state": [row["state"] for row in found],
        "marks": [
            " ".join([name for name, one in (("default", default), ("champion", champion)) if one is entry] + ["front"] * front)
            for entry, front in zip(standing.entries, standing.front, strict=True)
        ],
        "words": [shlex.join(standing.words(standing.best_of(entry) or entry.all[0])) for entry in standing.entries],
    }


def _halves(standing: Standing) -> dict[int, tuple[float, bool]]:
    """Returns half the width of the 95 % interval of a mean, and True if it is known from the spread of other rows."""
    found: dict[int, tuple[float, bool]] = {}
    for group in standing.groups:
        compared = {*group.compared} if group.comparison.known else set()
        for place, entry in enumerate(group.entries):
            if entry.interval is not None:
                found[id(entry)] = entry.interval, False
            elif place in compared:
                quantile = float(stdtrit(group.comparison.freedom, 1 - ERROR / 2))
                found[id(entry)] = quantile * group.comparison.error(None, len(entry.scores)), True
    return found


def _trials(standing: Standing, metas: Sequence[Mapping[str, str]], curves: Curves) -> dict[str, Any]:
    """Returns the trials, those of one configuration together, with their curves."""
    trials, order = standing.trials, {meta.get("sweep_id", ""): place for place, meta in enumerate(metas)}
    causes = {text: place for place, text in enumerate(dict.fromkeys(f"{one.state} {one.cause}".strip() for one in trials))}
    return {
        "row": [place for place, entry in enumerate(standing.entries) for _ in entry.all],
        "number": [trial.number for trial in trials],
        "sweep": [order.get(trial.sweep, 0) for trial in trials],
        "score": [_number(trial.score) for trial in trials],
        "kept": [trial.kept_epoch for trial in trials],
        "run": [trial.run_id or "" for trial in trials],
        "seed": [_seed(trial.values) for trial in trials],
        "cause": [causes[f"{trial.state} {trial.cause}".strip()] for trial in trials],
        "causes": list(causes),
        "curves": curves.packed(trials),
    }


def _seed(values: Mapping[str, Any]) -> str:
    """Returns the seed and the fold of a trial, as people read them."""
    parts = [f"{key.rpartition('.')[2]} {value_text(values[key])}" for key in ("seed", "data.fold") if values.get(key) is not None]
    return ", ".join(parts)
