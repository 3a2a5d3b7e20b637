"""What a run is told about its trial or sweep: parameters, tags, description."""

import hashlib
import platform
import re
import shlex
import time
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from omegaconf import DictConfig

from src.artifacts import DIGEST_TAGS
from src.config.paths import TRIAL_GROUPS, active_leaves, trial_config
from src.config.rules import LONGEST_PARAMETER, LONGEST_TAG, expected, unrecordable
from src.redaction import redacted
from src.space import Point, active_hash, overrides
from src.study import folder
from src.study.invocation import Invocation
from src.trial import Outcome

TRAINING = ("keras", "tensorflow", "scikit-learn", "numpy")  # packages whose code a trial runs
PACKAGES = (*TRAINING[:2], "keras-tuner", "mlflow", "hydra-core", *TRAINING[2:])
NOT_OF_A_TRIAL = ("_target_", "address", "minutes_per_trial")  # settings of an executor that decide on no digit
NOT_PARAMETERS = ("_target_", "folder", "path", "objective")  # code and places are no hyperparameters


def values(config: dict[str, Any], choices: Mapping[str, Any]) -> dict[str, Any]:
    """The choices of a trial and every active leaf."""
    active = active_leaves(config)
    return {**{group: choices[group] for group in TRIAL_GROUPS if any(key.startswith(f"{group}.") for key in active)}, **active}


def parameters(values: dict[str, Any]) -> dict[str, Any]:
    """The values that are hyperparameters."""
    return {key: value for key, value in values.items() if key.rpartition(".")[2] not in NOT_PARAMETERS}


def mistakes(composed: DictConfig, words: list[str]) -> list[str]:
    """What MLflow would not take of a trial, by the rules that hold for every store.

    Args:
        words: the overrides of the trial.
    """
    found = []
    for key, value in parameters(values(trial_config(composed), composed.hydra.runtime.choices)).items():
        if rule := unrecordable(key):
            found.append(f"{key[:100]!r}: MLflow takes no parameter of this name; expected {rule}.")
        if (length := len(str(value))) > LONGEST_PARAMETER:
            found.append(f"{key}: {length} characters; MLflow takes at most {LONGEST_PARAMETER}. Expected a shorter value, or a file.")
    if (length := len(shlex.join(words))) > LONGEST_TAG:
        found.append(f"the trial has {length} characters of overrides; MLflow takes at most {LONGEST_TAG}. Expected an option in conf/.")
    for key, value, default in (("tags", list(composed.tags), []), ("note", composed.note, None)):
        if wanted := expected(key, value, default):
            found.append(f"conf/config.yaml: {value!r}, where {key} is {wanted}.")
    return found


def versions() -> str:
    """Python and the packages that decide on digits."""
    return f"python {platform.python_version()}, {', '.join(f'{package} {version(package)}' for package in PACKAGES)}"


def training_packages(versions: str) -> str:
    """Of `versions` those packages whose code a trial runs; with another one a result is another one, as with other code.

    >>> training_packages("python 3.12.1, keras 3.12.0, mlflow 3.6.0, numpy 2.3.4")
    'keras 3.12.0, numpy 2.3.4'
    """
    return ", ".join(part for part in versions.split(", ") if part.partition(" ")[0] in TRAINING)


def mixed(then: str, now: str) -> str:
    """The code, or the packages, of a trial that goes on where another code stopped.

    >>> mixed("3f2a", "91ab"), mixed("3f2a+91ab", "91ab"), mixed("", "91ab")
    ('3f2a+91ab', '3f2a+91ab', '?+91ab')
    """
    return then if now in then.split("+") else f"{then or '?'}+{now}"


def code_dirty() -> str:
    """Whether the code differs from its commit: true or false."""
    return str(bool(folder.code_patch())).lower()


def common_tags(asked: Invocation) -> dict[str, str]:
    """What all runs of one invocation share; MLflow's filters lose the children of filtered parents, so each child has them too."""
    sweep = {"trialbook.sweep": asked.folder.name, "trialbook.sweep_name": asked.sweep or ""}
    return {
        **{re.sub(r"[${}]", "", redacted(str(tag))): "true" for tag in asked.config.tags},  # first: ours win; MLflow takes no $ and {}
        "trialbook.schema": "1",
        "trialbook.versions": versions(),
        "trialbook.code": folder.code(),
        "trialbook.code_dirty": code_dirty(),
        "trialbook.executor": executor(asked),
        "mlflow.source.git.commit": folder.commit(),
        **({} if asked.single else sweep),
        **({"trialbook.note": note} if (note := _note(asked)) else {}),
    }


def executor(asked: Invocation) -> str:
    """The executor, and those of its settings that may decide on digits."""
    settings = [f"{key}={value}" for key, value in asked.executor.items() if key not in NOT_OF_A_TRIAL]
    return " ".join([asked.config.hydra.runtime.choices.executor, *settings])


def trial_tags(number: int, attempt: int, config: dict[str, Any], point: Point, name: str) -> dict[str, str]:
    """What distinguishes a trial; the overrides repeat it."""
    repeat = shlex.join(overrides(point))
    return {
        "mlflow.note.content": f"```\npython -m src.sweep {repeat}\n```",
        "trialbook.kind": "trial",
        "trialbook.trial": str(number),
        "trialbook.attempt": str(attempt),
        "trialbook.overrides": repeat,
        "trialbook.swept": name,
        "trialbook.active_hash": active_hash(config),
        "trialbook.config_hash": active_hash(config, seed=False),
        "trialbook.objective": str(config["objective"]),
    }


def ended_tags(outcome: Outcome) -> dict[str, str]:
    """What is known of a trial when it ended."""
    digests = {DIGEST_TAGS[name]: hashlib.sha256(content).hexdigest() for name, content in outcome.files.items() if name in DIGEST_TAGS}
    cause = {"trialbook.cause": outcome.cause[:500]} if outcome.cause else {}
    return {**digests, **cause, **{f"trialbook.{name}": value for name, value in outcome.facts.items()}}


def end(state: str | None, metrics: dict[str, float], tags: dict[str, str], kept: str) -> dict[str, Any]:
    """What a message says of a run that ended; without a state it adds to one that ended before.

    Args:
        kept: the name of its files in the outbox.
    """
    return {"state": state, "metrics": metrics, "tags": tags, "time": time.time(), "files": kept}


def description(asked: Invocation, *parts: str) -> str:
    """The text that MLflow shows on a sweep's page: question, note, command, and what else there is to show."""
    question = f"**{asked.question}**" if asked.question else ""
    return "\n\n".join(filter(None, [question, _note(asked), f"```\n{asked.command}\n```", *parts]))


def _note(asked: Invocation) -> str:
    """The note as words; it may be written as a number."""
    return "" if asked.config.note is None else str(asked.config.note)
