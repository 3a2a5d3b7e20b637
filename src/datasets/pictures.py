"""Pictures in folders, read while a model trains, so that they need not fit in memory."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from src.datasets import Dataset, Examples, split
from src.errors import DataError
from src.tasks.classes import Classes

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")
EIGHT_BITS = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "LAB")  # modes of Pillow; others would be cut off


def load(*, path: str, height: int, width: int, channels: int, **options: Any) -> Dataset:
    """Loads a folder of pictures per class, in `path`; or in `path/train` and `path/test`, if there is a test split.

    Pictures are scaled to [0, 1] and resized. The data digest covers paths, sizes and modification times, not pixels.

    Args:
        channels: 1 for grey, 3 for colours.
        options: arguments of `split`.

    Raises:
        DataError: there are fewer than two folders, or a folder without pictures.
    """
    root = Path(path) / "train" if (Path(path) / "train").is_dir() else Path(path)
    names = tuple(sorted(folder.name for folder in root.iterdir() if folder.is_dir() and not folder.name.startswith(".")))
    x, y = _listed(root, names)
    data = split(x, y, Classes(names), partial(_test, Path(path), names), **options)
    return replace(data, read=partial(_pictures, height, width, channels))


def _listed(root: Path, names: tuple[str, ...]) -> Examples:
    """Returns the paths of all pictures, and the class of each."""
    found = {name: sorted(str(file) for file in (root / name).rglob("*") if file.suffix.lower() in SUFFIXES) for name in names}
    empty = [name for name, files in found.items() if not files]
    if len(names) < 2 or empty:
        received = f"no pictures in {', '.join(empty)}" if empty else f"{len(names)} folders ({', '.join(names) or 'none'})"
        raise DataError(f"{root}: {received}; expected a folder for each class, with pictures ({', '.join(SUFFIXES)}).")
    counts = [len(files) for files in found.values()]
    return np.concatenate(list(found.values())), np.repeat(np.arange(len(names)), counts)


def _test(path: Path, names: tuple[str, ...]) -> Examples:
    if not (path / "test").is_dir() or not (path / "train").is_dir():
        raise DataError(f"{path}: no folders train/ and test/; promotion opens a test split, expected one.")
    return _listed(path / "test", names)


def _pictures(height: int, width: int, channels: int, paths: np.ndarray) -> np.ndarray:
    """Reads pictures, shape (n, height, width, channels), float32 in [0, 1]."""
    mode = "L" if channels == 1 else "RGB"
    found = np.empty((len(paths), height, width, channels), np.float32)
    for number, path in enumerate(paths):
        name = path.decode() if isinstance(path, bytes) else str(path)
        try:
            with Image.open(name) as picture:
                if picture.mode not in EIGHT_BITS:
                    raise OSError(f"its pixels are of the kind {picture.mode}, which is not supported")
                small = picture.convert(mode).resize((width, height), Image.Resampling.BILINEAR)
        except OSError as error:
            raise DataError(f"{name}: {error}. Expected a picture of 8 bits for each colour.") from error
        found[number] = np.asarray(small, np.float32).reshape(height, width, channels) / 255
    return found
