"""The catalog of conf/: its groups, their options, and the keys of each option.

Files are only read (1 ms); an option with a defaults list of its own is composed (70 ms).
"""

from contextlib import suppress
from functools import cached_property
from typing import Any

import yaml
from hydra.core.config_loader import ConfigLoader
from hydra.core.object_type import ObjectType
from hydra.errors import HydraException
from hydra.plugins.config_source import ConfigResult
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from src.config.overrides import as_text, reason_of
from src.config.paths import Options, inactive, is_within, leaves
from src.errors import ConfigError


class Catalog:
    """Reads conf/ through Hydra's config source."""

    def __init__(self, loader: ConfigLoader) -> None:
        self._loader = loader
        self._source = next(source for source in loader.get_sources() if source.provider == "main")
        self._keys: dict[tuple[str, str], dict[str, Any]] = {}

    @cached_property
    def groups(self) -> dict[str, list[str]]:
        """Group → its options in alphabetical order; options in subfolders, such as cnn/small, come last."""
        return {name: self._options(name) for name in self._folders("") if name != "hydra"}

    def _folders(self, folder: str) -> list[str]:
        return [name for name in self._source.list(folder, ObjectType.GROUP) if not name.startswith(".")]

    def _options(self, folder: str) -> list[str]:
        inner = [f"{name}/{option}" for name in self._folders(folder) for option in self._options(f"{folder}/{name}")]
        return [*self._source.list(folder, ObjectType.CONFIG), *inner]

    def file(self, name: str) -> ConfigResult:
        """Returns one file of conf/ without composing it: its `config`, and its `header["package"]`.

        Raises:
            ConfigError: the file is no mapping in YAML; the message names the line.
        """
        try:
            file = self._source.load_config(name)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark
            where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
            raise ConfigError([f"{_place(name)}{where}: {error.problem}. Expected YAML."]) from error
        except (yaml.YAMLError, OmegaConfBaseException, OSError, UnicodeError) as error:
            raise ConfigError([f"{_place(name)}: {reason_of(error)} Expected YAML."]) from error
        if not isinstance(file.config, DictConfig):
            raise ConfigError([f"{_place(name)}: it is a list; expected a mapping, key: value."])
        return file

    @cached_property
    def _content(self) -> dict[str, Any]:
        """The content of config.yaml itself, its defaults list and `hydra` node included."""
        content: dict[str, Any] = OmegaConf.to_container(self.file("config").config)  # type: ignore[assignment]
        return content

    @cached_property
    def _chosen(self) -> dict[str, Any]:
        """Group → option, as the defaults list of config.yaml writes them."""
        entries = [entry for entry in self._content.get("defaults", []) if isinstance(entry, dict)]
        return {key: option for entry in entries for key, option in entry.items()}

    @cached_property
    def defaults(self) -> dict[str, str]:
        """Group → the option that config.yaml chooses."""
        return {group: option for group, option in self._chosen.items() if group in self.groups and option is not None}

    @cached_property
    def hydra(self) -> dict[str, Any]:
        """Hydra's own settings in config.yaml: the leaves of its `hydra` node, and the options of Hydra's groups."""
        settings = leaves({"hydra": self._content["hydra"]}) if "hydra" in self._content else {}
        return settings | {key.removeprefix("override "): option for key, option in self._chosen.items() if "hydra/" in key}

    @cached_property
    def top(self) -> dict[str, Any]:
        """The leaves of config.yaml itself, such as `seed` and `tracking.uri`."""
        return leaves({name: node for name, node in self._content.items() if name not in ("defaults", "hydra")})

    def keys(self, group: str, option: str) -> dict[str, Any]:
        """Returns config path → default value, for every leaf of one option.

        Raises:
            ConfigError: the option cannot be composed, or sets keys outside of its group; the message names its file.
        """
        if (group, option) not in self._keys:
            name = f"{group}/{option}"
            file = self.file(name)
            package = file.header.get("package") or group
            if package != group:
                words = f"'# @package {package}' puts its keys elsewhere than under {group!r}, where they could not be swept"
                raise ConfigError([f"{_place(name)}: {words}; expected no such line."])
            config = self._composed(group, option) if "defaults" in file.config else file.config
            self._keys[group, option] = leaves({group: OmegaConf.to_container(config)})
        return self._keys[group, option]

    def readable(self, group: str) -> dict[str, dict[str, Any]]:
        """Returns option → its keys, for hints. Leaves out options whose files are broken; choosing one is a mistake of its own."""
        found = {}
        for option in self.groups.get(group, ()):
            with suppress(ConfigError):
                found[option] = self.keys(group, option)
        return found

    def _composed(self, group: str, option: str) -> DictConfig:
        place, lines = _place(f"{group}/{option}"), [f"+{group}={as_text(option)}"]
        try:
            parts = self._loader.compute_defaults_list(None, lines, RunMode.RUN).defaults
            config = self._loader.load_configuration(None, lines, RunMode.RUN)
        except (HydraException, OmegaConfBaseException, ValueError) as error:
            beside = f"{option.rpartition('/')[0]}/default@_here_" if "/" in option else "default"
            words = f"Expected a defaults list of options by their paths in conf/{group}/, such as [{beside}, _self_]."
            raise ConfigError([f"{place}: {reason_of(error)} {words}"]) from error
        for one in parts:
            path = str(one.config_path)
            if path.startswith(f"{group}/") and one.package == path.rpartition("/")[0].replace("/", ".") != group:
                own = path.removeprefix(f"{group}/")
                words = f"{own} of its defaults list has its keys under {one.package}, where Hydra puts those of a folder"
                raise ConfigError([f"{place}: {words}; expected {own}@_here_."])
        if strayed := [str(one.config_path) for one in parts if str(one.package).partition(".")[0] not in (group, "hydra")]:
            words = f"its defaults list brings {', '.join(strayed)}, outside of {group!r}"
            raise ConfigError([f"{place}: {words}; expected {group!r} alone."])
        return config.get(group) or OmegaConf.create()  # type: ignore[no-any-return]

    def inactive(self, model: str, trial: str) -> list[str]:
        """Returns the groups that a trial does not use: `trial.uses` does not name them, or the model lists them as `inactive`."""
        uses = self.keys("trial", trial).get("trial.uses") or []
        resting = self.keys("model", model).get("model.inactive") if "model" in uses else None
        return inactive(uses, resting or [])

    def unused(self, options: Options) -> set[str]:
        """Returns the groups that no trial uses, given the options that trials may choose."""
        return set.intersection(*(set(self.inactive(model, trial)) for model in options["model"] for trial in options["trial"]))

    def has(self, choices: dict[str, str], key: str, *, added: bool = False) -> bool:
        """True if a trial with these choices uses the key.

        Args:
            added: the key is set with `+`, so no option needs to list it.
        """
        group = key.partition(".")[0]
        if group not in self.groups:
            return any(is_within(path, key) for path in self.top)
        if group in self.inactive(choices["model"], choices["trial"]):
            return False
        if added or key == group:
            return True
        known = self.keys(group, choices[group])
        return key in known or any(is_within(path, key) for path in known)


def _place(name: str) -> str:
    return f"{name}.yaml" if name.startswith("sweeps/") else f"conf/{name}.yaml"
