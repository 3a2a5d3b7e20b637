"""Reads the command line of `python -m src.sweep` once: checks it as a whole, then has Hydra compose it.

Hydra alone would report one mistake at a time, and miss whole kinds of mistakes.
"""

import os
import re
import shlex
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import InterpolationResolutionError, OmegaConfBaseException

from src.config.auto import settle
from src.config.catalog import Catalog
from src.config.help import help_text
from src.config.links import target
from src.config.mistakes import find_mistakes
from src.config.overrides import Parser, reason_of
from src.config.paths import CONF, TRIAL_GROUPS
from src.config.request import Request, read_request
from src.errors import ConfigError, did_you_mean
from src.redaction import mark_secrets_in


@dataclass(frozen=True)
class CommandLine:
    """A command line without mistakes.

    Attributes:
        arguments: the arguments for Hydra, which shows something if there is no request.
        request: None if Hydra only shows something.
        config: composed from the request, `hydra` node included. In a sweep, keys of trials have their defaults.
    """

    arguments: list[str]
    request: Request | None = None
    config: DictConfig | None = None


@contextmanager
def conf_loader() -> Iterator[ConfigLoader]:
    """Yields Hydra's loader of conf/, for code that is no Hydra application."""
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        yield GlobalHydra.instance().config_loader()


def tracking_uri(loader: ConfigLoader) -> str:
    """Returns the address of MLflow's store, from the environment or conf/."""
    return str(loader.load_configuration("config", [], RunMode.RUN).tracking.uri)


def read(loader: ConfigLoader, lines: list[str], *, multirun: bool) -> Request:
    """Parses overrides into a request, which also holds the mistakes of parsing."""
    catalog = Catalog(loader)
    return read_request(catalog, Parser(loader, catalog.groups), lines, multirun=multirun)


def replayed(loader: ConfigLoader, stored: str) -> list[str]:
    """Returns the overrides that a run recorded, checked like a command line: only known groups and keys pass, nothing is instantiated.

    Raises:
        ConfigError: with every mistake.
    """
    lines = shlex.split(stored)
    if mistakes := find_mistakes(read(loader, lines, multirun=False)):
        raise ConfigError(mistakes)
    return lines


def read_command_line(loader: ConfigLoader, argv: list[str]) -> CommandLine:
    """Parses, checks and composes a command line.

    Raises:
        ConfigError: with every mistake of the command line.
        SystemExit: after --help was printed.
    """
    given = get_args_parser().parse_args(argv)
    if given.help:
        print(help_text(loader))  # noqa: T201  Hydra's own walks every group twice
        sys.exit(0)
    catalog = Catalog(loader)
    if mistakes := list(_option_mistakes(given, catalog)):
        raise ConfigError(mistakes)
    if given.hydra_help or given.shell_completion:
        return CommandLine(argv)
    mark_secrets_in(" ".join(given.overrides))
    request = read_request(catalog, Parser(loader, catalog.groups), given.overrides, multirun=given.multirun)
    config = configured(loader, request, given.overrides)
    of_trials = _trial_overrides(request)
    arguments = [request.plain.get(argument, argument) for argument in argv if argument not in of_trials]
    only_shows = given.cfg or given.info
    return CommandLine(arguments) if only_shows else CommandLine(arguments, request, config)


def configured(loader: ConfigLoader, request: Request, lines: list[str]) -> DictConfig:
    """Composes the configuration that all trials of a request share, and checks that every `${…}` in values of trials resolves.

    Args:
        lines: the overrides of the request as written, without `-m`.

    Raises:
        ConfigError: the request has mistakes, or Hydra or OmegaConf refuses; then the message begins with the override to blame.
    """
    if found := find_mistakes(request):
        raise ConfigError(found)
    of_trials = _trial_overrides(request)
    mode = RunMode.MULTIRUN if request.multirun else RunMode.RUN
    shared = [line for line in lines if line not in of_trials]
    plain = [request.plain.get(line, line) for line in shared]
    config = _attempt(loader, plain, mode)
    if isinstance(config, str):
        for count, line in enumerate(["conf/config.yaml", *shared]):  # finds the first override that fails
            reason = _attempt(loader, plain[:count], mode)
            if isinstance(reason, str):
                raise ConfigError([f"{line}: {reason}"])
        raise ConfigError([config])
    mistakes = []
    for one in request.everything:
        for text, value in zip(one.texts, one.values, strict=True):
            if "${" in str(value) and not target(one) and one.origin not in shared:
                reason = _attempt(loader, [*plain, f"++{one.key}={text}"], mode)
                if isinstance(reason, str):
                    mistakes.append(f"{one.origin}: {reason}")
    if mistakes:
        raise ConfigError(mistakes)
    if request.second:  # Hydra composed both objectives from the sweep's file; trials have only the first
        config.objective = request.setting("objective", None)
    settle(config)
    HydraConfig.instance().set_config(config)  # resolves ${hydra:…}
    return config


def _trial_overrides(request: Request) -> set[str]:
    """Returns the overrides of a sweep that Hydra cannot compose at once: swept keys, and keys of options that only some trials have.

    While a swept group has its default, a key such as `optimizer.beta_1` may not exist.
    """
    if not request.multirun:
        return set()
    keys = tuple(f"{group}." for group in TRIAL_GROUPS)
    return {one.origin for one in request.assignments if one.swept or one.key.startswith(keys)}


def _option_mistakes(given: Namespace, catalog: Catalog) -> Iterator[str]:
    """Yields options of Hydra that would bypass every check here, or that Hydra answers with a traceback."""
    for name in ("config_dir", "config_path", "config_name"):
        if (value := getattr(given, name)) is not None:
            option = f"--{name.replace('_', '-')}"
            yield f"{option} {value}: only conf/ and sweeps/ are read; expected a file there, and group=option or sweeps=name to choose it."
    if given.experimental_rerun is not None:
        word = f"--experimental-rerun {given.experimental_rerun}"
        yield f"{word}: Hydra would execute a pickle; expected the id of a run: python -m src.reproduce run=RUN_ID"
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


def _attempt(loader: ConfigLoader, lines: list[str], mode: RunMode) -> DictConfig | str:
    """Returns the configuration that overrides compose, or the reason why nothing can start with it."""
    try:
        config: DictConfig = loader.load_configuration("config", lines, mode)
        HydraConfig.instance().set_config(config)
        for key in config:
            if key != "hydra" and OmegaConf.is_config(config[key]):  # reading a key resolves it, unless it is a mapping or list
                OmegaConf.to_container(config[key], resolve=True)
        return _no_folder(config.hydra.run.dir if mode == RunMode.RUN else config.hydra.sweep.dir) or config
    except (HydraException, OmegaConfBaseException, ValueError) as error:  # ValueErrors of the defaults list
        cause = error.__cause__ if isinstance(error.__cause__, OmegaConfBaseException) else error
        hint = " Expected ${key} of a key that --cfg job shows, or ${oc.env:NAME,default}."
        return reason_of(cause) + (hint if isinstance(cause, InterpolationResolutionError) else "")


def _no_folder(name: str) -> str:
    """Returns the reason why a folder cannot be created; empty if it can."""
    folder = Path(name).absolute()
    there = next(parent for parent in (folder, *folder.parents) if os.path.exists(parent))
    can = there.is_dir() and os.access(there, os.W_OK) and all(len(os.fsencode(part)) < 256 for part in folder.parts)
    return "" if can else f"the folder {name!r} cannot be created; expected one that can be written."
