"""Promotes a challenger in three steps: decide on the test split, register the model, move the alias."""

from dataclasses import dataclass

from hydra.core.config_loader import ConfigLoader

from src import trial
from src.datasets import trees
from src.datasets.scale import Scale
from src.errors import TrialbookError
from src.promotion import gates
from src.promotion.comparison import Comparison, compare
from src.promotion.evaluation import Candidate, Opened, evaluate, open_split
from src.promotion.gates import Gates
from src.tracking.registry import Registry
from src.tracking.runs import StoredRun
from src.tracking.served import Served

EXAMPLES = 100  # of the validation split, on which the registered model must predict the same as the weights of the run


@dataclass(frozen=True)
class Decision:
    """The decision whether a challenger may become champion.

    Attributes:
        opening: number of this opening of the test split, from 1; the same two models again are the same opening.
        level: the p-value that must not be reached at this opening; None if the gates ask for none.
        old: version of the champion; None if there is none.
        unusable: why the champion cannot be loaded and counts as none; empty if it can.
        champion: None if there is none that can be loaded.
        against: comparison with the champion, or with a constant answer if there is none, on the same test examples.
        reasons: why the challenger is refused; empty if it may become champion.
    """

    opening: int
    level: float | None
    challenger: Candidate
    old: str | None
    unusable: str
    champion: Candidate | None
    against: Comparison
    reasons: list[str]


def decide(run: StoredRun, registry: Registry, loader: ConfigLoader, demanded: Gates, before: Decision | None = None) -> Decision:
    """Compares the model of a run with the present champion on the test split; without one, with a constant answer.

    Args:
        before: an earlier decision on the same run, made against a champion that was replaced since.

    Raises:
        TrialbookError: the run is the champion already, its model cannot be rebuilt as it was, or the champion's test split is another.
    """
    old = registry.version(run.model)
    if old and old.run_id == run.run_id:
        raise TrialbookError(f"run {run.run_id} is the champion already, version {old.version} of {run.model}.")
    subject = before.challenger if before else open_split(run, loader)
    champion, unusable = None, ""
    if old:
        try:
            champion = evaluate(open_split(registry.runs.read(str(old.run_id)), loader))
        except TrialbookError as error:
            unusable = f"the champion, version {old.version}, cannot be loaded and counts as none: {error}"
    if champion and _judged_by(champion) != _judged_by(subject):
        version = f"the champion, version {old.version if old else ''} of {run.model},"
        words = "was trained for another test split or task, so the two cannot be compared; expected a name of their own for other data"
        raise TrialbookError(f"{version} {words}: tracking.experiment=NAME for their sweeps.")
    opening = registry.opening(run, subject.split, champion.run.run_id if champion else None)  # before the challenger answers
    challenger = evaluate(subject) if isinstance(subject, Opened) else subject
    against = compare(challenger.scores, champion.scores if champion else challenger.constant)
    reasons = gates.refusals(demanded, challenger, champion, against, opening)
    level, replaced = demanded.level(opening), str(old.version) if old else None
    return Decision(opening, level, challenger, replaced, unusable, champion, against, reasons)


def _judged_by(one: Candidate | Opened) -> tuple[str, str]:
    return one.split, one.prepared.data.task.measure


def promote(decision: Decision, registry: Registry, loader: ConfigLoader, demanded: Gates, why: str) -> tuple[str, Decision]:
    """Registers an accepted challenger and moves the alias.

    Returns:
        The version, and the final decision: a new one, perhaps a refusal, if somebody else promoted meanwhile.

    Raises:
        TrialbookError: the registered model does not predict the same as the weights of the run.
    """
    challenger = decision.challenger
    run, data = challenger.run, challenger.prepared.data
    stored = trees.take(data.x, data.validation_index[:EXAMPLES])
    inputs, expected = data.inputs(data.validation_index[:EXAMPLES]), data.task.answer(trial.predictions(challenger.prepared, stored))
    contents = Served(run.weights, challenger.prepared.config, challenger.prepared.interface, Scale.of_data(data))
    with registry.registered(run, contents, inputs, expected, _tags(decision, why)) as version:
        while not decision.reasons and not registry.promote(run.model, version, decision.old, _how(decision, why)):
            decision = decide(run, registry, loader, demanded, decision)
    return version, decision


def _how(decision: Decision, why: str) -> str:
    how = f"promoted with {decision.challenger.measure} {decision.challenger.score:.4f}"
    if decision.unusable:
        how += f"; compared with a constant answer, for version {decision.old} could not be loaded"
    if decision.level is None:
        how += "; not tested against chance"
    return f"{how}: {why}" if why else how


def _tags(decision: Decision, why: str) -> dict[str, str]:
    challenger, against = decision.challenger, decision.against
    run, (low, high) = challenger.run, challenger.interval
    tags = {
        "run": run.run_id,
        "sweep": run.sweep,
        "data_digest": run.data_digest,
        "commit": run.surroundings["mlflow.source.git.commit"],
        challenger.measure.replace(" ", "_"): f"{challenger.score:.4f} [{low:.4f}, {high:.4f}]",
        "why": why,
    }
    if decision.champion:
        low, high = against.interval
        tags["gain"] = f"{against.gain:+.4f} [{low:+.4f}, {high:+.4f}], p = {against.p_value:.3g}"
    return {f"trialbook.{key}": value for key, value in tags.items() if value}
