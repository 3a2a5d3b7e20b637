"""The `hydra.sweeper` node of a file in sweeps/, declared so that Hydra refuses keys that it does not have.

Hydra only composes it. It instantiates no sweeper: src/sweep.py runs the trials.
"""

from dataclasses import dataclass, field
from typing import Any

from hydra.core.config_store import ConfigStore


@dataclass
class SweeperNode:
    """The trials of a sweep.

    Attributes:
        params: config path → values, as in Hydra's own sweepers.
        trials: explicit trials, each a list of overrides.
        when: "group=option" → as `params`, for trials with that option alone.
        exclude: rules, each config path → values; a trial that has one of them for each path is left out.
        reported: published figures (metric: value) of each explicit trial, to compare with.
    """

    params: dict[str, Any] = field(default_factory=dict)
    trials: list[Any] = field(default_factory=list)
    when: dict[str, dict[str, Any]] = field(default_factory=dict)
    exclude: list[dict[str, Any]] = field(default_factory=list)
    reported: list[Any] = field(default_factory=list)


ConfigStore.instance().store(group="hydra/sweeper", name="kerastuner", node=SweeperNode, provider="trialbook")
