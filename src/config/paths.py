"""Config paths: `{"optimizer": {"rho": 0.9}}` is the same as `optimizer.rho=0.9`."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

ROOT = Path(__file__).resolve().parents[2]
CONF = ROOT / "conf"
REPEATS = ("seed", "data.fold")  # keys of which other values repeat a configuration
KERAS_GROUPS = ("data", "model", "optimizer", "training")  # of which a function takes those that it uses
TRIAL_GROUPS = ("trial", *KERAS_GROUPS)
SETTLED = {"model": ("inactive",), "trial": ("uses", "objective")}  # group → keys that its files settle, which are no values of a trial
TRIAL_KEYS = ("seed", "objective", *TRIAL_GROUPS)  # the part of the configuration that a trial sees; the rest concerns the sweep


def trial_config(composed: DictConfig) -> dict[str, Any]:
    """The part of a composed configuration that a trial sees, resolved."""
    return {
        key: OmegaConf.to_container(node, resolve=True) if OmegaConf.is_config(node := composed[key]) else node
        for key in TRIAL_KEYS
        if key in composed
    }


def leaves(node: Any, path: str = "") -> dict[str, Any]:
    """Config path → value, for every value of a nested configuration; an empty mapping is a value.

    >>> leaves({"optimizer": {"rho": 0.9}, "seed": 42})
    {'optimizer.rho': 0.9, 'seed': 42}
    """
    if not isinstance(node, dict) or not node:
        return {path: node}
    return {leaf: value for name, child in node.items() for leaf, value in leaves(child, f"{path}.{name}".lstrip(".")).items()}


def nested(values: dict[str, Any], path: str) -> dict[str, Any]:
    """The node at a path of a configuration that is given as config path → value.

    >>> nested({"optimizer.rho": 0.9, "seed": 42}, "optimizer")
    {'rho': 0.9}
    """
    node: dict[str, Any] = {}
    for leaf, value in values.items():
        if leaf.startswith(f"{path}."):
            *above, last = leaf.removeprefix(f"{path}.").split(".")
            inner = node
            for name in above:
                inner = inner.setdefault(name, {})
            inner[last] = value
    return node


def fraction(value: Any, default: Any) -> Any:
    """Turns a whole number into a fraction if the default in conf/ is one: Keras takes no learning rate of 1.

    >>> fraction(1, 0.01), fraction(1, 20), fraction("a", 0.01)
    (1.0, 1, 'a')
    """
    return float(value) if isinstance(default, float) and type(value) is int else value


def inactive(uses: Collection[str], resting: Collection[str]) -> list[str]:
    """The groups that a trial does not use.

    Args:
        uses: those that its function, or a Keras model, reads: `uses:` in the YAML of the trial.
        resting: those that its model does without: `inactive:` in the YAML of the model, which counts only where the model is used.
    """
    return [group for group in KERAS_GROUPS if group not in uses or ("model" in uses and group in resting)]


def active_leaves(config: dict[str, Any]) -> dict[str, Any]:
    """The leaves of a trial's configuration, without groups that its model, or its function, does not use."""
    unused = inactive(config.get("trial", {}).get("uses", KERAS_GROUPS), config["model"].get("inactive", ()))
    nodes = {name: node for name, node in config.items() if name not in unused}
    for group, keys in SETTLED.items():
        if group in nodes:
            nodes[group] = {key: value for key, value in nodes[group].items() if key not in keys}
    return leaves({name: node for name, node in nodes.items() if name != "trial" or node})
