"""Keeps the test split closed while a sweep still runs: its scores could influence the trials that follow."""

from contextlib import closing

from src.errors import TrialbookError
from src.states import RESUMABLE
from src.study.finding import SWEEPS
from src.study.lock import is_driven, owner
from src.study.store import Store

RUNNING = "RUNNING"  # MLflow's status; a sweep that was killed keeps it


def check_ended(sweep: str, status: str = "") -> None:
    """Refuses a sweep that still runs. Its status in MLflow, if known, is used if its folder is on another machine.

    Raises:
        TrialbookError: the sweep still runs.
    """
    folder = SWEEPS / sweep
    expected = "expected one that has ended: the test split is opened only then"
    if is_driven(folder):
        stop = f"Wait, or stop it: python -m src.stop sweep={sweep}"
        raise TrialbookError(f"sweep={sweep}: it still runs, by {owner(folder)}; {expected}. {stop}")
    if status == RUNNING and not folder.is_dir():
        killed = "If it was killed, run there: python -m src.doctor --fix"
        raise TrialbookError(f"sweep={sweep}: MLflow says that it still runs, on another machine; {expected}. {killed}")


def interruption(sweep: str, status: str) -> str:
    """Returns a line if a sweep on this machine, with this status in MLflow, was interrupted and can be resumed; empty if it ended."""
    file = SWEEPS / sweep / "study.db"
    if not file.exists():
        return ""
    with closing(Store.open(file)) as store:
        ended = [row.state not in RESUMABLE for row in store.trials()]
    if all(ended) and status not in (RUNNING, "KILLED"):
        return ""
    return f"sweep {sweep} was interrupted: {ended.count(True)} trials ended, and resume={sweep} would go on"
