"""The report of sweeps: one HTML file for a browser, which needs no server, no network and no account.

Python says what may be concluded and packs the numbers; the scripts in page/ draw them. One selection of configurations goes through all
panels, and the address of the page keeps it.
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
        question: its title; without one it is the names of the sweeps.
        champion: the registered one, as src/report/champion.py finds it.
        pictures: PNG files by name, of the best trial's predictions.
        running: the file is renewed, and the page loads itself again each minute.
    """
    metas = [store.meta() for store in stores]
    curves = Curves.read(standing, stores)
    best = standing.groups[0].entries[0].trials if standing.groups else ()
    histories = {trial.key: curves.history(trial) for trial in best}
    said = advice(standing, {key: history for key, history in histories.items() if history})
    names = ", ".join(f"{meta.get('name') or 'sweep'} {meta.get('sweep_id', '')}" for meta in metas)
    data = data_of(standing, metas, curves, said, champion=champion, running=running)
    return page(question or names, names if question else "", data, pictures or {})
