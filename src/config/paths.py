"""Config paths: `{"optimizer": {"rho": 0.9}}` is the same as `optimizer.rho=0.9`."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

ROOT = Path(__file__).resolve().parents[2]
CONF = ROOT / "conf"
REPEATS = ("seed", "data.fold")  # trials that differ in these keys alone are repeats of one configuration
KERAS_GROUPS = ("data", "model", "optimizer", "training")  # a function lists in `uses:` which of them it needs
TRIAL_GROUPS = ("trial", *KERAS_GROUPS)
SETTLED = {
    "model": ("inactive",),
    "trial": ("uses", "objective"),
}  # group → keys that only its YAML files may set, which are no values of a trial
Options = Mapping[str, Sequence[str]]  # group → the options that trials may choose
TRIAL_KEYS = ("seed", "objective", *TRIAL_GROUPS)  # the part of the configuration that a trial sees; the rest concerns the sweep


def trial_config(composed: DictConfig) -> dict[str, Any]:
    """Returns the part of a composed configuration that a trial sees, resolved."""
    config: dict[str, Any] = {key: composed[key] for key in TRIAL_KEYS if key in composed}
    return {key: OmegaConf.to_container(node, resolve=True) if OmegaConf.is_config(node) else node for key, node in config.items()}


def leaves(node: Any, path: str = "", whole: Collection[str] = ()) -> dict[str, Any]:
    """Returns config path → value, for every value of a nested configuration. An empty mapping is a value.

    Args:
        path: of the node.
        whole: paths at which a mapping is a value, too.

    >>> leaves({"optimizer": {"rho": 0.9}, "seed": 42})
    {'optimizer.rho': 0.9, 'seed': 42}
    """
    if not isinstance(node, dict) or not node or path in whole:
        return {path: node}
    found: dict[str, Any] = {}
    for name, child in node.items():
        found |= leaves(child, f"{path}.{name}".lstrip("."), whole)
    return found


def is_within(path: str, key: str) -> bool:
    """True if a path is a key or lies below it."""
    return path == key or path.startswith(f"{key}.")


def nested(values: dict[str, Any], path: str) -> dict[str, Any]:
    """Returns the node at a path. It is the inverse of `leaves`.

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
    """Converts a whole number to a float if the default in conf/ is a float, because Keras refuses a learning rate of 1.

    >>> fraction(1, 0.01), fraction(1, 20), fraction("a", 0.01)
    (1.0, 1, 'a')
    """
    return float(value) if isinstance(default, float) and type(value) is int else value


def inactive(uses: Collection[str], resting: Collection[str]) -> list[str]:
    """Returns the groups that a trial does not use.

    Args:
        uses: the groups that the trial reads, `uses:` in its YAML.
        resting: the groups that its model does not need, `inactive:` in the model's YAML; ignored if the trial uses no model.
    """
    return [group for group in KERAS_GROUPS if group not in uses or ("model" in uses and group in resting)]


def active_leaves(config: dict[str, Any]) -> dict[str, Any]:
    """Returns the leaves of a trial's configuration, without the groups that its model or its function does not use."""
    unused = inactive(config.get("trial", {}).get("uses", KERAS_GROUPS), config["model"].get("inactive", ()))
    nodes = {name: node for name, node in config.items() if name not in unused}
    for group, keys in SETTLED.items():
        if group in nodes:
            nodes[group] = {key: value for key, value in nodes[group].items() if key not in keys}
    return leaves({name: node for name, node in nodes.items() if name != "trial" or node})
