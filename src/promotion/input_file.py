"""Reads a user's file as inputs of a model."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageOps, UnidentifiedImageError

from src.datasets import Tree, trees
from src.datasets.pictures import EIGHT_BITS
from src.errors import TrialbookError
from src.tracking import inputs

WHITE = 255  # of eight bits
LIGHT = 0.5  # mean brightness of the border from which on a picture counts as light, such as a drawing on paper
MODES = {(): "L", (1,): "L", (3,): "RGB", (4,): "RGBA"}  # shape after height and width → mode of Pillow
ARRAYS = (".npy", ".npz")


def read_inputs(path: Path, example: Tree) -> tuple[Tree, list[str]]:
    """Reads a picture, a .csv, a .npy, a .npz, or a .txt with one text per line.

    Returns:
        The inputs (n, …), of the kind, shape and dtype of `example`, a batch of one input; and a list of the changes made to them.

    Raises:
        TrialbookError: the file cannot be read, or does not contain such inputs.
    """
    try:
        if path.suffix in ARRAYS:
            return inputs.conform(_arrays(path, example), example), []
        if path.suffix == ".csv":
            return inputs.conform(_inputs_of(_read_csv(path, example), example), example), []
        if path.suffix == ".txt":
            return inputs.conform(np.array(path.read_text().splitlines()), example), []
    except (OSError, ValueError, pd.errors.ParserError) as error:
        raise TrialbookError(f"file={path}: {error}") from error
    shape = _picture_shape(example)
    white = WHITE if example.dtype.kind == "u" else 1  # unsigned integers go from 0 to 255, fractions from 0 to 1
    x, changes = read_picture(str(path), shape, light=_is_light(example[0] / white))
    scaled = x[None] * white
    if example.dtype.kind == "u":
        scaled = np.rint(scaled)
    return scaled.astype(example.dtype), changes


def _arrays(path: Path, example: Tree) -> Tree:
    found = np.load(path, allow_pickle=False)
    if path.suffix == ".npy":
        return found
    arrays = {name: found[name] for name in found.files}
    if not isinstance(example, np.ndarray):
        return arrays
    if len(arrays) > 1:
        raise ValueError(f"it has the arrays {', '.join(arrays)}; expected one, because the model has one input")
    return next(iter(arrays.values()))


def _read_csv(path: Path, example: Tree) -> pd.DataFrame:
    """Reads a table. Texts such as 01234 and NA stay as they are written; an empty cell is a missing value."""
    kinds = {name: array.dtype.kind for name, array in trees.arrays(example).items()}
    texts = str if kinds.get("") == "U" else {name: str for name, kind in kinds.items() if kind == "U"}
    return pd.read_csv(path, dtype=texts, keep_default_na=False, na_values=[""])


def _inputs_of(table: pd.DataFrame, example: Tree) -> Tree:
    """Converts a table: columns by name for several inputs, a column of texts, or the rows of a table of numbers."""
    if not isinstance(example, np.ndarray):
        return table
    if example.dtype.kind == "U":
        if len(table.columns) > 1:
            raise ValueError(f"it has the columns {', '.join(map(str, table.columns))}; expected one column of texts, or a .txt")
        return table.iloc[:, 0].to_numpy()
    if all(_is_number(name) for name in table.columns):
        raise ValueError("its first line holds numbers; expected the names of the columns there")
    return table.to_numpy()


def _is_number(name: str) -> bool:
    try:
        return bool(np.isfinite(float(name)))
    except ValueError:
        return False


def _picture_shape(example: Tree) -> tuple[int, ...]:
    """Returns the shape of one picture in a batch; raises a TrialbookError if these are no pictures."""
    if not isinstance(example, np.ndarray) or example.dtype.kind not in "uf" or example.ndim < 3:
        is_text = isinstance(example, np.ndarray) and example.dtype.kind == "U"
        expected = "texts" if is_text else f"inputs of shape {trees.text(trees.shapes(example))}"
        raise TrialbookError(f"the champion takes {expected}, no pictures; expected file= with a .csv, .npy, .npz or .txt.")
    shape: tuple[int, ...] = example.shape[1:]
    return shape


def _is_light(picture: np.ndarray) -> bool:
    """Returns True if the border of a picture with values in [0, 1] is light."""
    return bool(np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]]).mean() > LIGHT)


def read_picture(path: str, shape: tuple[int, ...], *, light: bool = False) -> tuple[np.ndarray, list[str]]:
    """Reads a picture, and converts it to the kind of picture on which the model was trained.

    Returns:
        The picture, float32 in [0, 1], of the given shape (height, width) or (height, width, channels), and a list of the changes. A grey
        picture with a light border is inverted unless the training pictures have `light` borders, too.

    Raises:
        TrialbookError: the file is not a picture, or the model does not take pictures.
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
    if mode == "L" and not light and _is_light(np.asarray(converted, np.float32) / WHITE):
        converted = ImageOps.invert(converted)
        changes.append("inverted, its border is light")
    if converted.size != (width, height):
        changes.append(f"resized from {converted.width}x{converted.height} to {width}x{height}")
        converted = converted.resize((width, height), Image.Resampling.BILINEAR)
    return (np.asarray(converted, np.float32) / WHITE).reshape(shape), changes
