"""The command line of `python -m src.sweep`, checked before Hydra sees it: Hydra tells one mistake at a time and misses whole kinds."""

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode

from src.config.asked import Asked, read_asked
from src.config.catalog import Catalog
from src.config.help import help_text
from src.config.mistakes import find_mistakes
from src.config.overrides import Parser, as_text
from src.config.paths import CONF, TRIAL_GROUPS
from src.errors import ConfigError


@contextmanager
def conf_loader() -> Iterator[ConfigLoader]:
    """Hydra's loader of conf/, for code that is not a Hydra application."""
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        yield GlobalHydra.instance().config_loader()


def tracking_uri(loader: ConfigLoader) -> str:
    """Where MLflow keeps its record, as the environment or conf/ says."""
    return str(loader.load_configuration("config", [], RunMode.RUN).tracking.uri)


def read(loader: ConfigLoader, lines: list[str], *, multirun: bool) -> tuple[Asked, Catalog]:
    """What was asked, and what conf/ offers."""
    catalog = Catalog(loader)
    return read_asked(catalog, Parser(loader), lines, multirun=multirun), catalog


def replayed(loader: ConfigLoader, stored: str) -> list[str]:
    """The overrides that a run recorded, checked like a command line: only known groups and keys pass, nothing is instantiated.

    Raises:
        ConfigError: with every mistake.
    """
    lines = shlex.split(stored)
    if mistakes := find_mistakes(*read(loader, lines, multirun=False)):
        raise ConfigError(mistakes)
    return lines


def checked(argv: list[str]) -> list[str]:
    """The arguments as Hydra must be told them.

    Hydra composes the configuration of a whole sweep with the swept groups at their defaults, where a key such as
    `optimizer.beta_1=0.8` may not exist. So the keys of trials go past it, to the sweeper, as `hydra.sweeper.asked`.

    Raises:
        ConfigError: with every mistake of the command line.
        SystemExit: help was asked for and printed.
    """
    asked_for = get_args_parser().parse_args(argv)
    if asked_for.hydra_help or asked_for.info or asked_for.shell_completion:
        return argv
    with conf_loader() as loader:
        if asked_for.help:
            print(help_text(loader))  # noqa: T201  Hydra's own walks every group twice
            sys.exit(0)
        asked, catalog = read(loader, asked_for.overrides, multirun=asked_for.multirun)
        if mistakes := find_mistakes(asked, catalog):
            raise ConfigError(mistakes)
    if not asked.multirun:
        return argv
    own = {one.origin for one in asked.assignments if one.swept or one.key.startswith(tuple(f"{group}." for group in TRIAL_GROUPS))}
    return [*(argument for argument in argv if argument not in own), f"hydra.sweeper.asked={as_text(asked_for.overrides)}"]
