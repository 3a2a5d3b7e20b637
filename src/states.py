"""The states of a trial, as study.db keeps them; MLflow has fewer."""

from enum import StrEnum


class TrialState(StrEnum):
    """SCHEDULED (only in old studies) and RUNNING have not ended; FAILED has a cause; KILLED may run again.

    PRUNED was ended early because other trials are better: it has a score, and never runs again. INFEASIBLE exceeded a limit before it
    trained; it is no failure.
    """

    SCHEDULED = "SCHEDULED"
    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    PRUNED = "PRUNED"
    FAILED = "FAILED"
    KILLED = "KILLED"
    INFEASIBLE = "INFEASIBLE"


IN_MLFLOW = {TrialState.PRUNED: TrialState.FINISHED, TrialState.INFEASIBLE: TrialState.FAILED}  # MLflow has fewer states
SCORED = frozenset({TrialState.FINISHED, TrialState.PRUNED})
ENDED = SCORED | {TrialState.FAILED, TrialState.INFEASIBLE}  # they run again only on request
RESUMABLE = frozenset({TrialState.SCHEDULED, TrialState.RUNNING, TrialState.KILLED})  # they run again when the sweep is resumed
