"""Writes the report of a sweep that runs:  python -m src.report.renew FOLDER QUESTION

src/running/renewal.py starts it as a process of its own, which gives way to all others.
"""

import os
import sys
from pathlib import Path

from src import files
from src.objective import of_study
from src.report import REPORT, report_of
from src.results.scores import standing_of
from src.study.store import Store

LAST = 19  # the priority below all others


def renew(folder: Path, question: str = "") -> None:
    """Writes the report of a sweep, which says that the sweep runs."""
    store = Store.open(folder / "study.db")
    try:
        standing = standing_of([store], *of_study(store.meta()))
        files.write(folder / REPORT, report_of(standing, [store], question, running=True))
    finally:
        store.close()


if __name__ == "__main__":
    os.nice(LAST)
    renew(Path(sys.argv[1]), sys.argv[2])
