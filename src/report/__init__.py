"""Builds the report of sweeps: one HTML file for a browser, which needs no server, no network and no account.

Python draws the conclusions and packs the numbers; the scripts in page/ draw the panels. All panels share one selection of configurations,
which the address of the page keeps.
"""

from collections.abc import Sequence

from src.report.champion import Champion
from src.report.curves import Curves
from src.report.data import data_of
from src.report.page import page
from src.results.advice import advice
from src.results.leaderboard import Standing
from src.study.store import Store

REPORT = "report.html"  # in the folder of a sweep


def report_of(
    standing: Standing,
    stores: Sequence[Store],
    question: str = "",
    *,
    champion: Champion | None = None,
    pictures: dict[str, bytes] | None = None,
    running: bool = False,
) -> bytes:
    """Returns the report of some studies, as HTML.

    Args:
        question: the title; without one, the names of the sweeps.
        champion: the registered champion, as src/report/champion.py finds it.
        pictures: PNG files of the best trial's predictions, by name.
        running: the sweep runs, so the page loads itself again each minute.
    """
    metas = [store.meta() for store in stores]
    curves = Curves.read(standing, stores)
    best = standing.groups[0].entries[0].trials if standing.groups else ()
    histories = {trial.key: curves.history(trial) for trial in best}
    advised = advice(standing, {key: history for key, history in histories.items() if history})
    names = ", ".join(f"{meta.get('name') or 'sweep'} {meta.get('sweep_id', '')}" for meta in metas)
    data = data_of(standing, metas, curves, advised, champion=champion, running=running)
    return page(question or names, names if question else "", data, pictures or {})
