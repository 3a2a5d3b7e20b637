"""The states of a trial, as study.db keeps them and as MLflow names them."""

from enum import StrEnum


class TrialState(StrEnum):
    """SCHEDULED, which only old studies have, and RUNNING have not ended; FAILED has a cause; KILLED may run again."""

    SCHEDULED = "SCHEDULED"
    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"


RESUMABLE = frozenset({TrialState.SCHEDULED, TrialState.RUNNING, TrialState.KILLED})  # run again when the sweep goes on
