"""What conf/ offers: its groups, their options, and the keys that each option has.

Files are read, not composed (1 ms instead of 70 ms); only an option that inherits is composed.
"""

from functools import cached_property
from typing import Any

import yaml
from hydra.core.config_loader import ConfigLoader
from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigResult
from hydra.types import RunMode
from omegaconf import OmegaConf

from src.config.paths import leaves
from src.errors import ConfigError


class Catalog:
    """The groups and options of conf/, read through Hydra's own config source."""

    def __init__(self, loader: ConfigLoader) -> None:
        self._loader = loader
        self._source = next(source for source in loader.get_sources() if source.provider == "main")
        self._keys: dict[tuple[str, str], dict[str, Any]] = {}

    @cached_property
    def groups(self) -> dict[str, list[str]]:
        """Group → its options, in alphabetical order."""
        names = [name for name in self._source.list("", ObjectType.GROUP) if name != "hydra"]
        return {name: self._source.list(name, ObjectType.CONFIG) for name in names}

    def file(self, name: str) -> ConfigResult:
        """One file of conf/ as it stands there: `config`, and `header["package"]`.

        Raises:
            ConfigError: it is no YAML; the message says where.
        """
        try:
            return self._source.load_config(name)
        except yaml.MarkedYAMLError as error:
            place = f"{name}.yaml" if name.startswith("sweeps/") else f"conf/{name}.yaml"
            mark = error.problem_mark
            where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
            raise ConfigError([f"{place}{where}: {error.problem}. Expected YAML."]) from error

    @cached_property
    def defaults(self) -> dict[str, str]:
        """Group → the option that config.yaml chooses."""
        entries = [entry for entry in OmegaConf.select(self.file("config").config, "defaults") if not isinstance(entry, str)]
        return {key: value for entry in entries for key, value in entry.items() if key in self.groups and value is not None}

    @cached_property
    def top(self) -> dict[str, Any]:
        """The leaves of config.yaml itself, such as `seed` and `tracking.uri`."""
        raw: dict[str, Any] = OmegaConf.to_container(self.file("config").config)  # type: ignore[assignment]
        return leaves({name: node for name, node in raw.items() if name not in ("defaults", "hydra")})

    def keys(self, group: str, option: str) -> dict[str, Any]:
        """Config path → default value, for every leaf of one option."""
        if (group, option) not in self._keys:
            config = self.file(f"{group}/{option}").config
            if "defaults" in config:
                config = self._loader.load_configuration("config", [f"{group}={option}"], RunMode.RUN)[group]
            node: dict[str, Any] = OmegaConf.to_container(config)  # type: ignore[assignment]
            self._keys[group, option] = leaves({group: node})
        return self._keys[group, option]

    def inactive(self, model: str) -> list[str]:
        """The groups that a model does not use."""
        return self.keys("model", model).get("model.inactive") or []

    def has(self, choices: dict[str, str], key: str) -> bool:
        """Whether a trial with these choices uses the key."""
        group = key.partition(".")[0]
        if group not in self.groups:
            return key in self.top
        if group in self.inactive(choices["model"]):
            return False
        known = self.keys(group, choices[group])
        return key == group or key in known or any(path.startswith(f"{key}.") for path in known)
