"""The command line of `python -m src.sweep`, checked before Hydra sees it: Hydra tells one mistake at a time and misses whole kinds."""

import os
import re
import shlex
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from src.config.asked import Asked, read_asked
from src.config.catalog import Catalog
from src.config.help import help_text
from src.config.mistakes import find_mistakes
from src.config.overrides import Parser, as_text, said
from src.config.paths import CONF, TRIAL_GROUPS
from src.errors import ConfigError, did_you_mean


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
    return read_asked(catalog, Parser(loader, catalog.groups), lines, multirun=multirun), catalog


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
    given = get_args_parser().parse_args(argv)
    with conf_loader() as loader:
        if given.help:
            print(help_text(loader))  # noqa: T201  Hydra's own walks every group twice
            sys.exit(0)
        if mistakes := list(_option_mistakes(given, Catalog(loader))):
            raise ConfigError(mistakes)
        if given.hydra_help or given.shell_completion:
            return argv
        asked, catalog = read(loader, given.overrides, multirun=given.multirun)
        if mistakes := find_mistakes(asked, catalog):
            raise ConfigError(mistakes)
        own = {one.origin for one in asked.assignments if one.swept or one.key.startswith(tuple(f"{group}." for group in TRIAL_GROUPS))}
        told = [line for line in given.overrides if not asked.multirun or line not in own]
        mode = RunMode.MULTIRUN if asked.multirun else RunMode.RUN
        if mistakes := list(_refusals(loader, asked, told, mode)):
            raise ConfigError(mistakes)
    if not asked.multirun:
        return [asked.plain.get(argument, argument) for argument in argv]
    others = [asked.plain.get(argument, argument) for argument in argv if argument not in own]
    return [*others, f"hydra.sweeper.asked={as_text(given.overrides)}"]


def _option_mistakes(given: Namespace, catalog: Catalog) -> Iterator[str]:
    """Options of Hydra's that would go past every check here, or that it answers with a traceback."""
    for name in ("config_dir", "config_path", "config_name"):
        if (value := getattr(given, name)) is not None:
            option = f"--{name.replace('_', '-')}"
            yield f"{option} {value}: only conf/ and sweeps/ are read; expected a file there, and group=option or sweeps=name to choose it."
    if given.experimental_rerun is not None:
        word = f"--experimental-rerun {given.experimental_rerun}"
        yield f"{word}: Hydra would run what a pickle says; expected a run of MLflow's: python -m src.reproduce run=RUN_ID"
    flags = {"--run": given.run, "--multirun": given.multirun, "--cfg": given.cfg, "--info": given.info, "-sc": given.shell_completion}
    if len(chosen := [flag for flag, value in flags.items() if value]) > 1:
        yield f"{' '.join(chosen)}: one thing at a time; expected one of them."
    if given.resolve and not given.cfg:
        yield "--resolve: says how --cfg shows values; expected --cfg job --resolve."
    parts = ["hydra"] if given.cfg == "hydra" else [*catalog.defaults, *{key.partition(".")[0] for key in catalog.top if "." in key}]
    if given.package is not None and given.package not in ("_global_", *parts):
        yield f"--package {given.package}: there is no such part{did_you_mean(given.package, parts)} Parts: {', '.join(sorted(parts))}"
    if given.hydra_help and given.overrides:
        yield f"{' '.join(given.overrides)}: --hydra-help takes nothing else."
    words = " ".join(given.overrides)
    if given.shell_completion and not re.fullmatch(r"(un)?install=(bash|fish|zsh)", words) and "COMP_LINE" not in os.environ:
        yield f"-sc {words}: expected install=bash or uninstall=bash, or fish or zsh in its place."


def _refusals(loader: ConfigLoader, asked: Asked, told: list[str], mode: RunMode) -> Iterator[str]:
    """What Hydra or OmegaConf refuse only while they compose and resolve, behind the argument that is to blame."""
    plain = [asked.plain.get(line, line) for line in told]
    if _refused(loader, plain, mode):
        tried = ((line, _refused(loader, plain[:count], mode)) for count, line in enumerate(["conf/config.yaml", *told]))
        yield next(f"{line}: {words}" for line, words in tried if words)
        return
    for one in asked.everything:
        for text, value in zip(one.texts, one.values, strict=True):
            if "${" in str(value) and one.origin not in told and (words := _refused(loader, [*plain, f"++{one.key}={text}"], mode)):
                yield f"{one.origin}: {words}"


def _refused(loader: ConfigLoader, lines: list[str], mode: RunMode) -> str:
    """Why nothing can start with these lines; empty where it can."""
    try:
        config = loader.load_configuration("config", lines, mode)
        HydraConfig.instance().set_config(config)  # for ${hydra:…}
        for node in [config[key] for key in config if key != "hydra"]:  # which resolves what is no mapping or list
            if OmegaConf.is_config(node):
                OmegaConf.to_container(node, resolve=True)
        return _no_folder(config.hydra.run.dir if mode == RunMode.RUN else config.hydra.sweep.dir)
    except (HydraException, OmegaConfBaseException, ValueError) as error:  # ValueErrors of the defaults list
        words = said(error.__cause__ if isinstance(error.__cause__, OmegaConfBaseException) else error)
        known = " Expected ${key} of a key that --cfg job shows, or ${oc.env:NAME,default}."
        return words + known * ("nterpolation" in words)


def _no_folder(name: str) -> str:
    """Why a folder can not be made."""
    folder = Path(name).absolute()
    there = next(parent for parent in (folder, *folder.parents) if os.path.exists(parent))
    can = there.is_dir() and os.access(there, os.W_OK) and all(len(os.fsencode(part)) < 256 for part in folder.parts)
    return "" if can else f"there can be no folder {name!r}; expected one that can be written."
