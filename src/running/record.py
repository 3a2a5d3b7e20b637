"""Builds the parameters, tags and description with which MLflow records a trial or a sweep."""

import hashlib
import shlex
import time
from collections.abc import Sequence
from typing import Any

from omegaconf import DictConfig

from src.artifacts import DIGEST_TAGS
from src.config.paths import trial_config
from src.config.rules import LONGEST_PARAMETER, LONGEST_TAG, expected, unrecordable
from src.job import Outcome
from src.results.identity import recorded_values
from src.running.invocation import Invocation
from src.space import Point, active_hash, overrides
from src.states import TrialState
from src.study import provenance

NOT_OF_A_TRIAL = ("_target_", "address", "minutes_per_trial")  # settings of an executor that do not influence results
NOT_PARAMETERS = ("_target_", "folder", "path", "objective")  # keys that name code or places, not hyperparameters


def parameters(values: dict[str, Any]) -> dict[str, Any]:
    """Returns those values that are hyperparameters."""
    return {key: value for key, value in values.items() if key.rpartition(".")[2] not in NOT_PARAMETERS}


def mistakes(composed: DictConfig, words: list[str]) -> list[str]:
    """Returns what MLflow would refuse about a trial with the overrides `words`, by the rules that every store has."""
    found = []
    for key, value in parameters(recorded_values(trial_config(composed), composed.hydra.runtime.choices)).items():
        if rule := unrecordable(key):
            found.append(f"{key[:100]!r}: MLflow takes no parameter of this name; expected {rule}.")
        if (length := len(str(value))) > LONGEST_PARAMETER:
            found.append(f"{key}: {length} characters; MLflow takes at most {LONGEST_PARAMETER}. Expected a shorter value, or a file.")
    if (length := len(shlex.join(words))) > LONGEST_TAG:
        found.append(f"the trial has {length} characters of overrides; MLflow takes at most {LONGEST_TAG}. Expected an option in conf/.")
    for key, value, default in (("tags", list(composed.tags), []), ("note", composed.note, None)):
        if wanted := expected(key, value, default):
            found.append(f"conf/config.yaml: {key} is {value!r}; expected {wanted}.")
    return found


def sweep_tags(invocation: Invocation) -> dict[str, str]:
    """Returns the tags of all runs of a sweep; trials have them, too, because MLflow's filters do not find them by their parent."""
    tags = invocation.labels.run_tags()
    if not invocation.single:
        tags["trialbook.sweep"] = invocation.folder.name  # last, so that no tag of the user's replaces it
    return tags


def common_tags(invocation: Invocation) -> dict[str, str]:
    """Returns the tags of all runs of an invocation: those of the sweep, code, packages and executor."""
    return {
        **sweep_tags(invocation),
        "trialbook.versions": provenance.versions(),
        "trialbook.code": provenance.code_digest(),
        "trialbook.code_dirty": provenance.code_dirty(),
        "trialbook.executor": executor(invocation),
        "mlflow.source.git.commit": provenance.commit(),
    }


def executor(invocation: Invocation) -> str:
    """Returns the name of the executor and its settings that may influence results, as one text."""
    settings = [f"{key}={value}" for key, value in invocation.executor.items() if key not in NOT_OF_A_TRIAL]
    return " ".join([invocation.config.hydra.runtime.choices.executor, *settings])


def trial_tags(number: int, attempt: int, config: dict[str, Any], point: Point) -> dict[str, str]:
    """Returns the tags of one trial, among them the overrides that repeat it."""
    repeat = shlex.join(overrides(point))
    return {
        "mlflow.note.content": f"```\npython -m src.sweep {repeat}\n```",
        "trialbook.kind": "trial",
        "trialbook.trial": str(number),
        "trialbook.attempt": str(attempt),
        "trialbook.overrides": repeat,
        "trialbook.active_hash": active_hash(config),
        "trialbook.objective": str(config["objective"]),
    }


def ended_tags(outcome: Outcome) -> dict[str, str]:
    """Returns the tags that are known when a trial has ended."""
    digests = {DIGEST_TAGS[name]: hashlib.sha256(content).hexdigest() for name, content in outcome.files.items() if name in DIGEST_TAGS}
    cause = {"trialbook.cause": outcome.cause[:500]} if outcome.cause else {}
    if outcome.state == TrialState.PRUNED:
        cause = {"trialbook.pruned": f"at epoch {outcome.epochs}: {outcome.cause}"}
    return {**digests, **cause, **{f"trialbook.{name}": value for name, value in outcome.facts.items()}}


def end_message(
    state: str | None, metrics: dict[str, float], tags: dict[str, str], kept: str, at: float | None = None, data: str = ""
) -> dict[str, Any]:
    """Returns the message that ends a run; without a state, it adds metrics, tags and files to a run that ended before.

    Args:
        kept: the name of its files in the outbox.
        at: the end, as time.time() returns it; None for now.
        data: the name of its data set, for MLflow's column Dataset; it is used only together with the tag of the data digest.
    """
    digest = tags.get("trialbook.data_digest", "")
    dataset = {"dataset": {"name": data, "digest": digest}} if data and digest else {}
    return {"state": state, "metrics": metrics, "tags": tags, "time": at or time.time(), "files": kept, **dataset}


def page_parts(invocation: Invocation, *parts: str, pictures: Sequence[str] = ()) -> list[str]:
    """Returns all parts of a sweep's page in MLflow, as `labels.page_text` takes them.

    Their order is the first picture with the question, the given parts, the command, then the other pictures.
    """
    question = f"**{invocation.question}**" if invocation.question else ""
    return ["\n\n".join(filter(None, [*pictures[:1], question])), *parts, f"```\n{invocation.command}\n```", *pictures[1:]]
