"""Finds the provenance of a result: the commit, code and packages that produced it."""

import hashlib
import platform
import subprocess
from importlib.metadata import distributions, version
from pathlib import Path

from src import files
from src.config.paths import ROOT
from src.redaction import redacted
from src.study.sources import python_files

TRAINING = ("keras", "tensorflow", "scikit-learn", "numpy")  # packages whose code a trial runs
PACKAGES = (*TRAINING[:2], "keras-tuner", "mlflow", "hydra-core", *TRAINING[2:])


def code_patch() -> bytes:
    """Returns the patch from the commit to this code, including new files, without secrets; empty without git or changes."""
    own = [name for name in python_files(ROOT) if not name.startswith("src/")] if Path.cwd() == ROOT else []
    new = _git("ls-files", "--others", "--exclude-standard", "--", "src", "conf", "sweeps", *own).decode().splitlines()
    patch = _git("diff", "--binary", "HEAD") + b"".join(_git("diff", "--binary", "--no-index", "/dev/null", file) for file in new)
    return redacted(patch.decode(errors="surrogateescape")).encode(errors="surrogateescape")


def write_later_patch(folder: Path, first_commit: str) -> None:
    """Writes the patch of the code that resumes a sweep, beside the `code.patch` of its first trials."""
    first, patch = folder / "code.patch", code_patch()
    if commit() != first_commit or not first.exists() or first.read_bytes() != patch:
        files.write(folder / patch_name(code_digest()), patch)


def patch_name(code: str) -> str:
    """Returns the name of the file with the patch of a code that resumed a sweep; `code` is its digest."""
    return f"code-{code.rpartition('+')[2][:12]}.patch"


def commit() -> str:
    """Returns the commit of this code; empty outside of git."""
    return _git("rev-parse", "HEAD").decode().strip()


def code_digest() -> str:
    """Returns the SHA-256 of the Python files that a trial may run; works without git."""
    digest = hashlib.sha256()
    for name, file in python_files(ROOT).items():
        digest.update(f"{name}\0{file.stat().st_size}\0".encode() + file.read_bytes())
    return digest.hexdigest()


def installed_packages() -> bytes:
    """Returns the installed packages, as `pip freeze` prints them."""
    found = {f"{package.name}=={package.version}" for package in distributions()}
    return "\n".join(sorted(found, key=str.lower)).encode()


def versions() -> str:
    """Returns the versions of Python and of the packages that may influence results, as one text."""
    return f"python {platform.python_version()}, {', '.join(f'{package} {version(package)}' for package in PACKAGES)}"


def training_packages(versions: str) -> str:
    """Returns the part of `versions` whose code a trial runs; another version of these packages counts as other code.

    >>> training_packages("python 3.12.1, keras 3.12.0, mlflow 3.6.0, numpy 2.3.4")
    'keras 3.12.0, numpy 2.3.4'
    """
    return ", ".join(part for part in versions.split(", ") if part.partition(" ")[0] in TRAINING)


def mixed(then: str, now: str) -> str:
    """Returns the code, or the packages, recorded for a trial that continues a training of other code or packages.

    >>> mixed("3f2a", "91ab"), mixed("3f2a+91ab", "91ab"), mixed("", "91ab")
    ('3f2a+91ab', '3f2a+91ab', '?+91ab')
    """
    return then if now in then.split("+") else f"{then or '?'}+{now}"


def code_dirty() -> str:
    """Returns "true" if the code differs from its commit, otherwise "false"."""
    return str(bool(code_patch())).lower()


def _git(*arguments: str) -> bytes:
    try:
        return subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, check=False).stdout  # noqa: S603, S607
    except FileNotFoundError:
        return b""
