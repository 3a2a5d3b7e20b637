"""The states of a trial, as study.db keeps them; MLflow has fewer."""

from enum import StrEnum


class TrialState(StrEnum):
    """SCHEDULED, which only old studies have, and RUNNING have not ended; FAILED has a cause; KILLED may run again.

    INFEASIBLE ended before it trained, because it is beyond a limit; it is no failure.
    """

    SCHEDULED = "SCHEDULED"
    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"
    INFEASIBLE = "INFEASIBLE"


IN_MLFLOW = {TrialState.INFEASIBLE: TrialState.FAILED}  # states that MLflow does not have
ENDED = frozenset({TrialState.FINISHED, TrialState.FAILED, TrialState.INFEASIBLE})  # for good, unless asked to run once more
RESUMABLE = frozenset({TrialState.SCHEDULED, TrialState.RUNNING, TrialState.KILLED})  # run again when the sweep goes on
