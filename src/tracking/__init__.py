"""MLflow remembers every run. The only package that imports mlflow; called by the driver, never by a trial."""

from typing import Protocol

from src.trial import Outcome


class Tracker(Protocol):
    """Keyed by trial number. After construction nothing here raises: a sweep must not die of its record."""

    lost: list[str]  # what could not be delivered, and why
    parent: str | None  # the id of the sweep's run

    def open(self, name: str, params: dict[str, object], tags: dict[str, str], note: str) -> None:
        """Starts the parent run of a sweep; a single trial has none."""

    def start(self, number: int, name: str, params: dict[str, object], tags: dict[str, str]) -> str | None:
        """Starts a trial's run and returns its id."""

    def epoch(self, number: int, epoch: int, metrics: dict[str, float]) -> None:
        """One epoch, counted from 1."""

    def finish(self, number: int, outcome: Outcome) -> None:
        """Metrics, files, facts and the final state of a trial."""

    def attach(self, number: int, files: dict[str, bytes]) -> None:
        """Adds files to the run of a trial that ended."""

    def close(self, state: str, metrics: dict[str, float], tags: dict[str, str], files: dict[str, bytes]) -> None:
        """Ends the parent run."""

    def link(self, objective: str) -> str:
        """Where MLflow's UI shows these runs side by side."""
