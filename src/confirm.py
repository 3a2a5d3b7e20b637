"""Races the best configurations of a sweep:  python -m src.confirm [sweep=latest|<id>|<name>] [top=5] [most=20] [least=…] [budget=…]

They run with fresh seeds until one is left, or no difference is told from chance after `most` seeds each; seeds that selected them never
count. The configuration of the defaults and the champion race with them. `least` is the least difference that matters, `budget` the most
runs. Other words are those of a sweep: executor=local, dry_run=true, note=…, resume=latest.
"""

import json
import sys
from dataclasses import dataclass, fields
from typing import Any

from hydra.core.config_loader import ConfigLoader

from src.config.arguments import read_arguments
from src.config.catalog import Catalog
from src.config.command_line import conf_loader, configured
from src.config.overrides import Parser
from src.config.request import Request, read_request
from src.errors import ConfigError
from src.exits import exit_on_error
from src.redaction import mark_secrets_in
from src.results import entrants
from src.study.finding import find_sweeps, read_meta

RACE = "race"  # key of the facts of a race in its study


@dataclass(frozen=True)
class Arguments:
    """The arguments of the command."""

    sweep: str = "latest"
    top: str = "5"
    most: str = "20"
    least: str = ""
    budget: str = ""


def main() -> None:
    """Runs the race, or goes on with it."""
    with exit_on_error(), conf_loader() as loader:
        own = {field.name for field in fields(Arguments)}
        arguments = read_arguments(Arguments, [word for word in sys.argv[1:] if word.partition("=")[0] in own])
        words = [word for word in sys.argv[1:] if word.partition("=")[0] not in own]
        mark_secrets_in(" ".join(words))
        resumed = [word.partition("=")[2] for word in words if word.startswith("resume=")]
        race = _started(resumed[-1]) if resumed else _new(arguments, loader, words)
        request = _request(loader, race, words)
        config = configured(loader, request, [one.override(one.texts[0]) for one in request.assignments if not one.swept])
        from src.running.run import run

        sys.exit(run(loader, request, config))


def _new(arguments: Arguments, loader: ConfigLoader, words: list[str]) -> dict[str, Any]:
    """The facts of a new race.

    Raises:
        ConfigError: an argument is no number, or there is nothing to race.
    """
    mistakes: list[str] = []
    top, most = (_whole(arguments, name, 2, mistakes) for name in ("top", "most"))
    budget = _whole(arguments, "budget", 1, mistakes) if arguments.budget else None
    least = _number(arguments.least, mistakes) if arguments.least else None
    if most < entrants.FEWEST_SEEDS and not mistakes:
        mistakes.append(f"most={most}: expected at least {entrants.FEWEST_SEEDS} seeds, which tell how much scores vary.")
    if mistakes:
        raise ConfigError(mistakes)
    uri = next((word.partition("=")[2] for word in words if word.startswith("tracking.uri=")), "")
    found = entrants.choose(arguments.sweep, top, loader, uri)
    first = found.free_seed
    return {
        "of": found.sweep,
        "trials": found.words,
        "lines": [
            "oracle=race",
            f"oracle.least={least if least is not None else 'null'}",
            f"oracle.resolution={found.resolution}",
            f"oracle.max_trials={budget or 'null'}",
            *found.shared,
            f"seed=range({first},{first + most})",
        ],
    }


def _started(resumed: str) -> dict[str, Any]:
    """The facts of a race that goes on.

    Raises:
        ConfigError: it is no race.
    """
    [folder] = find_sweeps(resumed, key="resume")
    facts = read_meta(folder).get(RACE)
    if not facts:
        raise ConfigError([f"resume={resumed}: {folder.name} is no race of this command; expected python -m src.sweep with its own words."])
    found: dict[str, Any] = json.loads(facts)
    return found


def _request(loader: ConfigLoader, race: dict[str, Any], words: list[str]) -> Request:
    """The request of a race; words of the command line win."""
    catalog = Catalog(loader)
    parser = Parser(loader, catalog.groups)
    given = {word.partition("=")[0] for word in words}
    request = read_request(
        catalog, parser, [*(line for line in race["lines"] if line.partition("=")[0] not in given), *words], multirun=True
    )
    request.trials = [[parser.read(word) for word in trial if word.partition("=")[0] not in given] for trial in race["trials"]]
    request.about = {RACE: race, "question": f"Which of the best of {race['of']} is the best?"}
    return request


def _whole(arguments: Arguments, name: str, least: int, mistakes: list[str]) -> int:
    text = getattr(arguments, name)
    if text.isdecimal() and int(text) >= least:
        return int(text)
    mistakes.append(f"{name}={text}: expected a whole number, at least {least}.")
    return least


def _number(text: str, mistakes: list[str]) -> float | None:
    try:
        if (value := float(text)) > 0:
            return value
    except ValueError:
        pass
    mistakes.append(f"least={text}: expected a number above 0, the least difference of scores that matters.")
    return None


if __name__ == "__main__":
    main()
