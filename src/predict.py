"""Predicts with the champion:  python -m src.predict file=shoe.png

The file is a picture, a .csv with a column per input, a .npy of inputs, a .npz with an array per input, or a .txt with a text per line.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from hydra.core.config_loader import ConfigLoader

from src.config.arguments import read_arguments
from src.config.command_line import conf_loader, tracking_uri
from src.errors import ConfigError, TrialbookError, did_you_mean
from src.events import DIGITS
from src.exits import exit_on_error
from src.terminal import Terminal

if TYPE_CHECKING:
    import keras
    import pandas as pd

    from src.datasets.scale import Scale
    from src.models import Interface

SHOWN = 3  # classes of one picture
MOST_ROWS = 20


@dataclass(frozen=True)
class Arguments:
    """The arguments of the command.

    Attributes:
        file: the inputs.
        image: another word for file.
        model: name of a registered model, if there are several.
        format: table, or json.
        most: largest number of answers; 20 for a table.
    """

    file: str = ""
    image: str = ""
    model: str = ""
    format: Literal["table", "json"] = "table"
    most: int = 0


def main() -> int:
    """Prints the champion's answers; returns the exit code."""
    with exit_on_error():
        arguments = read_arguments(Arguments, sys.argv[1:], __doc__)
        if bool(arguments.file) == bool(arguments.image):
            raise ConfigError(["expected file=PATH, a picture, .csv, .npy, .npz or .txt"])
        terminal = Terminal()
        with terminal.waiting("loading TensorFlow and the champion"), conf_loader() as loader:
            from src.promotion.input_file import read_inputs

            network, interface, scale = champion(arguments.model, loader)
        path = arguments.file or arguments.image
        x, changes = read_inputs(Path(path), interface.example)
        if scale and (mistake := scale.mistake(x)):
            raise TrialbookError(f"file={path}: {mistake}")
        answer = interface.answer(network, x)
        if arguments.format == "json":
            print(answer[: arguments.most or None].to_json(orient="records", double_precision=DIGITS))  # noqa: T201
            return 0
        if changes:
            terminal.say(f"{path}: {'; '.join(changes)}")
        show(terminal, answer, arguments.most or MOST_ROWS)
    return 0


def champion(model: str, loader: ConfigLoader) -> "tuple[keras.Model, Interface, Scale | None]":
    """Returns the network of a champion with its weights, its interface, and the scale of its inputs.

    Args:
        model: name of a registered model; empty if there is only one.

    Raises:
        TrialbookError: there is no champion, or it cannot be loaded.
    """
    from src.promotion.candidate import load_registered
    from src.tracking.registry import Registry
    from src.tracking.served import scale_of

    registry = Registry(tracking_uri(loader))
    names = registry.names
    if not model and len(names) > 1:
        raise TrialbookError(f"there are several models; which one? Expected model={' or model='.join(names)}")
    model = model or (names[0] if names else "")
    version = registry.version(model) if model in names else None
    if not version:
        hint = f"{did_you_mean(model, names)} Models: {', '.join(names)}" if names else "; expected one made by python -m src.promote"
        raise TrialbookError(f"{f'model={model}' if model else 'this store'} has no champion{hint}")
    return registry.load(model, str(version.version), lambda run, files: (*load_registered(run, files, loader), scale_of(files)))


def show(terminal: Terminal, answer: "pd.DataFrame", most: int = MOST_ROWS) -> None:
    """Prints the most probable classes of a single example; for several examples or another task, a row for each example."""
    if len(answer) == 1 and "probability" in answer and isinstance(answer["probability"][0], float) and len(answer.columns) > 2:
        classes = answer.iloc[0].drop(["class", "probability"]).astype(float).sort_values(ascending=False)
        for name, probability in classes[:SHOWN].items():
            terminal.say(f"{probability:.4f}  {name}")
        return
    terminal.say(answer[:most].to_string(index=False, float_format="{:.4f}".format, max_colwidth=60))
    if len(answer) > most:
        terminal.say(f"… {len(answer)} rows")


if __name__ == "__main__":
    sys.exit(main())
