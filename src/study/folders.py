"""Folders of sweeps and trials, and the composed configurations in them."""

import hashlib
import secrets
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from omegaconf import DictConfig, OmegaConf
from omegaconf._utils import get_omega_conf_dumper

from src import files
from src.redaction import redacted


class _Dumper(yaml.CDumper):  # type: ignore[misc]
    """Writes the same text as OmegaConf.to_yaml in a tenth of the time (2 ms instead of 20 ms per trial)."""

    yaml_representers = get_omega_conf_dumper().yaml_representers


def create(parent: Path) -> Path:
    """Creates a folder named by UTC time and four random hex digits, so two starts in one second get two folders."""
    while True:
        folder = parent / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
        with files.room_for(folder, 0), suppress(FileExistsError):
            parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir()
            return folder


def of_trial(folder: Path, number: int) -> Path:
    """Returns the folder of a trial, inside the folder of its sweep."""
    return folder / f"{number:05d}"


def bytes_in(folder: Path) -> int:
    """Returns the bytes of all files in a folder; a file that is removed meanwhile counts as empty."""
    total = 0
    for file in folder.rglob("*"):
        with suppress(FileNotFoundError):
            total += file.stat().st_size if file.is_file() else 0
    return total


def write_composition(folder: Path, composed: DictConfig, overrides: list[str]) -> str:
    """Writes a trial's `.hydra/{config,hydra,overrides}.yaml`, as Hydra does; returns the SHA-256 of `config.yaml`."""
    texts = composition(composed) | {"overrides": _yaml(overrides)}
    for name, text in texts.items():
        files.write(folder / ".hydra" / f"{name}.yaml", text)
    return hashlib.sha256(texts["config"]).hexdigest()


def composition(composed: DictConfig) -> dict[str, bytes]:
    """Returns the contents of a trial's `config.yaml` and `hydra.yaml`, without secrets."""
    config: dict[str, Any] = OmegaConf.to_container(composed, enum_to_str=True)  # type: ignore[assignment]
    hydra = {"hydra": config.pop("hydra")}
    return {"config": _yaml(config), "hydra": _yaml(hydra)}


def _yaml(node: Any) -> bytes:
    text = yaml.dump(node, Dumper=_Dumper, default_flow_style=False, allow_unicode=True, sort_keys=False)
    return redacted(text).encode()
