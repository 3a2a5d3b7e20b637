"""Parses the overrides of the command line and the sweep file that they name. The command line wins."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from omegaconf import OmegaConf

from src.config.catalog import Catalog
from src.config.overrides import Assignment, Parser, as_text, joined, key_of
from src.config.paths import TRIAL_GROUPS, leaves
from src.config.sweep_file import SHAPES, wrong_shapes
from src.errors import collecting, did_you_mean

FOLDERS = ("hydra.run.dir", "hydra.sweep.dir")  # Hydra's other settings may name code and other configuration
PACKAGE_LINE = "# @package _global_"
FIRST, EXAMPLE = "oracle.first", """[["optimizer=adam","model.units=64"]]"""


@dataclass
class Request:
    """A parsed request for trials.

    Attributes:
        catalog: of conf/.
        assignments: in the order in which they were written.
        trials: explicit trials, `hydra.sweeper.trials`.
        when: (option of a group, assignment that varies only in trials with this option).
        exclude: rules; a trial is left out if it has one of the values of every assignment of a rule.
        first: known points, which run before the oracle's own; each may set only some of the axes.
        reported: published figures of each explicit trial.
        sweep: name of a file in sweeps/.
        multirun: True with `-m`, or with `hydra.mode: MULTIRUN` in that file.
        plain: override as written → the same override without functions and with quoted names, for Hydra.
        mistakes: mistakes found while parsing.
        about: further facts for the record of the sweep.
        like: id of the run whose configuration the request starts from; `latest` is already resolved.
        second: the second of two objectives; empty without one.
    """

    catalog: Catalog
    assignments: list[Assignment] = field(default_factory=list)
    trials: list[list[Assignment]] = field(default_factory=list)
    when: list[tuple[Assignment, Assignment]] = field(default_factory=list)
    exclude: list[list[Assignment]] = field(default_factory=list)
    first: list[list[Assignment]] = field(default_factory=list)
    reported: list[dict[str, float]] = field(default_factory=list)
    sweep: str | None = None
    multirun: bool = False
    plain: dict[str, str] = field(default_factory=dict)
    mistakes: list[str] = field(default_factory=list)
    about: dict[str, Any] = field(default_factory=dict)
    like: str = ""
    second: str = ""

    @property
    def chooses(self) -> bool:
        """True if the command line chooses options or values of conditions; keys of the sweep file may then belong to other options."""
        deciding = {*TRIAL_GROUPS, *(condition.key for condition, _ in self.when)}
        return any(one.key in deciding and not one.origin.startswith("sweeps/") for one in self.assignments)

    @property
    def oracle(self) -> str:
        """The chosen option of the group `oracle`."""
        return str(self.setting("oracle", self.catalog.defaults["oracle"]))

    def of_oracle(self, key: str) -> Any:
        """Returns a setting of the oracle; None if the oracle has no such setting."""
        settings = self.catalog.readable("oracle").get(self.oracle, {})
        return self.setting(key, settings[key]) if key in settings else None

    def setting(self, key: str, default: Any) -> Any:
        """Returns the value of a key that concerns the whole sweep; the last assignment wins."""
        return next((one.values[0] for one in reversed(self.assignments) if one.key == key and one.values), default)

    @property
    def everything(self) -> list[Assignment]:
        """All assignments: those of every trial, of explicit trials and of conditions."""
        return [*self.assignments, *(one for trial in self.trials for one in trial), *(one for _, one in self.when)]


def read_request(catalog: Catalog, parser: Parser, lines: Iterable[str], *, multirun: bool) -> Request:
    """Parses overrides of the command line, and the sweep file that they name."""
    request, lines = Request(catalog, multirun=multirun), list(lines)
    own = [one for line in lines for one in _read_line(parser, request, line)]
    for one in own:
        if one.key == "sweeps" and not one.swept and not one.prefix and one.values[0] in catalog.groups["sweeps"]:
            request.sweep = one.values[0]
            with collecting(request.mistakes):
                _read_sweep(parser, request)
    request.plain = {one.origin: one.override(one.texts[0]) for one in own if one.texts and not one.swept}
    swept = {one.key for one in own if one.swept}
    for key, given in Counter(one.key for one in own).items():
        if given > 1 and key in swept:
            request.mistakes.append(f"{key} is given {given} times; expected all its values at once: {key}=a,b")
    used = "hydra.sweep.dir" if request.multirun else "hydra.run.dir"
    for line in lines:
        key = line.partition("=")[0]
        if key in FOLDERS and key != used:
            request.mistakes.append(f"{line}: it has no effect here; expected {used}=…")
    named = {one.key for one in own}
    request.assignments = [one for one in request.assignments if one.key not in named]
    request.assignments += [one for one in own if one.key != "sweeps" or request.sweep is None]
    _split_objectives(request)
    request.when = [(condition, one) for condition, one in request.when if one.key not in named]
    _read_first(parser, request, {one.key for one in own if not one.swept})
    request.trials = [[one for one in trial if one.key not in named] for trial in request.trials]
    return request


def _split_objectives(request: Request) -> None:
    """Leaves the first of two objectives in the assignments, which Hydra composes, and keeps the second in the request."""
    for place, one in enumerate(request.assignments):
        if one.key == "objective" and not one.swept:
            match one.values[0]:
                case [str(first), str(second)]:
                    request.second = second
                    request.assignments[place] = replace(one, texts=(as_text(first),), values=(first,))
                    request.plain[one.origin] = f"objective={as_text(first)}"


def _read_first(parser: Parser, request: Request, fixed: set[str]) -> None:
    """Adds the known points: those of `oracle.first`, and explicit trials, unless the oracle is the grid, which keeps them as trials.

    Values of the command line for the keys `fixed` win over those of points in files.
    """
    settings = request.catalog.readable("oracle").get(request.oracle, {})
    if FIRST not in settings or not request.multirun:
        return
    place, value = f"conf/oracle/{request.oracle}.yaml: {FIRST}", settings[FIRST]
    for one in request.assignments:
        if one.key == FIRST and one.values:
            place, value = one.origin.partition("=")[0], one.values[0]
    of_files = []
    if request.oracle != "grid":
        of_files, request.trials = request.trials, []
    _, holds = SHAPES["trials"]
    if not holds(value or []):
        request.mistakes.append(f"{place}: {value!r}; expected a list of points, each a list of overrides, such as {EXAMPLE}")
        return
    points = [_read_all(parser, request, point, place) for point in value or []]
    if place != FIRST:  # they are not from the command line
        points, of_files = [], [*points, *of_files]
    request.first = points + [[one for one in point if one.key not in fixed] for point in of_files]


def _read_line(parser: Parser, request: Request, line: str) -> list[Assignment]:
    """Parses an override of the command line. Returns an empty list for Hydra's own settings, which it only checks."""
    if key_of(line).startswith("hydra.sweeper."):
        request.mistakes.append(f"{line}: belongs in a file of sweeps/; on the command line say -m key=a,b")
    elif not re.match(r"[+~]*hydra\b", line):
        return _read(parser, request, line)
    elif line.partition("=")[0] not in FOLDERS:
        request.mistakes.append(f"{line}: of Hydra's own settings expected {' or '.join(FOLDERS)}.")
    else:
        folders = _read(parser, request, line)
        request.mistakes += [f"{one.origin}: expected one folder." for one in folders if one.swept or not isinstance(one.values[0], str)]
    return []


def _read(parser: Parser, request: Request, line: str, place: str = "") -> list[Assignment]:
    """Parses an override; returns an empty list and notes the mistake if it cannot be parsed."""
    try:
        return [parser.read(line, f"{place}: {line}" if place else line)]
    except ValueError as error:
        hint = f" Each override of a point in quotes: '{FIRST}={EXAMPLE}'" if line.startswith(f"{FIRST}=") else ""
        request.mistakes.append(f"{error}{hint}")
        return []


def _read_all(parser: Parser, request: Request, lines: Iterable[str], place: str) -> list[Assignment]:
    return [one for line in lines for one in _read(parser, request, line, place)]


def _lines(node: dict[str, Any]) -> list[str]:
    return [f"{key}={joined(value)}" for key, value in node.items()]


def _read_sweep(parser: Parser, request: Request) -> None:
    """Adds a sweep file to the request; raises a ConfigError if it is no YAML, or has a value that no override can express."""
    place = f"sweeps/{request.sweep}.yaml"
    file = request.catalog.file(f"sweeps/{request.sweep}")
    if file.header.get("package") != "_global_":
        request.mistakes.append(f"{place}: its first line must be {PACKAGE_LINE!r}, otherwise Hydra puts its keys under 'sweeps'.")
        return
    content: dict[str, Any] = OmegaConf.to_container(file.config)  # type: ignore[assignment]
    entries, hydra = content.pop("defaults", []), content.pop("hydra", {})
    if mistakes := [f"{place}: {mistake}" for mistake in wrong_shapes(hydra)]:
        request.mistakes += mistakes
        return
    request.multirun = request.multirun or hydra.get("mode") == "MULTIRUN"
    fixed = {**_chosen_options(request, entries, place), **(_fixed(request.catalog, content) if content else {})}
    request.assignments += _read_all(parser, request, [f"{key}={as_text(value)}" for key, value in fixed.items()], place)
    _read_sweeper(parser, request, hydra.get("sweeper", {}), place)


def _fixed(catalog: Catalog, content: dict[str, Any]) -> dict[str, Any]:
    """Returns config path → value of what a sweep file sets. A mapping stays whole where conf/ has a value; so do `limits`."""
    whole = {"limits", *catalog.top}
    for group in catalog.groups:
        for keys in catalog.readable(group).values():
            whole.update(keys)
    return leaves(content, whole=whole)


def _chosen_options(request: Request, entries: list[Any], place: str) -> dict[str, str]:
    """Returns group → option, from the defaults list of a sweep file."""
    chosen = {}
    for entry in entries:
        if entry == "_self_":
            continue
        [(key, option)] = entry.items() if isinstance(entry, dict) else [(entry, None)]
        group = key.removeprefix("override /")
        if group != key and group in request.catalog.defaults and isinstance(option, str):
            chosen[group] = option
        else:
            words = "expected _self_ and 'override /GROUP: OPTION', a name in quotes where it reads as a number."
            request.mistakes.append(f"{place}: defaults: {f'{key}: {option}' if isinstance(entry, dict) else entry}: {words}")
    return chosen


def _read_sweeper(parser: Parser, request: Request, sweeper: dict[str, Any], place: str) -> None:
    """Adds the `hydra.sweeper` node of a sweep file to the request."""
    for key in sweeper.keys() - SHAPES.keys():
        hint = f"{did_you_mean(key, SHAPES)} Expected {' or '.join(SHAPES)}."
        request.mistakes.append(f"{place}: hydra.sweeper has no {key!r}{hint}")
    request.assignments += _read_all(parser, request, _lines(sweeper.get("params", {})), place)
    request.trials += [_read_all(parser, request, trial, place) for trial in sweeper.get("trials", [])]
    for condition, varied in sweeper.get("when", {}).items():
        for parsed in _read(parser, request, condition, f"{place}: when"):
            request.when += [(parsed, one) for one in _read_all(parser, request, _lines(varied), place)]
    request.exclude += [_read_all(parser, request, _lines(rule), f"{place}: exclude") for rule in sweeper.get("exclude", [])]
    request.reported = sweeper.get("reported", [])
    if request.reported and len(request.reported) != len(request.trials):
        count = f"{len(request.reported)} entries of reported for {len(request.trials)} trials"
        request.mistakes.append(f"{place}: {count}; expected one for each.")
