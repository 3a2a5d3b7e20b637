"""Runs one trial, or with -m a sweep:  python -m src.sweep -m optimizer=sgd,adam,rmsprop"""

import atexit
import gc
import sys

import hydra
from omegaconf import DictConfig

from src.config.command_line import conf_loader, read_command_line
from src.config.paths import CONF
from src.exits import exit_on_error


@hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")
def show(config: DictConfig) -> None:
    """Does nothing: Hydra answers --cfg, --info, --hydra-help and shell completion before it would call this function."""


def main() -> None:
    """Reads the command line, and runs what it requests or lets Hydra show what it composes."""
    atexit.register(gc.freeze)  # else a last garbage collection of all imported modules takes a second
    with exit_on_error():
        with conf_loader() as loader:
            likeness, argv = None, sys.argv[1:]
            if any(word.startswith("like=") and word != "like=null" for word in argv):
                from src.results.likeness import expanded

                likeness = expanded(loader, argv)
                argv = likeness.argv
            line = read_command_line(loader, argv)
            if line.request and likeness:
                line.request.like, line.request.about = likeness.name, likeness.about
            if line.request and line.config:
                from src.running.run import run

                sys.exit(run(loader, line.request, line.config))
        sys.argv[1:] = line.arguments
        show()


if __name__ == "__main__":
    main()
