"""Promotes a challenger in three steps: compare on the test split, register the model, move the alias."""

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

EXAMPLES = 100  # validation examples for which the registered model must predict the same as the weights of the run


@dataclass(frozen=True)
class Decision:
    """The decision whether a challenger becomes champion.

    Attributes:
        opening: number of this opening of the test split, from 1; comparing the same two models again is the same opening.
        level: the p-value must be below this level; None if the gates demand no test.
        old: version of the champion; None if there is none.
        unusable: why the champion cannot be loaded, so that it counts as none; empty if it can be loaded.
        champion: the evaluated champion; None if there is none that can be loaded.
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
    """Compares the model of a run on the test split with the present champion or, if there is none, with a constant answer.

    Args:
        before: an earlier decision on the same run, against a champion that has been replaced since.

    Raises:
        TrialbookError: the run is the champion already, its model cannot be rebuilt, or the champion has another test split or task.
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
        words = "was trained for another test split or task, so the two cannot be compared; expected another name for other data"
        raise TrialbookError(f"{version} {words}: tracking.experiment=NAME for their sweeps.")
    opening = registry.opening(run, subject.split, champion.run.run_id if champion else None)  # counted before the challenger predicts
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
        The version and the final decision, which is a new one, perhaps a refusal, if another model was promoted meanwhile.

    Raises:
        TrialbookError: the registered model does not predict the same as the weights of the run.
    """
    challenger = decision.challenger
    run, data = challenger.run, challenger.prepared.data
    stored = trees.take(data.x, data.validation_index[:EXAMPLES])
    inputs, expected = data.inputs(data.validation_index[:EXAMPLES]), data.task.answer(trial.predictions(challenger.prepared, stored))
    contents = Served(run.weights, challenger.prepared.config, challenger.prepared.interface, Scale.of_data(data))
    with registry.registered(run, contents, inputs, expected, _tags(decision, why)) as version:
        while not decision.reasons and not registry.promote(run.model, version, decision.old, _summary(decision, why)):
            decision = decide(run, registry, loader, demanded, decision)
    return version, decision


def _summary(decision: Decision, why: str) -> str:
    text = f"promoted with {decision.challenger.measure} {decision.challenger.score:.4f}"
    if decision.unusable:
        text += f"; compared with a constant answer, because version {decision.old} could not be loaded"
    if decision.level is None:
        text += "; not tested against chance"
    return f"{text}: {why}" if why else text


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
