"""The thin door between Hydra and src/. Hydra 1.3 finds a sweeper only under this name.

It is imported at every start: nothing heavy here.
"""

from dataclasses import dataclass, field
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf


@dataclass
class SweeperConf:
    """The `hydra.sweeper` node of a sweep's file.

    Attributes:
        params: config path → values to go through, as in Hydra's own sweepers.
        trials: explicit trials, each a list of overrides.
        when: "group=option" → the same as `params`, for trials with that option alone.
        exclude: config path → values; a trial that has one of them for each path of an entry is left out.
        reported: published figures (metric: value) of each explicit trial, to compare with.
        asked: the overrides of the command line, set by src/config/command_line.py.
    """

    _target_: str = "hydra_plugins.kerastuner_sweeper.KerasTunerSweeper"
    params: dict[str, Any] = field(default_factory=dict)
    trials: list[Any] = field(default_factory=list)
    when: dict[str, dict[str, Any]] = field(default_factory=dict)
    exclude: list[dict[str, Any]] = field(default_factory=list)
    reported: list[Any] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


ConfigStore.instance().store(group="hydra/sweeper", name="kerastuner", node=SweeperConf, provider="trialbook")


class KerasTunerSweeper(Sweeper):  # type: ignore[misc]
    """Hands the overrides of `-m` to src/study/."""

    def __init__(self, **asked: Any) -> None:
        """What is asked is read from the configuration, by src/study/run.py."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Called by Hydra before `sweep`."""
        self._loader, self._config = hydra_context.config_loader, config

    def sweep(self, arguments: list[str]) -> None:
        """Called by Hydra."""
        from src.study.run import run

        asked = OmegaConf.to_container(self._config.hydra.sweeper.asked, resolve=False)  # ${oc.env:NAME} is recorded as such
        run(self._loader, self._config, asked, single=False)  # type: ignore[arg-type]
