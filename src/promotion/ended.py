"""Keeps the test split closed while a sweep still runs: what it shows could decide on trials that are yet to come."""

from src.errors import TrialbookError
from src.states import RESUMABLE
from src.study.finding import SWEEPS
from src.study.lock import is_driven
from src.study.store import Store

RUNNING = "RUNNING"  # MLflow's word; a sweep that was killed keeps it


def check_ended(sweep: str, status: str = "") -> None:
    """Refuses a sweep that still runs.

    Args:
        status: that MLflow has of it, if it is known; it decides where the sweep's folder is on another machine.

    Raises:
        TrialbookError: a driver is at work.
    """
    folder, words = SWEEPS / sweep, "expected one that has ended, for only then its test split is opened"
    if is_driven(folder):
        owner = (folder / "driver.lock").read_text(errors="replace")
        raise TrialbookError(f"sweep={sweep}: it still runs, by {owner}; {words}. Wait, or stop it: python -m src.stop sweep={sweep}")
    if status == RUNNING and not folder.is_dir():
        killed = "If it was killed, say so there: python -m src.doctor --fix"
        raise TrialbookError(f"sweep={sweep}: MLflow says that it still runs, on another machine; {words}. {killed}")


def interruption(sweep: str, status: str) -> str:
    """Returns a line if a sweep in this folder was interrupted and could go on; empty if it ended.

    Args:
        status: that MLflow has of it.
    """
    file = SWEEPS / sweep / "study.db"
    if not file.exists():
        return ""
    store = Store.open(file)
    states = [row.state for row in store.trials()]
    store.close()
    open_trials = sum(state in RESUMABLE for state in states)
    if not open_trials and status not in (RUNNING, "KILLED"):
        return ""
    return f"sweep {sweep} was interrupted: {len(states) - open_trials} trials ended, and resume={sweep} would go on"
