"""Composes the configurations of trials: Hydra once per choice of groups (70 ms), then values on a copy (7 ms)."""

import copy

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from src.config.auto import settle
from src.config.paths import TRIAL_GROUPS, leaves
from src.redaction import mark_secrets_in


class Composer:
    """Composes as Hydra does, then converts whole numbers to floats where conf/ has a float, and replaces `auto`."""

    def __init__(self, loader: ConfigLoader) -> None:
        self._loader = loader
        self._groups = set(loader.list_groups(""))
        self._parse = OverridesParser.create(config_loader=loader).parse_overrides
        self._bases: dict[tuple[str, ...], DictConfig] = {}

    def __call__(self, words: list[str]) -> DictConfig:
        """Composes overrides; the returned configuration includes the `hydra` node."""
        overrides = self._parse(words)
        choices = tuple(str(one.input_line) for one in overrides if one.key_or_group in self._groups)
        if choices not in self._bases:
            self._bases[choices] = self._loader.load_configuration("config", list(choices), RunMode.RUN)
            mark_secrets_in(str([OmegaConf.to_container(self._bases[choices][group], resolve=False) for group in TRIAL_GROUPS]))
        mark_secrets_in(" ".join(words))
        base = self._bases[choices]
        composed = copy.deepcopy(base)
        values = [one for one in overrides if one.input_line not in choices]
        ConfigLoaderImpl._apply_overrides_to_config(values, composed)
        for one in values:
            for path, value in leaves(one.value(), one.key_or_group).items():
                if type(value) is int and isinstance(OmegaConf.select(base, path, throw_on_resolution_failure=False), float):
                    OmegaConf.update(composed, path, float(value))
        settle(composed)
        composed.hydra.overrides.task = words
        if not OmegaConf.is_interpolation(composed.hydra.job, "override_dirname"):  # Hydra 1.4 computes it when it is read
            named = composed.hydra.job.config.override_dirname
            lines = sorted(str(one.input_line) for one in overrides if one.key_or_group not in named.exclude_keys)
            composed.hydra.job.override_dirname = named.item_sep.join(lines).replace("=", named.kv_sep)
        return composed
