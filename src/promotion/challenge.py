"""A challenger's way to the alias: a decision on the test split, a registered model, the move."""

from dataclasses import dataclass

import numpy as np
from hydra.core.config_loader import ConfigLoader

from src.errors import TrialbookError
from src.promotion import gates
from src.promotion.candidate import Candidate, evaluate
from src.promotion.gates import Comparison, Gates
from src.tracking.registry import Registry
from src.tracking.runs import StoredRun

EXAMPLES = 100  # of the validation split, on which the registered model must predict what the run's own weights predict
SAME = 1e-5  # the most by which a probability may differ


@dataclass(frozen=True)
class Decision:
    """Whether a challenger may become champion.

    Attributes:
        old: the champion's version; None where there is none.
        against: the two on the same test examples.
        reasons: why it is refused; empty when it may pass.
        opened: how often the test split was opened for the challenger's sweep.
    """

    opened: int
    challenger: Candidate
    old: str | None
    champion: Candidate | None
    against: Comparison | None
    reasons: list[str]


def decide(run: StoredRun, registry: Registry, loader: ConfigLoader, demanded: Gates, before: Decision | None = None) -> Decision:
    """Compares a run's model with the present champion on the test split.

    Args:
        before: an earlier decision on the same run, whose champion is no longer champion.

    Raises:
        TrialbookError: it is the champion already, or one of the two can not be rebuilt as it was.
    """
    old = registry.version(run.data)
    if old and old.run_id == run.run_id:
        raise TrialbookError(f"run {run.run_id} is the champion already, version {old.version} of {run.data}.")
    opened = before.opened if before else registry.count_opening(run)
    challenger = before.challenger if before else evaluate(run, loader)
    champion = evaluate(registry.runs.read(old.run_id), loader) if old else None
    against = gates.compare(challenger.correct, champion.correct) if champion else None
    reasons = gates.refusals(demanded, challenger, against)
    return Decision(opened, challenger, str(old.version) if old else None, champion, against, reasons)


def promote(decision: Decision, registry: Registry, loader: ConfigLoader, demanded: Gates, why: str) -> tuple[str, Decision]:
    """Registers an accepted challenger and moves the alias.

    Returns:
        The version, and the decision that held: a new one where somebody else promoted meanwhile, which may be a refusal.

    Raises:
        TrialbookError: the registered model does not predict what the run's weights predict.
    """
    challenger = decision.challenger
    run, data = challenger.run, challenger.prepared.data
    x = data.validation[0][:EXAMPLES]
    with registry.registered(run, challenger.prepared.job.config, data.class_names, x, _tags(decision, why)) as (version, found):
        wanted = challenger.prepared.model.predict(x, verbose=0)
        if (worst := float(np.abs(found - wanted).max())) > SAME:
            raise TrialbookError(f"version {version} of {run.data} differs from its run by {worst:.2g}; expected at most {SAME}.")
        how = f"promoted with test accuracy {challenger.accuracy:.4f}{f': {why}' if why else ''}"
        while not decision.reasons and not registry.promote(run.data, version, decision.old, how):
            decision = decide(run, registry, loader, demanded, decision)
    return version, decision


def _tags(decision: Decision, why: str) -> dict[str, str]:
    challenger, against = decision.challenger, decision.against
    run, (low, high) = challenger.run, challenger.interval
    tags = {
        "run": run.run_id,
        "sweep": run.sweep,
        "data_digest": run.data_digest,
        "commit": run.surroundings["mlflow.source.git.commit"],
        "test_accuracy": f"{challenger.accuracy:.4f} [{low:.4f}, {high:.4f}]",
        "why": why,
    }
    if against:
        low, high = against.interval
        tags["gain"] = f"{against.gain:+.4f} [{low:+.4f}, {high:+.4f}], p = {against.p_value:.3g}"
    return {f"trialbook.{key}": value for key, value in tags.items() if value}
