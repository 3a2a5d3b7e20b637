"""Fashion-MNIST, read from files on this machine or downloaded from the address that Keras uses."""

import hashlib
import logging
import os
import urllib.request
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from src import files
from src.datasets import Dataset, idx, split
from src.errors import DataError, DiskFull
from src.tasks.classes import Classes

log = logging.getLogger(__name__)
ADDRESS = "https://storage.googleapis.com/tensorflow/tf-keras-datasets"
SYSTEM = Path("/usr/share/datasets/fashion-mnist")  # Debian's package
SECONDS = 15  # after which a download without an answer fails; keras.utils.get_file has no time-out
SCALED = "c8e7985e4e6a3382c3c25c81a43502a695894fef5d797f4c58a637801efb1612"  # SHA-256 of the training pictures in [0, 1]
CLASS_NAMES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
DIGESTS = {  # SHA-256 of the decompressed bytes
    "train-images-idx3-ubyte.gz": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte.gz": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte.gz": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte.gz": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}


def cache() -> Path:
    """Returns the folder in which Trialbook keeps the files."""
    return files.cache() / "fashion_mnist"


def load(*, folder: str | None, **options: Any) -> Dataset:
    """Loads the 60,000 training pictures, scaled to [0, 1], and splits them; the 10,000 test pictures stay closed.

    Args:
        folder: a folder with the four `*-ubyte.gz` files, searched first.
        options: arguments of `split`.

    Raises:
        DataError: the files were not found; the message lists every place that was tried, and the command that helps.
    """
    x, y = _shared(folder), _labels("train", folder)
    return split(x, y, Classes(CLASS_NAMES), partial(_examples, "t10k", folder), **options)


def download() -> None:
    """Downloads the files that the cache lacks.

    Raises:
        OSError: the address does not answer.
        ValueError: the downloaded bytes are not the published ones.
    """
    for name, digest in DIGESTS.items():
        if not (cache() / name).exists():
            with urllib.request.urlopen(f"{ADDRESS}/{name}", timeout=SECONDS) as answer:  # noqa: S310  a constant https address
                idx.store(answer.read(), cache() / name, digest)


def _shared(folder: str | None) -> np.ndarray:
    """Returns the training pictures in [0, 1], mapped from a cache file: decoded once, and in memory once for all processes."""
    file = cache() / "train-images.float32"
    with suppress(OSError, ValueError):
        return _mapped(file)
    x, _ = _examples("train", folder)
    with suppress(OSError, DiskFull):
        files.write(file, x.data)
        return _mapped(file)
    return x


def _mapped(file: Path) -> np.ndarray:
    """Returns the cache file as an array, shape (60000, 28, 28); raises ValueError if the file is damaged."""
    x = np.asarray(np.memmap(file, np.float32, "c", shape=(60000, 28, 28)))  # copy-on-write: a process changes only its own copy
    if hashlib.sha256(x.data).hexdigest() != SCALED:
        raise ValueError(f"{file} is damaged")
    return x


def _examples(part: str, folder: str | None) -> tuple[np.ndarray, np.ndarray]:
    """Returns the pictures in [0, 1] and the labels of a part, "train" or "t10k"."""
    pictures = _read(f"{part}-images-idx3-ubyte.gz", folder)
    scaled: np.ndarray = np.divide(pictures, 255, dtype=np.float32)
    return scaled, _labels(part, folder)


def _labels(part: str, folder: str | None) -> np.ndarray:
    return _read(f"{part}-labels-idx1-ubyte.gz", folder).astype(np.int64)


def _read(name: str, folder: str | None) -> np.ndarray:
    """Reads a file from the first place that has it undamaged; downloads it if there is none."""
    keras_home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    places = [Path(folder)] if folder else []
    places += [cache(), keras_home / "datasets" / "fashion-mnist", SYSTEM]
    tried = []
    for place in places:
        try:
            return idx.read(place / name, DIGESTS[name])
        except FileNotFoundError:
            tried.append(f"{place}: no {name}")
        except (OSError, ValueError) as error:
            tried.append(f"{place}: {error}")
            log.warning("not used: %s", error)
            if place == cache():
                with suppress(OSError):  # the cache may be read-only
                    (place / name).unlink(missing_ok=True)  # so that a damaged file is downloaded again
    try:
        download()
        return idx.read(cache() / name, DIGESTS[name])
    except (OSError, ValueError) as error:
        tried.append(f"{ADDRESS}: {error}")
    raise DataError("\n  ".join(["Fashion-MNIST was not found. Tried:", *tried, "To fetch it: make data"]))
