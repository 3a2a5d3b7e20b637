"""The states of a trial, as study.db keeps them and as MLflow names them."""

from enum import StrEnum


class TrialState(StrEnum):
    """SCHEDULED, which only old studies have, and RUNNING have not ended; FAILED has a cause; KILLED may run again.

    PRUNED was ended because others are better: it is scored, and never runs again. MLflow has no such word and is told FINISHED.
    """

    SCHEDULED = "SCHEDULED"
    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    PRUNED = "PRUNED"
    FAILED = "FAILED"
    KILLED = "KILLED"


SCORED = frozenset({TrialState.FINISHED, TrialState.PRUNED})
RESUMABLE = frozenset({TrialState.SCHEDULED, TrialState.RUNNING, TrialState.KILLED})  # run again when the sweep goes on
