"""What was asked for in one invocation of `python -m src.sweep`."""

import math
import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from src.config.help import question
from src.objective import Objective
from src.space import MOST_LISTED, Space
from src.study import destination


@dataclass(frozen=True)
class Invocation:
    """A space of trials, and Hydra's configuration with the swept keys at their defaults.

    Attributes:
        sweep: the name of a file in sweeps/, if one was named.
        reported: published figures of each of the space's explicit trials.
        single: one trial, without `-m`.
        folder: mlruns/sweeps/<id> or mlruns/trials/<id>.
    """

    space: Space
    config: DictConfig
    objective: Objective
    sweep: str | None
    reported: list[dict[str, float]]
    single: bool
    folder: Path

    @property
    def name(self) -> str:
        """For the terminal, and for MLflow's list of runs."""
        return f"{'trial' if self.single else self.sweep or 'sweep'} {self.folder.name}"

    @property
    def command(self) -> str:
        """The command line that repeats it."""
        return shlex.join(["python", *sys.orig_argv[1:]])

    @property
    def prefix(self) -> str:
        """What a command needs in front of it to find the store of this one."""
        return destination.prefix(self.config.tracking.uri)

    @property
    def prefix_of_resume(self) -> str:
        """The same for the command that goes on with the sweep, whose own words name some of it."""
        words = self.command
        store = "" if "tracking.uri=" in words else self.prefix
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", "")
        return store + (f"MLFLOW_EXPERIMENT_NAME={shlex.quote(name)} " if name and "tracking.experiment=" not in words else "")

    @property
    def oracle(self) -> dict[str, Any]:
        """The oracle's name and settings."""
        return {"name": self.config.hydra.runtime.choices.oracle, **self._own("oracle")}

    @property
    def executor(self) -> dict[str, Any]:
        """The executor's settings."""
        return self._own("executor")

    def _own(self, group: str) -> dict[str, Any]:
        """The settings of a group's option, without those that a sweep's file holds for another option."""
        settings: dict[str, Any] = OmegaConf.to_container(self.config[group], resolve=True)  # type: ignore[assignment]
        known = self.space.catalog.keys(group, self.config.hydra.runtime.choices[group])
        return {key: value for key, value in settings.items() if f"{group}.{key}" in known}

    @property
    def most_trials(self) -> int:
        """More there will not be; known before the oracle is."""
        return int(min(self.space.size or math.inf, self.oracle.get("max_trials") or math.inf, MOST_LISTED))

    @property
    def question(self) -> str:
        """What the sweep's file asks, if it has one."""
        return question(self.sweep) if self.sweep else ""
