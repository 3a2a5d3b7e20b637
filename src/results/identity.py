"""The identity of results: the configuration, data, code and packages that they belong to.

The rows of a study record it. For a study of schema 1, the files beside it tell what is left.
"""

import hashlib
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf

from src.config.paths import REPEATS, TRIAL_GROUPS, TRIAL_KEYS, active_leaves
from src.errors import TrialbookError
from src.results.entries import data_settings
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
        self._read: dict[str, dict[str, Any]] = {}  # overrides without the seed → configuration from a file

    def configuration(self, row: TrialRow) -> tuple[str, str, dict[str, Any]]:
        """Returns the configuration of a row.

        Returns:
            Hash of its values, hash of its values without the seed, and the values; the last two are empty if they are not known.
        """
        if row.config_hash:
            return row.active_hash, row.config_hash, row.configuration
        if config := self._of_file(row):
            options = self._choices | {key: value for key, value in of_texts(row.point).items() if key in TRIAL_GROUPS}
            active = active_leaves(config)
            used = {group: option for group, option in options.items() if any(key.startswith(f"{group}.") for key in active)}
            return active_hash(config), active_hash(config, repeats=False), {**used, **active}
        return row.active_hash, "", {}

    def origin(self, row: TrialRow, *, recorded: bool) -> Origin:
        """Returns the data, code and packages of a row.

        Args:
            recorded: the values of the configuration are known.
        """
        if row.config_hash is not None:
            return Origin(recorded, row.data_digest or "", row.code or "", row.packages or "")
        return Origin(recorded, self._data_of_old(row), self._old_code, training_packages(self._meta.get("versions", "")))

    def _data_of_old(self, row: TrialRow) -> str:
        """Returns the digest that the study records: that of the first trial that finished. Empty if the row names other data."""
        return self._meta.get("data_digest", "") if data_settings(of_texts(row.point)) == self._first_data_settings else ""

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
    def _choices(self) -> dict[str, str]:
        """Group → the option that it has without overrides."""
        base = yaml.load(self._meta.get("base_config", "{}"), yaml.CSafeLoader)
        choices = base.get("hydra", {}).get("runtime", {}).get("choices", {})
        return {group: str(choices[group]) for group in TRIAL_GROUPS if group in choices}

    def _of_file(self, row: TrialRow) -> dict[str, Any]:
        """Returns the configuration in a trial's folder; empty if the file is missing. Trials that differ only in the seed share one file."""
        point = row.point
        unseeded = canonical({key: text for key, text in point.items() if key not in REPEATS})
        if unseeded not in self._read:
            file = of_trial(self._folder, row.number) / ".hydra" / "config.yaml" if self._folder else Path()
            self._read[unseeded] = parsed(file.read_text(), f"{file}") if file.is_file() else {}
        config = self._read[unseeded]
        repeats = {key: value for key, value in of_texts(point).items() if key in REPEATS}
        if config and repeats:
            own = {"data": {**config["data"], "fold": repeats["data.fold"]}} if "data.fold" in repeats else {}
            return {**config, **own, **({"seed": repeats["seed"]} if "seed" in repeats else {})}
        return config


def parsed(text: str, place: str) -> dict[str, Any]:
    """Reads the trial's part of a stored config.yaml. Interpolations, which may read the environment, are not resolved.

    Raises:
        TrialbookError: it has aliases; a few of them could expand to billions of keys.
    """
    if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.CSafeLoader)):
        raise TrialbookError(f"{place} has aliases; expected what Trialbook writes.")
    config: dict[str, Any] = OmegaConf.to_container(OmegaConf.create(text))  # type: ignore[assignment]
    return {key: config[key] for key in TRIAL_KEYS if key in config}
