"""What was asked: the command line, and the file of a named sweep. The command line wins."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from omegaconf import OmegaConf

from src.config.catalog import Catalog
from src.config.overrides import Assignment, Parser, as_text, joined
from src.config.paths import TRIAL_GROUPS, leaves
from src.errors import collecting, did_you_mean

FOLDERS = ("hydra.run.dir", "hydra.sweep.dir")  # Hydra's other settings may name code and other configuration
SWEEPER_KEYS = ("params", "trials", "when", "exclude", "reported")
PACKAGE_LINE = "# @package _global_"


@dataclass
class Asked:
    """Assignments in the order in which they were written, and the mistakes found while reading."""

    assignments: list[Assignment] = field(default_factory=list)
    trials: list[list[Assignment]] = field(default_factory=list)  # explicit trials, `hydra.sweeper.trials`
    when: list[tuple[Assignment, Assignment]] = field(default_factory=list)  # (a group's option, what is varied with it alone)
    exclude: list[list[Assignment]] = field(default_factory=list)  # trials that have one of the values of each are left out
    reported: list[dict[str, float]] = field(default_factory=list)  # published figures of each explicit trial
    sweep: str | None = None  # the name of the sweep in sweeps/
    multirun: bool = False
    plain: dict[str, str] = field(default_factory=dict)  # what the user wrote → the same without functions, names in quotes
    mistakes: list[str] = field(default_factory=list)

    @property
    def chooses(self) -> bool:
        """Whether the command line chooses options, so that keys of the sweep's file may belong to options which it left out."""
        return any(one.key in TRIAL_GROUPS and not one.origin.startswith("sweeps/") for one in self.assignments)

    @property
    def everything(self) -> list[Assignment]:
        """Assignments of all trials."""
        return [*self.assignments, *(one for trial in self.trials for one in trial), *(one for _, one in self.when)]


def read_asked(catalog: Catalog, parser: Parser, lines: Iterable[str], *, multirun: bool) -> Asked:
    """Reads overrides as they stand on the command line, and the sweep file that they name."""
    asked = Asked(multirun=multirun)
    own = []
    for line in lines:
        if line.lstrip("+").startswith("hydra.sweeper."):
            asked.mistakes.append(f"{line}: belongs into a file of sweeps/; on the command line say -m key=a,b")
        elif not re.match(r"[+~]*hydra\b", line):
            own += _read(parser, asked, line)
        elif line.partition("=")[0] not in FOLDERS:
            asked.mistakes.append(
                f"{line}: of Hydra's own settings expected {' or '.join(FOLDERS)}; the others belong into conf/config.yaml."
            )
        else:
            folders = _read(parser, asked, line)
            asked.mistakes += [f"{one.origin}: expected one folder." for one in folders if one.swept or not isinstance(one.values[0], str)]
    for one in own:
        if one.key == "sweeps" and not one.swept and not one.prefix and one.values[0] in catalog.groups["sweeps"]:
            asked.sweep = one.values[0]
            with collecting(asked.mistakes):
                _read_sweep(catalog, parser, asked)
    asked.plain = {one.origin: one.override(one.texts[0]) for one in own if one.texts and not one.swept}
    swept = {one.key for one in own if one.swept}
    for key, given in Counter(one.key for one in own).items():
        if given > 1 and key in swept:
            asked.mistakes.append(f"{key} is given {given} times; expected all its values at once: {key}=a,b")
    named = {one.key for one in own}
    asked.assignments = [one for one in asked.assignments if one.key not in named] + [
        one for one in own if one.key != "sweeps" or asked.sweep is None
    ]
    asked.trials = [[one for one in trial if one.key not in named] for trial in asked.trials]
    asked.when = [(condition, one) for condition, one in asked.when if one.key not in named]
    return asked


def _read(parser: Parser, asked: Asked, line: str, place: str = "") -> list[Assignment]:
    """The assignment of a line; none, and a mistake, where it does not parse."""
    try:
        return [parser.read(line, f"{place}: {line}" if place else line)]
    except ValueError as error:
        asked.mistakes.append(str(error))
        return []


def _read_all(parser: Parser, asked: Asked, lines: Iterable[str], place: str) -> list[Assignment]:
    return [one for line in lines for one in _read(parser, asked, line, place)]


def _lines(node: dict[str, Any]) -> list[str]:
    return [f"{key}={joined(value)}" for key, value in node.items()]


def _read_sweep(catalog: Catalog, parser: Parser, asked: Asked) -> None:
    """Adds the assignments and explicit trials of sweeps/<name>.yaml to what was asked.

    Raises:
        ConfigError: it is no YAML, or says what an override can not.
    """
    place = f"sweeps/{asked.sweep}.yaml"
    file = catalog.file(f"sweeps/{asked.sweep}")
    if file.header.get("package") != "_global_":
        asked.mistakes.append(f"{place}: its first line must be {PACKAGE_LINE!r}, otherwise Hydra puts its keys under 'sweeps'.")
        return
    content: dict[str, Any] = OmegaConf.to_container(file.config)  # type: ignore[assignment]
    entries, hydra = content.pop("defaults", []), content.pop("hydra", {})
    asked.multirun = asked.multirun or hydra.get("mode") == "MULTIRUN"
    chosen = {}
    for entry in (entry for entry in entries if entry != "_self_"):
        [(key, option)] = entry.items() if isinstance(entry, dict) else [(entry, None)]
        if (group := key.removeprefix("override /")) != key and group in catalog.defaults and isinstance(option, str):
            chosen[group] = option
        else:
            words = "expected _self_ and 'override /GROUP: OPTION', a name in quotes where it reads as a number."
            asked.mistakes.append(f"{place}: defaults: {f'{key}: {option}' if isinstance(entry, dict) else entry}: {words}")
    fixed = {**chosen, **(leaves(content) if content else {})}
    sweeper = hydra.get("sweeper", {})
    if sweeper.get("when") and sweeper.get("trials"):
        asked.mistakes.append(f"{place}: when says nothing about explicit trials; expected what varies in the trials themselves.")
    for key in sweeper.keys() - SWEEPER_KEYS:
        asked.mistakes.append(
            f"{place}: hydra.sweeper has no {key!r}{did_you_mean(key, SWEEPER_KEYS)} Expected {' or '.join(SWEEPER_KEYS)}."
        )
    asked.assignments += _read_all(parser, asked, [f"{key}={as_text(value)}" for key, value in fixed.items()], place)
    asked.assignments += _read_all(parser, asked, _lines(sweeper.get("params", {})), place)
    asked.trials += [_read_all(parser, asked, trial, place) for trial in sweeper.get("trials", [])]
    for condition, varied in sweeper.get("when", {}).items():
        for holds in _read(parser, asked, condition, f"{place}: when"):
            asked.when += [(holds, one) for one in _read_all(parser, asked, _lines(varied), place)]
    asked.exclude += [_read_all(parser, asked, _lines(rule), f"{place}: exclude") for rule in sweeper.get("exclude", [])]
    asked.reported = sweeper.get("reported", [])
    if asked.reported and len(asked.reported) != len(asked.trials):
        asked.mistakes.append(f"{place}: {len(asked.reported)} entries of reported for {len(asked.trials)} trials; expected one for each.")
