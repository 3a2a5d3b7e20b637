"""The folder of a sweep or of a single trial: its id, and what repeats it."""

import hashlib
import secrets
import subprocess
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import yaml
from omegaconf import DictConfig, OmegaConf
from omegaconf._utils import get_omega_conf_dumper

from src import files
from src.config.paths import ROOT
from src.redaction import redacted


class _Dumper(yaml.CDumper):  # type: ignore[misc]
    """Writes what OmegaConf.to_yaml writes, in a tenth of its 20 ms a trial."""

    yaml_representers = get_omega_conf_dumper().yaml_representers


def create(parent: Path) -> Path:
    """A new folder named by its id, UTC time and four hex digits; two starts in the same second get two folders."""
    while True:
        folder = parent / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
        with files.room_for(folder, 0), suppress(FileExistsError):
            parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir()
            return folder


def of_trial(folder: Path, number: int) -> Path:
    """A trial's own folder in that of its sweep."""
    return folder / f"{number:05d}"


def write_composition(folder: Path, composed: DictConfig, overrides: list[str]) -> str:
    """Writes Hydra's `.hydra/{config,hydra,overrides}.yaml` of a trial; returns the SHA-256 of `config.yaml`."""
    texts = composition(composed) | {"overrides": _yaml(overrides)}
    for name, text in texts.items():
        files.write(folder / ".hydra" / f"{name}.yaml", text)
    return hashlib.sha256(texts["config"]).hexdigest()


def composition(composed: DictConfig) -> dict[str, bytes]:
    """The text of a trial's `config.yaml` and `hydra.yaml`, without secrets."""
    config: dict[str, Any] = OmegaConf.to_container(composed, enum_to_str=True)  # type: ignore[assignment]
    hydra = {"hydra": config.pop("hydra")}
    return {"config": _yaml(config), "hydra": _yaml(hydra)}


def _yaml(node: Any) -> bytes:
    text = yaml.dump(node, Dumper=_Dumper, default_flow_style=False, allow_unicode=True, sort_keys=False)
    return redacted(text).encode()


def code_patch() -> bytes:
    """What differs from the commit, new files of code and configuration included, no secrets; empty without git or a difference."""
    new = _git("ls-files", "--others", "--exclude-standard", "--", "src", "conf", "sweeps", "hydra_plugins").decode().splitlines()
    patch = _git("diff", "--binary", "HEAD") + b"".join(_git("diff", "--binary", "--no-index", "/dev/null", file) for file in new)
    return redacted(patch.decode(errors="surrogateescape")).encode(errors="surrogateescape")


def write_other_code(folder: Path, first_commit: str) -> None:
    """Writes beside a sweep's `code.patch`, which is that of its first trials, the patch of the code with which it goes on."""
    first, patch = folder / "code.patch", code_patch()
    if commit() != first_commit or not first.exists() or first.read_bytes() != patch:
        files.write(folder / patch_name(code()), patch)


def patch_name(code: str) -> str:
    """The file in which the patch of a later code is kept."""
    return f"code-{code.rpartition('+')[2][:12]}.patch"


def commit() -> str:
    """The commit of this code, or nothing outside of git."""
    return _git("rev-parse", "HEAD").decode().strip()


def code() -> str:
    """SHA-256 of the Python files of src/: of all code of this repository that a trial runs, committed or not, with git or without."""
    digest = hashlib.sha256()
    for file in sorted((ROOT / "src").rglob("*.py")):
        digest.update(f"{file.relative_to(ROOT).as_posix()}\0{file.stat().st_size}\0".encode() + file.read_bytes())
    return digest.hexdigest()


def packages() -> bytes:
    """The installed packages, as `pip freeze` prints them."""
    found = {f"{package.name}=={package.version}" for package in distributions()}
    return "\n".join(sorted(found, key=str.lower)).encode()


def _git(*arguments: str) -> bytes:
    try:
        return subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, check=False).stdout  # noqa: S603, S607
    except FileNotFoundError:
        return b""
