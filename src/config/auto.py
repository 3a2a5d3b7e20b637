"""Replaces `auto` in a trial's loss, metrics and objective by the defaults of its task."""

from typing import Any

from omegaconf import DictConfig, OmegaConf

from src import tasks
from src.tasks import OWN

AUTO = "auto"
DEFAULT = "classes"  # the task of a data set whose YAML names none


def task_of(data: dict[str, Any]) -> Any:
    """Returns the task of a `data:` node: the name of a task, or output → name."""
    return data.get("task", DEFAULT)


def settled(config: dict[str, Any]) -> dict[str, Any]:
    """Returns `loss`, `metrics` and `objective` of a trial, without `auto`. Loss and metrics are None if the engine takes none.

    Args:
        config: nested. Reads `trial`, `data.task`, `model.compile`, `training.loss`, `training.metrics` and `objective`.

    Raises:
        ConfigError: the task does not exist.
    """
    if "_target_" in config.get("trial", {}):
        objective = config["objective"] if config["objective"] != AUTO else config["trial"].get("objective", AUTO)
        return {"loss": None, "metrics": None, "objective": objective}
    task, training = task_of(config["data"]), config.get("training", {})
    given = {"loss": training.get("loss"), "metrics": training.get("metrics"), "objective": config["objective"]}
    if given["loss"] == AUTO and config.get("model", {}).get("compile") is False:
        given["loss"] = OWN
    defaults: dict[str, Any]
    if isinstance(task, dict):
        kinds = {output: tasks.find(name) for output, name in task.items()}
        losses = {output: kind.loss for output, kind in kinds.items()}
        metrics = {output: list(kind.metrics) for output, kind in kinds.items()}
        defaults = {"loss": losses, "metrics": metrics, "objective": "val_loss"}
    else:
        kind = tasks.find(task)
        defaults = {"loss": kind.loss, "metrics": list(kind.metrics), "objective": kind.objective}
    if given["loss"] == OWN:
        defaults |= {"metrics": [], "objective": "val_loss"}
    return {key: defaults[key] if value == AUTO else value for key, value in given.items()}


def settle(composed: DictConfig) -> None:
    """Replaces `auto` in a composed configuration, in place. The experiment of a function is named after the function, not after data.

    Raises:
        ConfigError: the task does not exist.
    """
    parts: dict[str, Any] = {group: OmegaConf.to_container(composed[group]) for group in ("data", "model", "training", "trial", "tracking")}
    found = settled({**parts, "objective": composed.objective})
    composed.objective = found["objective"]
    if found["metrics"] is None and "_target_" in parts["trial"]:
        composed.tracking.experiment = parts["tracking"]["experiment"].replace("choices.data", "choices.trial")
    for key in ("loss", "metrics"):
        if parts["training"].get(key) == AUTO:
            OmegaConf.update(composed, f"training.{key}", found[key], force_add=True)
