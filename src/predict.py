"""Classifies a picture with the champion:  python -m src.predict image=shoe.png [model=fashion_mnist]"""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from src import trial
from src.config.arguments import read_arguments
from src.config.command_line import conf_loader, tracking_uri
from src.datasets.scale import Scale
from src.errors import TrialbookError
from src.exits import exit_on_error
from src.objective import Objective
from src.promotion.candidate import rebuild
from src.terminal import Terminal
from src.tracking.registry import Registry

LIGHT = 0.5  # a border lighter than this is taken for paper; the training pictures are light on dark
SHOWN = 3


@dataclass(frozen=True)
class Arguments:
    """The arguments of the command."""

    image: str
    model: str = "fashion_mnist"


def read_picture(path: str, shape: tuple[int, ...]) -> tuple[np.ndarray, list[str]]:
    """Reads a picture and converts it to the kind that the model was trained on.

    Returns:
        The picture, grey and light on dark, float32 in [0, 1], of the given shape (height, width); and a list of the changes.

    Raises:
        TrialbookError: the file is no picture, or the model takes no grey pictures.
    """
    if len(shape) != 2:
        raise TrialbookError(f"the champion takes inputs of shape {shape}; expected one that takes grey pictures.")
    try:
        picture = Image.open(Path(path))
        changes = [] if picture.mode == "L" else [f"{picture.mode} to grey"]
        grey = picture.convert("L")
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise TrialbookError(f"image={path}: {error}. Expected a picture such as a PNG.") from error
    x = np.asarray(grey, np.float32) / 255
    if np.concatenate([x[0], x[-1], x[:, 0], x[:, -1]]).mean() > LIGHT:
        grey = Image.eval(grey, lambda value: 255 - value)
        changes.append("inverted, its border is light")
    if grey.size != shape[::-1]:
        changes.append(f"resized from {grey.width}x{grey.height} to {shape[1]}x{shape[0]}")
        grey = grey.resize(shape[::-1], Image.Resampling.LANCZOS)
    return np.asarray(grey, np.float32) / 255, changes


def main() -> int:
    """Prints the most probable classes; returns the exit code."""
    with exit_on_error():
        arguments = read_arguments(Arguments, sys.argv[1:])
        terminal = Terminal(Objective("accuracy", "max"))
        with conf_loader() as loader:
            registry = Registry(tracking_uri(loader))
            champion = registry.version(arguments.model)
            if not champion:
                raise TrialbookError(f"model={arguments.model} has no champion; expected one made by python -m src.promote")
            prepared = rebuild(registry.runs.read(champion.run_id), loader)
        x, changes = read_picture(arguments.image, prepared.data.input_shape)
        mistake = Scale.of(prepared.data.x).mistake(x[None])
        if mistake:
            raise TrialbookError(f"image={arguments.image}: read with pixels from 0 to 1, of which {mistake}")
        probabilities = trial.probabilities(prepared, x[None])[0]
        if changes:
            terminal.say(f"{arguments.image}: {'; '.join(changes)}")
        for label in np.argsort(-probabilities)[:SHOWN]:
            terminal.say(f"{probabilities[label]:.4f}  {prepared.data.class_names[label]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
