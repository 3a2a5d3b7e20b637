"""The report of sweeps: one HTML file that needs no network, and its charts as PNG files."""

import html
import json
import shlex
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from string import Template
from typing import Any

import vl_convert

from src import files
from src.results import charts, table
from src.results.advice import advice
from src.results.conclusions import conclusions
from src.results.importance import importances
from src.results.leaderboard import Standing
from src.results.scores import histories as histories_of
from src.study import destination
from src.study.store import Store
from src.tracking.address import DEFAULT

PAGE = Template(Path(__file__).with_name("page.html").read_text())
CURVES = "learning curves"
MOST_ROWS = 200  # of the table


@dataclass(frozen=True)
class Report:
    """The page of a report, and the specifications of its charts by name."""

    html: bytes
    specs: dict[str, dict[str, Any]]

    def pictures(self) -> dict[str, bytes]:
        """The charts as PNG by file name, without the curves: src/plots/ draws those so that they need no pointer."""
        still = {name: {**spec, "width": 800, "background": "white"} for name, spec in self.specs.items() if name != CURVES}
        return {f"{name.replace(' ', '_')}.png": vl_convert.vegalite_to_png(spec) for name, spec in still.items()}


def report_of(standing: Standing, stores: Sequence[Store], question: str = "") -> Report:
    """The report of some studies; without a question its title is their names."""
    metas = [store.meta() for store in stores]
    names = ", ".join(f"{meta['name'] or 'sweep'} {meta['sweep_id']}" for meta in metas)
    trials = standing.trials
    subtitle = f"{names}: {len(trials)} trials, {standing.objective}, {metas[0].get('device', '')}"
    rows = table.for_people(table.ranked(standing))
    return build(question or names, subtitle, standing, histories_of(trials, stores), rows, "\n".join(_commands(standing, metas)))


def _commands(standing: Standing, metas: Sequence[dict[str, str]]) -> list[str]:
    """Command lines that repeat the sweeps and their best trial, and that promote it."""
    commands = [meta["command"] for meta in metas if "command" in meta]
    store = destination.prefix(metas[0].get("tracking_uri", DEFAULT))
    if standing.best:
        commands.append(f"{store}python -m src.sweep {shlex.join(standing.words(standing.best))}    # the best trial again")
    return [*commands, f"{store}python -m src.promote sweep={','.join(meta['sweep_id'] for meta in metas)}"]


def build(
    title: str, subtitle: str, standing: Standing, histories: dict[str, dict[str, list[float]]], rows: list[dict[str, str]], commands: str
) -> Report:
    """Builds the page and its charts.

    Args:
        histories: key of a trial → its metrics per epoch.
        rows: the leaderboard as texts.
        commands: commands to type next, one per line.
    """
    runs = charts.runs_of(standing, histories)
    specs: dict[str, Any] = {CURVES: charts.curves(runs)} if runs.curves else {}
    if runs.keys:
        specs["parallel coordinates"] = charts.parallel(runs)
        if ranking := importances(standing):
            specs["importance"] = charts.importance(ranking)
    if any(run["seconds"] is not None for run in runs.table):
        specs["score against cost"] = charts.cost(runs)
    parts = {
        "title": html.escape(title),
        "subtitle": html.escape(subtitle),
        "advice": "".join(f"<li>{html.escape(line)}</li>" for line in advice(standing, histories)) or "<li>nothing to mend</li>",
        "table": _table(rows),
        "conclusions": "".join(f"<li>{html.escape(line)}</li>" for line in conclusions(standing)),
        "commands": html.escape(commands),
        "charts": "".join(_section(name) for name in specs),
        "specs": json.dumps(specs).replace("<", "\\u003c"),  # so that no text in them ends the script
        "library": _library(),
    }
    return Report(PAGE.substitute(parts).encode(), specs)


def _library() -> str:
    """The JavaScript that draws the charts; cached, because bundling it takes a second."""
    file = files.cache() / f"vega-{version('vl-convert-python')}.js"
    if not file.exists():
        bundle = vl_convert.javascript_bundle(None)  # type: ignore[arg-type]
        with suppress(OSError):  # the home folder cannot be written to
            files.write(file, bundle.encode())
        return bundle
    return file.read_text()


def _section(name: str) -> str:
    return f"<h2>{name}</h2>\n<p>{charts.EXPLAINED[name]}</p>\n<div class='chart' id='{name}'></div>\n"


def _table(rows: list[dict[str, str]]) -> str:
    if not rows:
        return "<p>no trial ended</p>"
    columns = [name for name in rows[0] if any(row[name] for row in rows)]
    head = "".join(f"<th>{html.escape(name)}</th>" for name in columns)
    lines = ["".join(f"<td>{html.escape(row[name])}</td>" for name in columns) for row in rows[:MOST_ROWS]]
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    rest = f"<p>{len(rows) - MOST_ROWS} more in table.csv</p>" if len(rows) > MOST_ROWS else ""
    return f"<div class='scroll'><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{rest}"
