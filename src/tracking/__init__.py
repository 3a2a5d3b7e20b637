"""MLflow remembers every run. The only package that imports mlflow; never called by a trial."""

from pathlib import Path
from typing import Any, Protocol


class Tracker(Protocol):
    """Takes the messages of src/study/outbox.py, those of a run in their order.

    Every method raises errors.Unreachable when the store does not answer now, errors.Refused with the part of a message that it does not
    take when it has the rest, and anything else when it takes nothing of the message.
    A message may come twice, after a crash between its arrival and our note of it: twice is the same as once.
    """

    def start(self, *, name: str, params: dict[str, Any], tags: dict[str, str], parent: str | None, again: bool) -> str:
        """Begins the run of a sweep or of a trial, or goes on with it, and returns its id.

        Args:
            again: the run may be there already.
        """

    def epochs(self, run_id: str, epochs: list[dict[str, Any]]) -> None:
        """Epochs, each `{"epoch": counted from 1, "metrics": name → value, "time": seconds since 1970}`."""

    def end(self, run_id: str, *, state: str | None, time: float, folder: Path, **contents: Any) -> None:
        """Final values, the files of a folder if it is there, and the final state; None leaves the state as it is.

        Args:
            contents: `metrics` and `tags`; of a part that was refused earlier also `params`, and `epochs` as above.
        """

    def link(self, sweep_id: str, run_ids: list[str], objective: str) -> str:
        """Where MLflow's UI shows runs side by side."""
