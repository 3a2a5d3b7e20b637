"""Races the best configurations of a sweep with fresh seeds, until one is left or chance alone may explain the differences.

python -m src.confirm                                  the best of the latest sweep
python -m src.confirm sweep=dropout top=3 dry_run=true

Seeds that selected the configurations never count. The default configuration and the champion take part. All other words are those of a
sweep: executor=local, note=…, resume=latest.
"""

import json
import sys
from dataclasses import asdict, dataclass, fields
from typing import Any

from hydra.core.config_loader import ConfigLoader

from src.config.arguments import HELP, positive, read_arguments
from src.config.catalog import Catalog
from src.config.command_line import conf_loader, configured
from src.config.objectives import KEY as OBJECTIVE
from src.config.overrides import Assignment, Parser, key_of
from src.config.request import read_request
from src.errors import ConfigError, collecting
from src.exits import exit_on_error
from src.objective import Objective
from src.redaction import mark_secrets_in
from src.results import entrants
from src.results.entrants import SEED
from src.study.finding import find_sweeps, read_meta

RACE = "race"  # key under which the study keeps the facts of a race
FEWEST_SEEDS = 3


@dataclass(frozen=True)
class Arguments:
    """The arguments of the command.

    Attributes:
        sweep: latest, an id or a name.
        top: how many of the best configurations race.
        most: largest number of seeds per configuration.
        least: the smallest difference that matters.
        budget: largest number of runs; no limit without it.
    """

    sweep: str = "latest"
    top: str = "5"
    most: str = "20"
    least: str = ""
    budget: str = ""


def main() -> None:
    """Starts a race, or resumes one."""
    with exit_on_error(), conf_loader() as loader:
        if HELP & set(sys.argv[1:]):
            read_arguments(Arguments, ["--help"], __doc__)
        catalog = Catalog(loader)
        parser = Parser(loader, catalog.groups)
        own, words = _split(sys.argv[1:], catalog)
        mark_secrets_in(" ".join(words))
        mistakes, race = list[str](), dict[str, Any]()
        with collecting(mistakes):
            read_arguments(Arguments, own)
        values = dict(word.split("=", 1) for word in own if "=" in word)
        arguments = Arguments(**{field.name: values[field.name] for field in fields(Arguments) if values.get(field.name)})
        given = read_request(catalog, parser, [word for word in words if key_of(word) != "sweeps"], multirun=True)
        given.assignments += [parser.read(word) for word in words if key_of(word) == "sweeps"]  # without the content of the file
        unfit = {one.origin: _unfit(one, own) for one in given.assignments if _unfit(one, own)}
        mistakes += [*(f"{origin}: {why}" for origin, why in unfit.items()), *given.mistakes]
        with collecting(mistakes):
            race = _race(loader, arguments, own, [one for one in given.assignments if one.origin not in unfit], mistakes)
        if not race:
            raise ConfigError(dict.fromkeys(mistakes))
        words = [word for word in words if word not in unfit and key_of(word) != OBJECTIVE]  # the race has that of its sweep
        keys = {key_of(word) for word in words}
        lines = [*(line for line in race["lines"] if key_of(line) not in keys), *words]
        request = read_request(catalog, parser, lines, multirun=True)
        request.trials = [[parser.read(word) for word in trial if key_of(word) not in keys] for trial in race["trials"]]
        request.about = {RACE: race, "question": f"Which of the best of {race['of']} is the best?"}
        request.mistakes = list(dict.fromkeys([*mistakes, *request.mistakes]))
        config = configured(loader, request, lines)
        from src.running.run import run

        sys.exit(run(loader, request, config))


def _split(argv: list[str], catalog: Catalog) -> tuple[list[str], list[str]]:
    """Splits words into those of this command, with unknown ones, and those of a sweep."""
    words = [word for word in argv if word not in ("-m", "--multirun")]  # a race always has several trials
    known = {*catalog.groups, *catalog.top}
    own = [word for word in words if "=" not in word or not ("." in key_of(word) or key_of(word) in known)]
    return own, [word for word in words if word not in own]


def _race(loader: ConfigLoader, arguments: Arguments, own: list[str], given: list[Assignment], mistakes: list[str]) -> dict[str, Any]:
    """Returns the facts of the race that `resume=` names, or of a new race; adds to `mistakes`.

    Args:
        own: the words of `arguments`.
        given: the other words, parsed.
    """
    resumed = _value(given, "resume")
    if not resumed:
        return _new(loader, arguments, given, mistakes)
    race = _started(resumed, arguments, own, mistakes)
    began = Objective.parse(read_meta(find_sweeps(resumed, key="resume")[0])["objective"])
    named = _value(given, OBJECTIVE)
    if named and Objective.parse(named) != began:
        mistakes.append(f"objective={named}: the race began with objective={began}; expected the same, or none.")
    return race


def _value(given: list[Assignment], key: str) -> str:
    """Returns the first value of a key; empty without one, or if it is null."""
    return next((str(one.values[0]) for one in given if one.key == key and one.values and one.values[0]), "")


def _unfit(one: Assignment, own: list[str]) -> str:
    """Returns the reason why a word of a sweep cannot be used in a race; empty if it can."""
    if one.group == "oracle":
        return "the oracle of a race is settled; expected least=…, most=… or budget=…"
    if one.key == "sweeps" or (one.key == OBJECTIVE and (one.swept or "[" in one.origin)):
        return "a race takes it from its sweep; expected sweep=latest, an id or a name."
    if one.key in ("stop.target", "stop.patience", "stop.trial"):
        return "it would end a race without an answer; expected budget=…, stop.max_minutes=… or stop.max_failures=…"
    if one.swept and one.key != SEED:
        return "several values; a race takes its configurations from sweep=…; expected one value for all of them."
    if one.key == SEED and any(word.startswith("most=") for word in own):
        return "most= also sets the number of seeds; expected one of the two."
    return ""


def _new(loader: ConfigLoader, arguments: Arguments, given: list[Assignment], mistakes: list[str]) -> dict[str, Any]:
    """Returns the facts of a new race; raises a ConfigError if no configuration can race."""
    top, most = _whole(arguments, "top", 1, mistakes), _whole(arguments, "most", FEWEST_SEEDS, mistakes)
    budget = _whole(arguments, "budget", 1, mistakes) if arguments.budget else None
    least = positive(arguments.least)
    if arguments.least and not least:
        mistakes.append(f"least={arguments.least}: expected a number above 0, the least difference of scores that matters.")
    named = _value(given, OBJECTIVE)
    found = entrants.choose(arguments.sweep, top, loader, _value(given, "tracking.uri"), named)
    if named and Objective.parse(named) != found.objective:
        mistakes.append(f"objective={named}: a race takes it from its sweep; expected objective={found.objective}.")
    seeds = found.fresh_seeds(most)
    for one in given:
        stale = sorted(found.used_seeds.intersection(value for value in one.values if isinstance(value, int)))
        if one.key == SEED and stale:
            which = ", ".join(map(str, stale[:5]))
            mistakes.append(f"{one.origin}: {which} selected the configurations; expected fresh ones, such as {SEED}={seeds}.")
    lines = ["oracle=race", f"oracle.least={least or 'null'}", f"oracle.resolution={found.resolution}"]
    lines += [f"oracle.max_trials={budget or 'null'}", "stop.target=null", "stop.patience=null", "stop.trial=null"]
    lines += [*found.shared, f"{SEED}={seeds}"]
    return {"of": found.sweep, "arguments": asdict(arguments), "trials": found.words, "lines": lines}


def _started(resumed: str, arguments: Arguments, own: list[str], mistakes: list[str]) -> dict[str, Any]:
    """Returns the facts of a resumed race, in which only the budget may be changed; raises a ConfigError if it is no race."""
    folder, *others = find_sweeps(resumed, key="resume")
    facts = read_meta(folder).get(RACE)
    if not facts or others:
        known = f"{folder.name} is no race" if not others else "several sweeps"
        raise ConfigError([f"resume={resumed}: {known}; expected the id of one race, or python -m src.sweep with the words of a sweep."])
    race: dict[str, Any] = json.loads(facts)
    then = race["arguments"]
    for word in own:
        name, _, value = word.partition("=")
        if name in ("top", "most", "least") and value != then[name]:
            mistakes.append(f"{word}: the race began with {name}={then[name] or 'null'}; expected the same, or a new race without resume=.")
        elif name == "budget" and (budget := _whole(arguments, name, 1, mistakes)):
            race["lines"] = [f"oracle.max_trials={budget}" if key_of(line) == "oracle.max_trials" else line for line in race["lines"]]
    return race


def _whole(arguments: Arguments, name: str, least: int, mistakes: list[str]) -> int:
    text = getattr(arguments, name)
    if text.isdecimal() and int(text) >= least:
        return int(text)
    mistakes.append(f"{name}={text}: expected a whole number, at least {least}.")
    return least


if __name__ == "__main__":
    main()
