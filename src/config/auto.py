"""Replaces `auto` in loss, metrics and objective of a trial by what the task of its data says."""

from typing import Any

from omegaconf import DictConfig, OmegaConf

from src import tasks
from src.tasks import OWN

AUTO = "auto"
DEFAULT = "classes"  # the task of a data set whose YAML names none


def task_of(data: dict[str, Any]) -> Any:
    """Returns the task that a `data:` node names: a kind, or output → kind."""
    return data.get("task", DEFAULT)


def settled(config: dict[str, Any]) -> dict[str, Any]:
    """Returns `loss`, `metrics` and `objective` of a trial. None stands for metrics and loss of an engine that takes none.

    Args:
        config: nested; of it `trial`, `data.task`, `model.compile`, `training.loss`, `training.metrics` and `objective` are read.

    Raises:
        ConfigError: there is no such task.
    """
    if "_target_" in config.get("trial", {}):
        objective = config["objective"] if config["objective"] != AUTO else config["trial"].get("objective", AUTO)
        return {"loss": None, "metrics": None, "objective": objective}
    task, training = task_of(config["data"]), config.get("training", {})
    loss, metrics, objective = training.get("loss"), training.get("metrics"), config["objective"]
    if config.get("model", {}).get("compile") is False and loss == AUTO:
        loss = OWN
    several = isinstance(task, dict)
    kinds = {name: tasks.find(kind) for name, kind in task.items()} if several else {"": tasks.find(task)}
    if metrics == AUTO and loss == OWN:
        metrics = []
    elif metrics == AUTO:
        each = {name: list(kind.metrics) for name, kind in kinds.items()}
        metrics = each if several else each[""]
    if loss == AUTO:
        losses = {name: kind.loss for name, kind in kinds.items()}
        loss = losses if several else losses[""]
    if objective == AUTO:
        objective = "val_loss" if several or loss == OWN else kinds[""].objective
    return {"loss": loss, "metrics": metrics, "objective": objective}


def settle(composed: DictConfig) -> None:
    """Sets them in a composed configuration.

    Raises:
        ConfigError: there is no such task.
    """
    parts = {"objective": composed.objective, **{group: _plain(composed, group) for group in ("data", "model", "training", "trial")}}
    found = settled(parts)
    composed.objective = found["objective"]
    if found["metrics"] is None and "_target_" in parts["trial"]:
        record = OmegaConf.to_container(composed.tracking, resolve=False)
        composed.tracking.experiment = record["experiment"].replace("choices.data", "choices.trial")  # type: ignore[call-overload, index]
    for key in ("loss", "metrics"):
        if parts["training"].get(key) == AUTO:
            OmegaConf.update(composed, f"training.{key}", found[key], force_add=True)


def _plain(composed: DictConfig, group: str) -> dict[str, Any]:
    node: dict[str, Any] = OmegaConf.to_container(composed[group], resolve=False)  # type: ignore[assignment]
    return node
