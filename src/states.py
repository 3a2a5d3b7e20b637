"""The states of a trial, as study.db keeps them; MLflow has fewer."""

from enum import StrEnum


class TrialState(StrEnum):
    """SCHEDULED, which only old studies have, and RUNNING have not ended; FAILED has a cause; KILLED may run again.

    PRUNED was ended because others are better: it is scored, and never runs again. INFEASIBLE ended before it trained, because it is beyond
    a limit; it is no failure.
    """

    SCHEDULED = "SCHEDULED"
    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    PRUNED = "PRUNED"
    FAILED = "FAILED"
    KILLED = "KILLED"
    INFEASIBLE = "INFEASIBLE"


IN_MLFLOW = {TrialState.PRUNED: TrialState.FINISHED, TrialState.INFEASIBLE: TrialState.FAILED}  # states that MLflow does not have
SCORED = frozenset({TrialState.FINISHED, TrialState.PRUNED})
ENDED = SCORED | {TrialState.FAILED, TrialState.INFEASIBLE}  # for good, unless asked to run once more
RESUMABLE = frozenset({TrialState.SCHEDULED, TrialState.RUNNING, TrialState.KILLED})  # run again when the sweep goes on
