"""Writes runs to MLflow and reads them back. The only package that imports mlflow; trials never call it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from src.objective import Objective


@dataclass(frozen=True)
class Parcel:
    """The messages of a trial's run that wait for delivery, in order.

    Attributes:
        run_id: None for a run that does not exist yet.
        again: True if some of the messages may have arrived before.
        messages: pairs of a kind and its contents: "start" with arguments of Tracker.start, "epoch" with one element of `epochs` of
            Tracker.epochs, "end" with the arguments of Tracker.end.
    """

    run_id: str | None
    again: bool
    messages: list[tuple[str, dict[str, Any]]]


class Receipt(NamedTuple):
    """The run of a parcel, and how many of its messages were taken, from the first; the others must be sent one by one."""

    run_id: str
    taken: int


class Tracker(Protocol):
    """Takes the messages of src/study/outbox.py. The messages of one run arrive in their order.

    A message may arrive twice, after a crash between its arrival and our note of it; the second time changes nothing.

    Raises:
        Unreachable: from every method, when the store does not answer now.
        Refused: from every method, when the store took only a part of a message; the error carries the other part.
        Exception: any other error means that the store took nothing of the message.
    """

    def take(self, parcels: Sequence[Parcel], parent: str | None) -> list[Receipt]:
        """Takes the usual ones among the messages of many runs at once; the records are the same as one by one.

        Args:
            parent: id of the sweep's run, if there is one.
        """

    def start(
        self, *, name: str, params: dict[str, Any], tags: dict[str, str], parent: str | None, again: bool, time: float | None = None
    ) -> str:
        """Starts the run of a sweep or of a trial, or continues it; returns its id.

        Args:
            again: True if the run may exist already.
            time: when it began, in seconds; None for now.
        """

    def epochs(self, run_id: str, epochs: list[dict[str, Any]]) -> None:
        """Logs epochs, each `{"epoch": counted from 1, "metrics": name → value, "time": seconds since 1970}`."""

    def end(self, run_id: str, *, state: str | None, time: float, folder: Path, **contents: Any) -> None:
        """Logs final values and the files of a folder, if it exists, and sets the final state.

        Args:
            state: None leaves the state as it is.
            contents: `metrics` and `tags`; for a part that was refused earlier also `params`, and `epochs` as above.
        """

    def stopped(self, is_mine: Callable[[str], bool]) -> list[str]:
        """Returns those of our runs that somebody tagged to stop since the last call."""

    def link(self, sweep_id: str, run_ids: list[str], objective: Objective) -> str:
        """Returns the address of the charts of a sweep's trials, or of a single run."""
