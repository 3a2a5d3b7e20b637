"""What a run is told about its trial or sweep: parameters, tags, description."""

import hashlib
import platform
import shlex
import time
from importlib.metadata import version
from typing import Any

from omegaconf import DictConfig

from src.artifacts import DIGEST_TAGS
from src.config.paths import TRIAL_GROUPS, active_leaves
from src.space import Point, active_hash, overrides
from src.study import folder
from src.study.invocation import Invocation
from src.trial import Outcome

PACKAGES = ("keras", "tensorflow", "keras-tuner", "mlflow", "hydra-core", "scikit-learn", "numpy")
NOT_PARAMETERS = ("_target_", "folder", "path", "objective")  # code and places are no hyperparameters


def parameters(config: dict[str, Any], choices: DictConfig) -> dict[str, Any]:
    """The choices of a trial and every active leaf."""
    active = active_leaves(config)
    chosen = {group: choices[group] for group in TRIAL_GROUPS if any(key.startswith(f"{group}.") for key in active)}
    return {**chosen, **{key: value for key, value in active.items() if key.rpartition(".")[2] not in NOT_PARAMETERS}}


def versions() -> str:
    """Python and the packages that decide on digits."""
    return f"python {platform.python_version()}, {', '.join(f'{package} {version(package)}' for package in PACKAGES)}"


def code_dirty() -> str:
    """Whether the code differs from its commit: true or false."""
    return str(bool(folder.code_patch())).lower()


def common_tags(asked: Invocation) -> dict[str, str]:
    """What all runs of one invocation share; MLflow's filters lose the children of filtered parents, so each child has them too."""
    sweep = {"trialbook.sweep": asked.folder.name, "trialbook.sweep_name": asked.sweep or ""}
    return {
        "trialbook.schema": "1",
        "trialbook.versions": versions(),
        "trialbook.code_dirty": code_dirty(),
        "mlflow.source.git.commit": folder.commit(),
        **({} if asked.single else sweep),
        **({"trialbook.note": asked.config.note} if asked.config.note else {}),
        **dict.fromkeys(map(str, asked.config.tags), "true"),
    }


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
    return "\n\n".join(filter(None, [question, asked.config.note, f"```\n{asked.command}\n```", *parts]))
