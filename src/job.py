"""The input of a trial, a Job, and its result, an Outcome."""

import logging
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from src.errors import BeyondLimit, ConfigError, Stop, TrialError
from src.redaction import redacted
from src.states import TrialState

log = logging.getLogger(__name__)
CHECKPOINT = "checkpoint.npz"  # in a trial's folder


@dataclass(frozen=True)
class Job:
    """One attempt at one trial.

    Attributes:
        config: nested, with the keys of paths.TRIAL_KEYS.
        folder: of the trial, where it writes checkpoints.
        checkpoint: content of the checkpoint to continue from.
        continued: True if a later trial may continue from the end of this one.
        secrets: value → environment variable; logs must not show these values.
        limits: metric that is known before the training → its largest allowed value.
    """

    number: int
    attempt: int
    config: dict[str, Any]
    folder: Path
    checkpoint: bytes | None = None
    continued: bool = False
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    limits: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """The result of a trial: FINISHED or PRUNED (with a score), FAILED (with its cause), KILLED, or INFEASIBLE (before it trained).

    Attributes:
        metrics: `kept/<metric>`, `kept/epoch`, `seconds`, `seconds_per_epoch`, `model/parameters`, `cv/…`.
        history: metric → its value per epoch.
        files: name → content, for each artifact.
        facts: `data_digest`, `validation_examples`, `device`, `threads`.
    """

    state: TrialState
    metrics: dict[str, float] = field(default_factory=dict)
    history: dict[str, list[float]] = field(default_factory=dict)
    seconds: float = 0.0
    cause: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)

    @property
    def epochs(self) -> int:
        """The number of the last epoch; the steps of a function may begin after 1."""
        return int(max(len(next(iter(self.history.values()), ())), self.metrics.get("kept/epoch", 0)))


def ended_by(error: BaseException, job: Job, seconds: float) -> Outcome:
    """Returns the outcome of an exception: KILLED for a Stop, INFEASIBLE for a BeyondLimit, else FAILED with the traceback as a file."""
    if isinstance(error, Stop):
        return Outcome(TrialState.KILLED, seconds=seconds, cause=str(error))
    if isinstance(error, BeyondLimit):
        return Outcome(TrialState.INFEASIBLE, error.measured, seconds=seconds, cause=str(error))
    cause = str(error) if isinstance(error, TrialError) else f"{type(error).__name__}: {error}"
    if isinstance(error, ConfigError) and error.mistakes:
        cause = "; ".join(error.mistakes)
    log.info("trial %d failed: %s", job.number, cause)
    trace = "".join(traceback.format_exception(error))
    return Outcome(TrialState.FAILED, seconds=seconds, cause=cause, files={"traceback.txt": redacted(trace).encode()})
