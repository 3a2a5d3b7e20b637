"""Charts as Vega-Lite specifications: interactive in a browser, still in PNG files."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from src.plots import PALETTE
from src.results.importance import Importance
from src.results.leaderboard import Standing, TrialResult
from src.space.values import value_text
from src.states import TrialState

Spec = dict[str, Any]
Run = dict[str, Any]  # the data of one trial: `run` (its name), `trial`, `score`, `seconds`, its keys, its curves
UNSET = "unset"  # the trial does not use the key
EXPLAINED = {
    "learning curves": "Train (dashed) against validation (solid). Point at a line to see its trial; choose the metric and the colour.",
    "parallel coordinates": "A line per trial, coloured by its score; unset: a key that the trial does not use.",
    "importance": "Each key's share of the score's variance, as a random forest sees it: what shuffling the key costs on configurations "
    "that it was not fitted to. The line spans 90 % over all keys together; a key that only some configurations have is judged among "
    "those. A key that is not here is not told from one that does not matter.",
    "score against cost": "A point per trial: its score and the seconds it took.",
}
CATEGORY = {"range": [colour for colour in PALETTE if colour != "#000000"]}
TICK = {"type": "text", "align": "left", "dx": 5, "fontSize": 11, "color": {"expr": "ink"}}
MOST_RUNS = 1000
UNUSED_PLACE = -0.1  # below an axis, whose places are 0 to 1: a run that does not use the key
FAINT, CLEAR = 0.12, 0.75  # opacity of a line: while another one is pointed at, and otherwise


@dataclass(frozen=True)
class Runs:
    """The scored trials as a table.

    Attributes:
        keys: the keys in which the trials differ.
        curves: names of the metrics that have a value per epoch for both training and validation.
        score: name of the objective.
    """

    table: list[Run]
    keys: list[str]
    curves: list[str]
    score: str


def runs_of(standing: Standing, histories: dict[str, dict[str, list[float]]]) -> Runs:
    """The scored trials, best configurations last; at most MOST_RUNS, which a browser can still draw."""
    scored = [trial for trial in standing.trials if trial.score is not None][:MOST_RUNS]
    keys = standing.keys_of_trials
    first = next((histories[trial.key] for trial in scored if trial.key in histories), {})
    curves = [name for name in first if f"val_{name}" in first]
    # reversed, because the last line is drawn on top
    runs = [_run(trial, keys, curves, histories.get(trial.key, {}), standing.origin(trial)) for trial in reversed(scored)]
    return Runs(runs, keys, curves, standing.objective.name)


def _run(trial: TrialResult, keys: Sequence[str], curves: Sequence[str], history: dict[str, list[float]], origin: str) -> Run:
    values = {key: value_text(trial.values[key]) if key in trial.values else UNSET for key in keys}
    settings = [f"{key}={text}" for key, text in values.items() if text != UNSET]
    pruned = trial.state_text if trial.state == TrialState.PRUNED else ""
    name = " ".join(filter(None, [*settings, origin, pruned])) or f"trial {trial.number + 1}"
    lines = {side: [round(value, 5) for value in history.get(side, [])] for metric in curves for side in (metric, f"val_{metric}")}
    return {"run": name, "trial": trial.number + 1, "score": trial.score, "seconds": trial.seconds, **values, **lines}


def curves(runs: Runs) -> Spec:
    """The learning curves of all trials, for training and validation; the reader chooses metric and colour."""
    first = next((name for name in runs.curves if name in runs.score), runs.curves[0])
    longest = max(len(run[first]) for run in runs.table)
    epochs = list(range(1, longest + 1, math.ceil(longest / 25)))  # at most 25 labels
    return {
        "data": {"values": runs.table},
        "height": 340,
        "width": "container",
        "params": [_choice("metric", runs.curves, first), _choice_of_colour(runs)],
        "transform": [
            {"calculate": "datum[metric]", "as": "train"},
            {"calculate": "datum['val_' + metric]", "as": "validation"},
            {"calculate": "sequence(1, length(datum.train) + 1)", "as": "epoch"},
            {"flatten": ["epoch", "train", "validation"]},
            {"fold": ["validation", "train"], "as": ["split", "value"]},
            {"calculate": "'' + datum[by]", "as": "group"},
        ],
        "layer": [
            {
                "params": [_pointed()],
                "mark": {"type": "line", "strokeWidth": 2, "point": {"size": 12}},
                "encoding": {
                    "x": {"field": "epoch", "type": "quantitative", "axis": {"values": epochs, "format": "d"}},
                    "y": {"field": "value", "type": "quantitative", "scale": {"zero": False}, "title": None},
                    "color": _colour(),
                    "strokeDash": {"field": "split", "sort": ["validation", "train"], "scale": {"range": [[1, 0], [4, 3]]}},
                    "detail": {"field": "run"},
                    "opacity": _opacity(),
                    "tooltip": [{"field": name} for name in ("run", "split", "epoch", "value")],
                },
            }
        ],
    }


def parallel(runs: Runs) -> Spec:
    """Parallel coordinates: an axis for each key that varies, and the score."""
    axes = [*runs.keys, runs.score]
    places, ticks = _places(runs)
    table = [
        {"run": run["run"], "score": run["score"], **{f"at {n}": place[row] for n, place in enumerate(places)}}
        for row, run in enumerate(runs.table)
    ]
    across = {"field": "axis", "type": "nominal", "sort": axes, "axis": {"labelAngle": 0, "title": None, "domain": False, "orient": "top"}}
    height = {"field": "place", "type": "quantitative", "axis": None, "scale": {"domain": [-0.12, 1]}}
    return {
        "height": 340,
        "width": "container",
        "params": [{"name": "paper", "value": "#ffffff"}, {"name": "ink", "value": "#1b1b1f"}],
        "layer": [
            {
                "data": {"values": table},
                "params": [_pointed()],
                "transform": [
                    {"fold": [f"at {n}" for n in range(len(axes))], "as": ["at", "place"]},
                    {"calculate": f"{axes!r}[toNumber(slice(datum.at, 3))]", "as": "axis"},
                ],
                "mark": {"type": "line", "strokeWidth": 1.5},
                "encoding": {
                    "x": across,
                    "y": height,
                    "detail": {"field": "run"},
                    "color": {
                        "field": "score",
                        "type": "quantitative",
                        "scale": {"scheme": {"name": "viridis", "extent": [0.15, 1]}},
                        "title": runs.score,
                    },
                    "opacity": _opacity(),
                    "tooltip": [{"field": "run"}, {"field": "score"}],
                },
            },
            {
                "data": {"values": ticks},
                "encoding": {"x": across, "y": height, "text": {"field": "label"}},
                "layer": [{"mark": {**TICK, "stroke": {"expr": "paper"}, "strokeWidth": 4, "strokeJoin": "round"}}, {"mark": TICK}],
            },
        ],
    }


def importance(found: Sequence[Importance]) -> Spec:
    """A bar per key: its share of the variance, with the span of the resamples."""
    labels = [f"{item.key} ({item.configurations} configurations)" if item.partial else item.key for item in found]
    values = [{"key": label, "share": item.share, "low": item.low, "high": item.high} for label, item in zip(labels, found, strict=True)]
    bars = {"field": "key", "type": "nominal", "sort": None, "title": None}
    return {
        "data": {"values": values},
        "width": "container",
        "height": 26 * len(found),
        "encoding": {"y": bars, "tooltip": [{"field": name} for name in ("key", "share", "low", "high")]},
        "layer": [
            {
                "mark": {"type": "bar", "color": PALETTE[0], "opacity": 0.7},
                "encoding": {"x": {"field": "share", "type": "quantitative", "title": "share of the variance"}},
            },
            {
                "mark": {"type": "rule", "strokeWidth": 2, "color": "#888"},
                "encoding": {"x": {"field": "low", "type": "quantitative"}, "x2": {"field": "high"}},
            },
        ],
    }


def cost(runs: Runs) -> Spec:
    """The score against the seconds of training."""
    table = [{key: run[key] for key in ("run", "score", "seconds", *runs.keys)} for run in runs.table if run["seconds"] is not None]
    return {
        "data": {"values": table},
        "width": "container",
        "height": 280,
        "params": [_choice_of_colour(runs)],
        "transform": [{"calculate": "'' + datum[by]", "as": "group"}],
        "mark": {"type": "point", "filled": True, "size": 60, "opacity": CLEAR},
        "encoding": {
            "x": {"field": "seconds", "type": "quantitative"},
            "y": {"field": "score", "type": "quantitative", "scale": {"zero": False}, "title": runs.score},
            "color": _colour(),
            "tooltip": [{"field": name} for name in ("run", "score", "seconds")],
        },
    }


def _choice(name: str, options: Sequence[str], value: str, label: str = "") -> Spec:
    return {"name": name, "value": value, "bind": {"input": "select", "options": list(options), "name": f"{label or name} "}}


def _choice_of_colour(runs: Runs) -> Spec:
    return _choice("by", ["run", *runs.keys], runs.keys[0] if runs.keys else "run", "colour")


def _pointed() -> Spec:
    return {"name": "pointed", "select": {"type": "point", "fields": ["run"], "on": "pointerover", "clear": "pointerout"}}


def _opacity() -> Spec:
    return {"condition": {"param": "pointed", "value": CLEAR}, "value": FAINT}


def _colour() -> Spec:
    return {"field": "group", "type": "nominal", "title": None, "scale": CATEGORY, "legend": {"symbolLimit": 20, "labelLimit": 400}}


def _places(runs: Runs) -> tuple[list[list[float]], list[Spec]]:
    """The place of every run on each axis, and the labels of the axes. An axis of words labels all, one of numbers its ends."""
    places: list[list[float]] = []
    ticks: list[Spec] = []
    for name in (*runs.keys, runs.score):
        values = [run["score"] if name == runs.score else run[name] for run in runs.table]
        used = [value for value in values if value != UNSET]
        scale = numbers(used)
        if scale:
            low, high = min(scale), max(scale)
            heights = {value: (number - low) / (high - low) if high > low else 0.5 for value, number in zip(used, scale, strict=True)}
            labelled = [used[scale.index(low)], used[scale.index(high)]]
        else:
            labelled = sorted(set(used))
            heights = {value: place / max(1, len(labelled) - 1) for place, value in enumerate(labelled)}
        places.append([heights.get(value, UNUSED_PLACE) for value in values])
        for value in dict.fromkeys(labelled):
            label = f"{value:.4f}" if isinstance(value, float) else value
            ticks.append({"axis": name, "place": heights[value], "label": label})
        if len(used) < len(values):
            ticks.append({"axis": name, "place": UNUSED_PLACE, "label": UNSET})
    return places, ticks


def numbers(values: Sequence[Any]) -> list[float]:
    """Values as numbers, or as logarithms if they span two orders of magnitude; empty if any is not a number.

    >>> numbers(["0.1", "0.2"]), numbers(["sgd"])
    ([0.1, 0.2], [])
    >>> numbers(["0.001", "1"])
    [-3.0, 0.0]
    """
    try:
        plain = [float(value) for value in values]
    except ValueError:
        return []
    if plain and min(plain) > 0 and max(plain) / min(plain) >= 100:
        return [math.log10(number) for number in plain]
    return plain
