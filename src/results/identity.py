"""Finds the identity of results: their configuration, data, code and packages.

The rows of a study record it. For a study of schema 1, it is read from the files beside it, as far as they tell.
"""

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf

from src.config.paths import TRIAL_GROUPS, TRIAL_KEYS, active_leaves
from src.errors import TrialbookError
from src.redaction import all_redacted
from src.results.entries import FOLD, data_settings, without_repeats
from src.space import active_hash
from src.space.origin import Origin
from src.space.values import canonical, of_texts
from src.states import TrialState
from src.study.folders import of_trial
from src.study.provenance import training_packages
from src.study.schema import TrialRow
from src.study.store import Store


class Identifier:
    """Finds the configuration and the origin of the rows of one study."""

    def __init__(self, store: Store) -> None:
        self._store, self._meta, self._folder = store, store.meta(), store.folder
        self._read: dict[str, dict[str, Any]] = {}  # overrides without seed and fold → configuration from a file

    def configuration(self, row: TrialRow) -> tuple[str, str, dict[str, Any]]:
        """Returns the configuration of a row.

        Returns:
            Hash of its values, hash of its values without seed and fold, and the values; the last two are empty if they are not known.
        """
        if row.config_hash:
            return row.active_hash, row.config_hash, row.configuration
        config = self._of_file(row)
        if not config:
            return row.active_hash, "", {}
        return active_hash(config), active_hash(config, repeats=False), recorded_values(config, self._options | of_texts(row.point))

    def origin(self, row: TrialRow, *, recorded: bool) -> Origin:
        """Returns the data, code and packages of a row; `recorded` is True if the values of its configuration are known."""
        if row.config_hash is not None:
            return Origin(recorded, row.data_digest or "", row.code or "", row.packages or "")
        is_first = data_settings(of_texts(row.point)) == self._first_data_settings
        data = self._meta.get("data_digest", "") if is_first else ""  # the study's digest is that of the first finished trial
        return Origin(recorded, data, self._old_code, training_packages(self._meta.get("versions", "")))

    @cached_property
    def _first_data_settings(self) -> str:
        finished = [row for row in self._store.trials() if row.state == TrialState.FINISHED and row.ended]
        first = min(finished, key=lambda row: row.ended or 0.0, default=None)
        return data_settings(of_texts(first.point)) if first else ""

    @cached_property
    def _old_code(self) -> str:
        """SHA-256 of commit and patch; empty if either is missing."""
        commit = self._meta.get("commit", "")
        patch = self._folder / "code.patch" if self._folder else None
        if not commit or not patch or not patch.exists():
            return ""
        return hashlib.sha256(commit.encode() + patch.read_bytes()).hexdigest()

    @cached_property
    def _options(self) -> dict[str, str]:
        return default_options(yaml.load(self._meta.get("base_config", "{}"), yaml.CSafeLoader))

    def _of_file(self, row: TrialRow) -> dict[str, Any]:
        """Returns the configuration in a trial's folder; empty without one. Trials that differ only in seed or fold share a file."""
        shared = canonical(without_repeats(row.point))
        if shared not in self._read:
            file = of_trial(self._folder, row.number) / ".hydra" / "config.yaml" if self._folder else Path()
            self._read[shared] = parsed(file.read_text(), f"{file}") if file.is_file() else {}
        config, own = dict(self._read[shared]), of_texts(row.point)
        if config and "seed" in own:
            config["seed"] = own["seed"]
        if config and FOLD in own:
            config["data"] = {**config["data"], "fold": own[FOLD]}
        return config


def default_options(base_config: Mapping[str, Any]) -> dict[str, str]:
    """Returns group → its option in the configuration that a sweep composes without its axes."""
    choices = base_config.get("hydra", {}).get("runtime", {}).get("choices", {})
    return {group: str(choices[group]) for group in TRIAL_GROUPS if group in choices}


def recorded_values(config: dict[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Returns every active value of a trial by config path, and the option of every group that has one."""
    active = active_leaves(config)
    used = {key.partition(".")[0] for key in active if "." in key}
    return {**{group: options[group] for group in TRIAL_GROUPS if group in used and group in options}, **active}


def as_stored(values: dict[str, Any]) -> dict[str, Any]:
    """Returns values as a study has them: without secrets, and as JSON."""
    stored: dict[str, Any] = json.loads(json.dumps(all_redacted(values), default=str))
    return stored


def parsed(text: str, place: str) -> dict[str, Any]:
    """Parses the trial's part of a stored config.yaml; does not resolve interpolations, which may read the environment.

    Raises:
        TrialbookError: it has aliases, a few of which could expand to billions of keys; the message begins with `place`.
    """
    if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.CSafeLoader)):
        raise TrialbookError(f"{place} has aliases; expected what Trialbook writes.")
    config: dict[str, Any] = OmegaConf.to_container(OmegaConf.create(text))  # type: ignore[assignment]
    return {key: config[key] for key in TRIAL_KEYS if key in config}
