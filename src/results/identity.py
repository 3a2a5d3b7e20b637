"""What the results in a study are results of: its rows say it; of a study of schema 1 the files beside it say what is left."""

import hashlib
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf

from src.config.paths import TRIAL_GROUPS, TRIAL_KEYS, active_leaves
from src.errors import TrialbookError
from src.space import active_hash
from src.space.origin import Origin
from src.space.values import canonical, of_texts
from src.states import TrialState
from src.study.folders import of_trial
from src.study.provenance import training_packages
from src.study.schema import TrialRow
from src.study.store import Store


class Identifier:
    """Tells for the rows of one study what they are results of."""

    def __init__(self, store: Store) -> None:
        self._store, self._meta, self._folder = store, store.meta(), store.folder
        self._read: dict[str, dict[str, Any]] = {}  # overrides but the seed → configuration in a file

    def configuration(self, row: TrialRow) -> tuple[str, str, dict[str, Any]]:
        """Hash of the configuration's values, the same without the seed, and the values; the last two empty where they are not known."""
        if row.config_hash:
            return row.active_hash, row.config_hash, row.configuration
        if config := self._of_file(row):
            chosen = self._choices | {key: value for key, value in of_texts(row.point).items() if key in TRIAL_GROUPS}
            active = active_leaves(config)
            there = {group: option for group, option in chosen.items() if any(key.startswith(f"{group}.") for key in active)}
            return active_hash(config), active_hash(config, seed=False), {**there, **active}
        return row.active_hash, "", {}

    def origin(self, row: TrialRow, *, recorded: bool) -> Origin:
        """Data, code and packages."""
        if row.config_hash is not None:
            return Origin(recorded, row.data_digest or "", row.code or "", row.packages or "")
        return Origin(recorded, self._data_of_old(row), self._old_code, training_packages(self._meta.get("versions", "")))

    def _data_of_old(self, row: TrialRow) -> str:
        """What the study says of its data: those of the first trial that finished, and of all that name the same ones."""
        return self._meta.get("data_digest", "") if _words_of_data(row) == self._first_words else ""

    @cached_property
    def _first_words(self) -> str:
        finished = [row for row in self._store.trials() if row.state == TrialState.FINISHED and row.ended]
        return _words_of_data(min(finished, key=lambda row: row.ended or 0.0)) if finished else ""

    @cached_property
    def _old_code(self) -> str:
        """SHA-256 of commit and patch; nothing where they are not there."""
        patch = self._folder / "code.patch" if self._folder else None
        commit = self._meta.get("commit", "")
        return hashlib.sha256(commit.encode() + patch.read_bytes()).hexdigest() if commit and patch and patch.exists() else ""

    @cached_property
    def _choices(self) -> dict[str, str]:
        """Group → its option, where no override names it."""
        base = yaml.load(self._meta.get("base_config", "{}"), yaml.CSafeLoader)
        choices = base.get("hydra", {}).get("runtime", {}).get("choices", {})
        return {group: str(choices[group]) for group in TRIAL_GROUPS if group in choices}

    def _of_file(self, row: TrialRow) -> dict[str, Any]:
        """The configuration in a trial's folder; nothing where it is not there. Trials that differ in their seeds alone have one."""
        point = row.point
        words = canonical({key: text for key, text in point.items() if key != "seed"})
        if words not in self._read:
            file = of_trial(self._folder, row.number) / ".hydra" / "config.yaml" if self._folder else Path()
            self._read[words] = parsed(file.read_text(), f"{file}") if file.is_file() else {}
        config = self._read[words]
        return {**config, "seed": of_texts(point)["seed"]} if config and "seed" in point else config


def _words_of_data(row: TrialRow) -> str:
    return canonical({key: value for key, value in of_texts(row.point).items() if key.partition(".")[0] == "data"})


def parsed(text: str, place: str) -> dict[str, Any]:
    """A trial's part of a stored config.yaml; what it would look up elsewhere is not looked up.

    Raises:
        TrialbookError: it has aliases, of which a few could mean billions of keys.
    """
    if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.CSafeLoader)):
        raise TrialbookError(f"{place} has aliases; expected what Trialbook writes.")
    config: dict[str, Any] = OmegaConf.to_container(OmegaConf.create(text))  # type: ignore[assignment]
    return {key: config[key] for key in TRIAL_KEYS if key in config}
