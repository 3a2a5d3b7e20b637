"""`make data`: puts Fashion-MNIST into the cache, from Keras' address or else from Debian's package."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from src.datasets import fashion_mnist, idx
from src.datasets.fashion_mnist import DIGESTS, SYSTEM, cache
from src.errors import DataError
from src.exits import exit_on_error

PACKAGE = "dataset-fashion-mnist"


def from_debian() -> None:
    """Downloads Debian's package and unpacks it into the cache, without root.

    Raises:
        OSError, ValueError, subprocess.CalledProcessError: there is no apt-get or no package, or its files are not the published ones.
    """
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise OSError("this machine has no apt-get")
    with tempfile.TemporaryDirectory() as folder:
        command = ["apt-get", "download", "-q", PACKAGE]
        if _run(command, folder).returncode:
            _run(["apt-get", "update", "-q"], folder)  # package lists may be empty; without root this fails
            _run(command, folder).check_returncode()
        package = next(Path(folder).glob("*.deb"))
        _run(["dpkg-deb", "-x", str(package), folder], folder).check_returncode()
        unpacked = Path(folder) / SYSTEM.relative_to("/")
        for name, digest in DIGESTS.items():
            idx.store((unpacked / name).read_bytes(), cache() / name, digest)


def _run(command: list[str], folder: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603  constant commands


def _from_cache_or_keras() -> None:
    fashion_mnist.load(folder=None, validation_split=0.2, split_seed=42).test()


def main() -> None:
    """Fetches the files that are missing.

    Raises:
        DataError: no source has them.
    """
    failures = []
    for source in (_from_cache_or_keras, from_debian):
        try:
            source()
        except (OSError, ValueError, DataError, subprocess.CalledProcessError) as error:
            failures.append(str(error))
        else:
            print("Fashion-MNIST is on this machine.")  # noqa: T201
            return
    advice = f"Debian's package {PACKAGE} cannot be fetched either. Put the four *-ubyte.gz files into a folder and set data.folder=FOLDER"
    raise DataError("\n".join([*failures, advice]))


if __name__ == "__main__":
    with exit_on_error():
        main()
