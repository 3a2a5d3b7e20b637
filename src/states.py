"""The states of a trial, as study.db keeps them and as MLflow names them."""

from enum import StrEnum


class TrialState(StrEnum):
    """SCHEDULED and RUNNING trials have not ended. FINISHED has a score, FAILED a cause, KILLED was interrupted and may run again."""

    SCHEDULED = "SCHEDULED"
    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"


RESUMABLE = frozenset({TrialState.SCHEDULED, TrialState.RUNNING, TrialState.KILLED})  # run again when the sweep goes on
