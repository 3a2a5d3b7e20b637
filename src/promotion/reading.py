"""Reads a file of a user as the inputs of a model."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, UnidentifiedImageError

from src.datasets import Tree, trees
from src.datasets.pictures import EIGHT_BITS
from src.errors import TrialbookError
from src.tracking import inputs

WHITE = 255
LIGHT = 0.5  # a border lighter than this is taken for paper
MODES = {(): "L", (1,): "L", (3,): "RGB", (4,): "RGBA"}  # axes after height and width → mode of Pillow
ARRAYS = (".npy", ".npz")


def read_inputs(path: Path, example: Tree) -> tuple[Tree, list[str]]:
    """Reads a picture, a .csv, a .npy, a .npz or a .txt with a text per line.

    Args:
        example: a batch of one input, whose kind, shape and dtype the inputs get.

    Returns:
        The inputs (n, …), and a list of what was changed.

    Raises:
        TrialbookError: the file cannot be read, or holds no such inputs.
    """
    try:
        if path.suffix in ARRAYS:
            return inputs.taken(_arrays(path, example), example), []
        if path.suffix == ".csv":
            return inputs.taken(_table(_read_csv(path, example), example), example), []
        if path.suffix == ".txt":
            return inputs.taken(np.array(path.read_text().splitlines()), example), []
    except (OSError, ValueError, pd.errors.ParserError) as error:
        raise TrialbookError(f"file={path}: {error}") from error
    x, changes = read_picture(str(path), _shape(example), light=_is_light(example[0] / (WHITE if example.dtype.kind == "u" else 1)))
    return (np.rint(x[None] * WHITE).astype(example.dtype) if example.dtype.kind == "u" else x[None].astype(example.dtype)), changes


def _arrays(path: Path, example: Tree) -> Tree:
    found = np.load(path, allow_pickle=False)
    if path.suffix == ".npy":
        return found
    arrays = {name: found[name] for name in found.files}
    if not isinstance(example, np.ndarray):
        return arrays
    if len(arrays) > 1:
        raise ValueError(f"it has the arrays {', '.join(arrays)}; expected one, for the model has one input")
    return next(iter(arrays.values()))


def _read_csv(path: Path, example: Tree) -> pd.DataFrame:
    """Texts stay as they are written, such as 01234 and NA; an empty cell is missing."""
    kinds = {name: array.dtype.kind for name, array in trees.arrays(example).items()}
    texts = str if kinds.get("") == "U" else {name: str for name, kind in kinds.items() if kind == "U"}
    return pd.read_csv(path, dtype=texts, keep_default_na=False, na_values=[""])


def _table(table: pd.DataFrame, example: Tree) -> Tree:
    """Columns by name, or the rows of a table of numbers."""
    if not isinstance(example, np.ndarray):
        return table
    if example.dtype.kind == "U" and len(table.columns) > 1:
        raise ValueError(f"it has the columns {', '.join(map(str, table.columns))}; expected one column of texts, or a .txt")
    if example.dtype.kind != "U" and all(_is_number(name) for name in table.columns):
        raise ValueError("its first line holds numbers; expected the names of the columns there")
    return table.to_numpy() if example.dtype.kind != "U" else table.iloc[:, 0].to_numpy()


def _is_number(name: str) -> bool:
    try:
        return bool(np.isfinite(float(name)))
    except ValueError:
        return False


def _shape(example: Tree) -> tuple[int, ...]:
    """Returns the shape of a picture without its batch."""
    texts = isinstance(example, np.ndarray) and example.dtype.kind == "U"
    if not isinstance(example, np.ndarray) or example.dtype.kind not in "uf" or example.ndim < 3:
        received = "texts" if texts else f"inputs of shape {trees.text(trees.shapes(example))}"
        raise TrialbookError(f"the champion takes {received}, no pictures; expected file= with a .csv, .npy, .npz or .txt.")
    shape: tuple[int, ...] = example.shape[1:]
    return shape


def _is_light(picture: np.ndarray) -> bool:
    """Returns True if the border of a picture in [0, 1] is light."""
    return bool(np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]]).mean() > LIGHT)


def read_picture(path: str, shape: tuple[int, ...], *, light: bool = False) -> tuple[np.ndarray, list[str]]:
    """Reads a picture and converts it to the kind that the model was trained on.

    Args:
        light: the training pictures have light borders.

    Returns:
        The picture, float32 in [0, 1], of the given shape (height, width) or (height, width, channels); grey ones are inverted where
        their border is light and that of the training pictures dark. And a list of the changes.

    Raises:
        TrialbookError: the file is no picture, or the model takes no pictures.
    """
    if len(shape) < 2 or shape[2:] not in MODES:
        raise TrialbookError(f"the champion takes inputs of shape {shape}; expected one that takes pictures.")
    (height, width), mode = shape[:2], MODES[shape[2:]]
    try:
        picture = Image.open(Path(path))
        if picture.mode not in EIGHT_BITS:
            raise OSError(f"its pixels are of the kind {picture.mode}, which is not supported; expected 8 bits for each colour")
        changes = [] if picture.mode == mode else [f"{picture.mode} to {'grey' if mode == 'L' else mode}"]
        converted = picture.convert(mode)
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise TrialbookError(f"file={path}: {error}. Expected a picture such as a PNG, or a .csv, .npy, .npz or .txt.") from error
    x = np.asarray(converted, np.float32) / 255
    if mode == "L" and not light and _is_light(x):
        converted = Image.eval(converted, lambda value: 255 - value)
        changes.append("inverted, its border is light")
    if converted.size != (width, height):
        changes.append(f"resized from {converted.width}x{converted.height} to {width}x{height}")
        converted = converted.resize((width, height), Image.Resampling.BILINEAR)
    return (np.asarray(converted, np.float32) / 255).reshape(shape), changes
