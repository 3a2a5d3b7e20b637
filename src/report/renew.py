"""Writes the report of a running sweep:  python -m src.report.renew FOLDER QUESTION

src/running/renewal.py starts it as a process of its own, with the lowest priority.
"""

import os
import sys
from contextlib import closing
from pathlib import Path

from src import files
from src.objective import of_study
from src.report import REPORT, report_of
from src.results.scores import standing_of
from src.study.store import Store

LAST = 19  # the lowest priority of a process


def renew(folder: Path, question: str = "") -> None:
    """Writes the report of a sweep, marked as running."""
    with closing(Store.open(folder / "study.db")) as store:
        standing = standing_of([store], *of_study(store.meta()))
        files.write(folder / REPORT, report_of(standing, [store], question, running=True))


if __name__ == "__main__":
    os.nice(LAST)
    renew(Path(sys.argv[1]), sys.argv[2])
