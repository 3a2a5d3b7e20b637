"""One invocation of `python -m src.sweep`: a request, its composed configuration, and its folder."""

import math
import os
import shlex
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from src.config.auto import settled
from src.config.help import question
from src.config.paths import nested
from src.config.request import Request
from src.objective import Objective, text_of
from src.space import MOST_LISTED, Space
from src.study import destination
from src.study.labels import Labels


@dataclass(frozen=True)
class Invocation:
    """A space of trials, and Hydra's configuration with the swept keys at their defaults.

    Attributes:
        sweep: name of a file in sweeps/; None without one.
        reported: published figures of each of the space's explicit trials.
        single: True for one trial, without `-m`.
        folder: mlruns/sweeps/<id> or mlruns/trials/<id>; before it is created, its parent folder.
        command: the command line that repeats it.
        second: the second of two objectives; the first one picks the kept epoch and ranks.
        about: further facts for its record, such as `like`, the run that its configuration starts from.
    """

    space: Space
    config: DictConfig
    objective: Objective
    sweep: str | None
    reported: list[dict[str, float]]
    single: bool
    folder: Path
    command: str = ""
    about: dict[str, Any] = field(default_factory=dict)
    second: Objective | None = None

    @classmethod
    def of(cls, request: Request, config: DictConfig) -> "Invocation":
        """Returns the invocation of a request.

        Raises:
            ConfigError: no trial has a key of the request, or the direction of the objective is not known.
        """
        single = not request.multirun
        space = Space.of(request)
        objective = config.objective
        if not any(axis.key == "objective" for axis in space.axes):
            values = space.leaves(next(iter(space.samples())))
            nodes = {name: nested(values, name) for name in ("data", "model", "training", "trial")}
            objective = settled({"objective": values["objective"], **nodes})["objective"]
        words = sys.orig_argv[1:]
        if request.like:
            words = [f"like={request.like}" if word.startswith("like=") else word for word in words]
        return cls(
            space=space,
            config=config,
            objective=Objective.parse(objective),
            sweep=request.sweep,
            reported=request.reported,
            single=single,
            folder=Path(config.hydra.run.dir if single else config.hydra.sweep.dir),
            command=shlex.join(["python", *words]),
            about=request.about,
            second=Objective.parse(request.second) if request.second else None,
        )

    @property
    def objectives(self) -> str:
        """Both objectives as one text, for people and records."""
        return text_of(self.objective, self.second)

    @property
    def function(self) -> bool:
        """True if its trials are a function in src/trials/ instead of Keras models."""
        return "_target_" in self.config.trial

    @property
    def labels(self) -> Labels:
        """Its name, note and tags; a sweep without a name has that of its file in sweeps/. A note may be written as a number."""
        name, note = self.config.name or ("" if self.single else self.sweep), self.config.note
        return Labels(name or "", "" if note is None else str(note), [str(tag) for tag in self.config.tags])

    @property
    def name(self) -> str:
        """The name on the terminal and in MLflow's list of runs."""
        return f"{self.labels.name or ('trial' if self.single else 'sweep')} {self.folder.name}"

    @property
    def prefix(self) -> str:
        """The environment variable that a printed command needs to find this record; empty if it needs none."""
        return destination.prefix(self.config.tracking.uri)

    @property
    def command_to_resume(self) -> str:
        """The command line that resumes the sweep, with the environment variables that it needs."""
        words = [word for word in shlex.split(self.command) if not word.startswith(("resume=", "retry=", "allow="))]
        store = "" if "tracking.uri=" in self.command else self.prefix
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME")
        experiment = f"MLFLOW_EXPERIMENT_NAME={shlex.quote(name)} " if name and "tracking.experiment=" not in self.command else ""
        return store + experiment + shlex.join([*words, f"resume={self.folder.name}"])

    @property
    def oracle(self) -> dict[str, Any]:
        """The oracle's name and settings."""
        return {"name": self.config.hydra.runtime.choices.oracle, **self._settings("oracle")}

    @property
    def limits(self) -> dict[str, float]:
        """Upper limits of figures that are known before a trial trains, such as the number of parameters; empty without limits."""
        return OmegaConf.to_container(self.config.limits) if self.config.limits else {}  # type: ignore[return-value]

    @property
    def executor(self) -> dict[str, Any]:
        """The executor's settings. If its threads refer to `training.threads`, they are the most that a trial uses."""
        settings = self._settings("executor")
        follows = OmegaConf.to_container(self.config.executor).get("threads") == "${training.threads}"  # type: ignore[union-attr]
        return {**settings, "threads": self.threads} if follows else settings

    @property
    def threads(self) -> int:
        """The largest number of CPU threads of a trial. It is read from the trials: `config` holds the default alone."""
        default = self.config.training.threads
        return max(int(self.space.leaves(point).get("training.threads", default)) for point in self.space.samples())

    def _settings(self, group: str) -> dict[str, Any]:
        """Returns the settings of a group's chosen option, without those that a sweep's file sets for other options."""
        settings: dict[str, Any] = OmegaConf.to_container(self.config[group], resolve=True)  # type: ignore[assignment]
        known = self.space.catalog.keys(group, self.config.hydra.runtime.choices[group])
        return {key: value for key, value in settings.items() if f"{group}.{key}" in known}

    @property
    def most_trials(self) -> int:
        """Upper bound on the number of trials, known before the oracle is created."""
        return int(min(self.space.size or math.inf, self.oracle.get("max_trials") or math.inf, MOST_LISTED))

    @property
    def question(self) -> str:
        """The question in the sweep's file, or of the command that started the sweep; empty without one."""
        return question(self.sweep) if self.sweep else str(self.about.get("question", ""))
