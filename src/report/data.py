"""Collects the data of a report, for JSON: columns of configurations and of trials, which the scripts in page/ draw."""

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

LOG_RATIO = 100  # ratio of the largest to the smallest number from which on an axis is logarithmic, if most numbers are small


def data_of(
    standing: Standing,
    metas: Sequence[Mapping[str, str]],
    curves: Curves,
    advice: Sequence[str],
    *,
    champion: Champion | None,
    running: bool,
) -> dict[str, Any]:
    """Returns the data of the page; `advice` are sentences, and `running` is True while the sweep runs."""
    columns = [*_keys(standing, searched_log(metas)), *_measured(standing, metas, curves)]
    default = default_of(standing, metas)
    concluded = next((meta["conclusion"] for meta in metas if meta.get("conclusion")), "")
    names = {one.name for one in (standing.objective, standing.second) if one}
    text = answer.answer(standing, default, concluded)
    return {
        "answer": f"So far: {text}" if running else text,
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
    """Returns a column for each key that varies; its values are None for configurations that do not use the key."""
    columns = []
    for key in standing.keys:
        texts = [value_text(entry.values[key]) if key in entry.values else None for entry in standing.entries]
        column = _column(key, [entry.values.get(key) for entry in standing.entries], texts)
        columns.append({**column, "key": True, "log": column["log"] or (key in logs and column["positive"])})
    return columns


def _column(name: str, values: Sequence[Any], texts: Sequence[str | None]) -> dict[str, Any]:
    """Returns a column of numbers if all values are numbers, otherwise a column of places in a sorted list of words."""
    used = [value for value, text in zip(values, texts, strict=True) if text is not None]
    if used and all(map(is_number, used)):
        positive = all(value > 0 for value in used)
        distinct = sorted({value for value in used if math.isfinite(value)})
        log = False
        if positive and distinct:
            middle = distinct[(len(distinct) - 1) // 2]
            log = distinct[-1] / distinct[0] >= LOG_RATIO and 4 * middle < distinct[-1]
        return {"name": name, "log": log, "positive": positive, "values": [_number(value) for value in values]}
    words = sorted({text for text in texts if text is not None}, key=_by_number)
    places = {text: place for place, text in enumerate(words)}
    return {"name": name, "log": False, "positive": False, "words": words, "values": [places.get(text or "") for text in texts]}


def _by_number(word: str) -> tuple[int, str]:
    """Returns a key that sorts whole numbers by value and puts them after other words."""
    return (len(word) if word.isdigit() else 0, word)


def _number(value: Any) -> float | int | None:
    """Rounds a number for JSON to nine digits, which distinguish all float32; None if there is none or it is not finite."""
    if value is None or not math.isfinite(value):
        return None
    return value if isinstance(value, int) else float(f"{value:.9g}")


def _measured(standing: Standing, metas: Sequence[Mapping[str, str]], curves: Curves) -> list[dict[str, Any]]:
    """Returns columns of what was measured, and of origin and sweep if there are several."""
    entries, objective, second = standing.entries, standing.objective, standing.second
    score = _measure("score", objective.name, [entry.mean if entry.trials else None for entry in entries])
    columns = [{**score, "log": score["log"] and "loss" in objective.name}]
    if second:
        columns.append(_measure("second", second.name, [entry.second for entry in entries]))
    epochs = [max((curves.length(trial) or 0 for trial in entry.all), default=0) or None for entry in entries]
    columns.append(_measure("epochs", "epochs", epochs))
    columns.append(_measure("seconds", "seconds", [entry.seconds for entry in entries]))
    if standing.of_several_origins:
        columns.append(_measure("origin", DIFFERS, [standing.origin(entry) or "—" for entry in entries]))
    if len(metas) > 1:
        names = {meta.get("sweep_id", ""): meta.get("name") or meta.get("sweep_id", "") for meta in metas}
        if len({*names.values()}) < len(names):
            names = {}  # two sweeps have the same name: their ids are shown
        sweeps = [dict.fromkeys(names.get(trial.sweep, trial.sweep) for trial in entry.all) for entry in entries]
        columns.append(_measure("sweep", "sweep", [" + ".join(found) for found in sweeps]))
    return columns


def _measure(role: str, name: str, values: list[Any]) -> dict[str, Any]:
    return {"role": role, **_column(name, values, [None if value is None else str(value) for value in values])}


def _rows(standing: Standing, default: Entry | None, champion: Entry | None) -> dict[str, list[Any]]:
    """Returns the columns of the leaderboard without those of keys, best row first."""
    entries, halves = standing.entries, _halves(standing)
    groups = {id(entry): number for number, group in enumerate(standing.groups) for entry in group.entries}
    ranks = {id(entry): rank for group in standing.groups for entry, rank in zip(group.entries, group.ranks, strict=True)}
    rows = table.ranked(standing)
    marks = []
    for entry, is_front in zip(entries, standing.front, strict=True):
        marked = {"default": entry is default, "champion": entry is champion, "front": is_front}
        marks.append(" ".join(name for name, is_marked in marked.items() if is_marked))
    return {
        "rank": [ranks.get(id(entry)) for entry in entries],
        "group": [groups.get(id(entry)) for entry in entries],
        "half": [_number(halves.get(id(entry), (None, False))[0]) for entry in entries],
        "pooled": [int(halves.get(id(entry), (None, False))[1]) for entry in entries],
        "kept": [_number(row["kept epoch"]) for row in rows],
        "state": [row["state"] for row in rows],
        "marks": marks,
        "words": [shlex.join(standing.words(standing.best_of(entry) or entry.all[0])) for entry in entries],
    }


def _halves(standing: Standing) -> dict[int, tuple[float, bool]]:
    """Returns, by id of an entry, half the width of its mean's 95 % interval, and True if that is from the spread of other rows."""
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
    trials, sweeps = standing.trials, {meta.get("sweep_id", ""): place for place, meta in enumerate(metas)}
    causes = [f"{trial.state} {trial.cause}".strip() for trial in trials]
    distinct = {cause: place for place, cause in enumerate(dict.fromkeys(causes))}
    return {
        "row": [place for place, entry in enumerate(standing.entries) for _ in entry.all],
        "number": [trial.number for trial in trials],
        "sweep": [sweeps.get(trial.sweep, 0) for trial in trials],
        "score": [_number(trial.score) for trial in trials],
        "kept": [trial.kept_epoch for trial in trials],
        "run": [trial.run_id or "" for trial in trials],
        "seed": [_seed(trial.values) for trial in trials],
        "cause": [distinct[cause] for cause in causes],
        "causes": list(distinct),
        "curves": curves.packed(trials),
    }


def _seed(values: Mapping[str, Any]) -> str:
    parts = [f"{key.rpartition('.')[2]} {value_text(values[key])}" for key in ("seed", "data.fold") if values.get(key) is not None]
    return ", ".join(parts)
