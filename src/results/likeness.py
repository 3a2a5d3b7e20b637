"""Starts a sweep from the configuration of a trial: `python -m src.sweep like=latest optimizer.learning_rate=0.003`."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hydra.core.config_loader import ConfigLoader

from src.config.catalog import Catalog
from src.config.command_line import replayed, tracking_uri
from src.config.composer import Composer
from src.config.overrides import as_text, key_of
from src.config.paths import TRIAL_GROUPS, active_leaves, trial_config
from src.errors import ConfigError
from src.job import CHECKPOINT
from src.results.identity import as_stored
from src.results.scores import load_standing
from src.space import overrides
from src.space.values import canonical
from src.study.finding import SWEEPS, find_sweeps
from src.study.folders import of_trial
from src.study.schema import TrialRow
from src.study.store import Store
from src.training.checkpoint import Checkpoint

MAY_DIFFER = ("training.epochs", "training.patience")  # keys that may change with go_on=true; the checkpoint holds the rest


@dataclass(frozen=True)
class Source:
    """The trial that `like=` names.

    Attributes:
        name: a name that means the same trial later, unlike `latest`.
        words: its recorded overrides.
        configuration: its recorded values; empty if only the overrides are known.
        row, folder: its row, and the folder of its sweep; None if only MLflow has it.
    """

    name: str
    words: list[str]
    configuration: dict[str, Any] = field(default_factory=dict)
    row: TrialRow | None = None
    folder: Path | None = None


@dataclass(frozen=True)
class Likeness:
    """A command line that starts from a trial.

    Attributes:
        argv: the whole command line, including the trial's overrides.
        about: facts for the record of the sweep.
    """

    argv: list[str]
    name: str
    about: dict[str, Any]


def expanded(loader: ConfigLoader, argv: Sequence[str]) -> Likeness:
    """Adds the overrides of the trial that `like=` names to a command line, whose own overrides win.

    Raises:
        ConfigError: there is no such trial, or it cannot go on.
    """
    text = next(word.partition("=")[2] for word in argv if key_of(word) == "like")
    source = _find(loader, text)
    given = {key_of(word): word.partition("=")[2] for word in argv if "=" in word}
    if given.get("sweeps"):
        raise ConfigError([f"like={text}: sweeps={given['sweeps']} also says what to run; expected one of the two."])
    replaced = [group for group in TRIAL_GROUPS if group in given]  # with another option, the values of the old one are dropped

    def is_kept(key: str) -> bool:
        return key not in given and key.partition(".")[0] not in replaced

    kept = [word for word in source.words if is_kept(key_of(word))]
    kept += _changed(loader, source.name, kept, {key: value for key, value in source.configuration.items() if is_kept(key)})
    about: dict[str, Any] = {"like": source.name}
    if given.get("go_on") == "true":
        about["go_on"] = _checkpoint(source, text, given)
    return Likeness([*argv, *kept], source.name, about)


def _changed(loader: ConfigLoader, name: str, words: list[str], then: dict[str, Any]) -> list[str]:
    """Returns those recorded values (`then`) of a trial that its overrides (`words`) do not compose any more, as overrides.

    Raises:
        ConfigError: conf/ no longer has the key of such a value.
    """
    if not then:
        return []
    now = as_stored(active_leaves(trial_config(Composer(loader)(words))))
    groups = Catalog(loader).groups
    differing = {key: value for key, value in then.items() if key not in groups and canonical(now.get(key)) != canonical(value)}
    gone = [key for key in differing if key not in now]
    if gone:
        raise ConfigError([f"like={name}: conf/ does not have {', '.join(gone)} any more; expected them, as the trial had them."])
    return [f"{key}={as_text(value)}" for key, value in differing.items()]


def _find(loader: ConfigLoader, text: str) -> Source:
    """Finds the trial that a word means: a run's id, or the best trial of a row of a sweep's table.

    Raises:
        ConfigError: there is none.
    """
    if len(text) == 32 and set(text) <= set("0123456789abcdef"):
        return _of_run(loader, text)
    sweep, _, place = (f"latest:{text}" if text.isdecimal() else text).partition(":")
    [folder, *others] = find_sweeps(sweep, key="like")
    if others:
        raise ConfigError([f"like={text}: several sweeps; expected one trial, such as like={folder.name}:1."])
    standing, [store] = load_standing(folder.name)
    rows = [entry for entry in standing.entries if entry.trials]
    number = int(place) if place.isdecimal() else 1
    if (place and not place.isdecimal()) or not 1 <= number <= len(rows):
        have = f"it has {len(rows)} rows with a score" if rows else "none of its trials has a score"
        raise ConfigError([f"like={text}: {have}; expected like={sweep}:1, the first row of its table, or the id of a run."])
    concluded = [] if place else json.loads(store.meta().get("concluded_trials", "[]"))
    best = standing.best_among(map(int, concluded)) or standing.best_of(rows[number - 1])
    row = next(row for row in store.trials() if best and row.number == best.number)
    return _of_row(folder, row, row.run_id or f"{folder.name}:{number}")


def _of_row(folder: Path, row: TrialRow, name: str) -> Source:
    return Source(name, overrides(row.point), row.configuration, row, folder)


def _of_run(loader: ConfigLoader, run_id: str) -> Source:
    """Finds the trial of a run: in its study if that is on this machine, otherwise in MLflow."""
    for file in sorted(SWEEPS.glob("*/study.db"), reverse=True):
        store = Store.open(file)
        if (numbers := store.of_run(run_id)) and numbers[0] is not None:
            return _of_row(file.parent, next(row for row in store.trials() if row.number == numbers[0]), run_id)
    from src.tracking.runs import Runs  # imports MLflow, seconds

    recorded = Runs(tracking_uri(loader)).recorded(run_id)
    if not recorded.overrides and recorded.tags.get("trialbook.kind") != "trial":
        raise ConfigError([f"like={run_id}: it is not the run of a trial; expected one, or the name of a sweep."])
    return Source(run_id, replayed(loader, recorded.overrides))


def _checkpoint(source: Source, text: str, given: dict[str, str]) -> dict[str, Any]:
    """Returns the facts of the checkpoint from which a training goes on.

    Raises:
        ConfigError: there is no checkpoint, or the command line changes more than the keys in MAY_DIFFER.
    """
    anew = "without go_on=true it trains from the start"
    file = of_trial(source.folder, source.row.number) / CHECKPOINT if source.folder and source.row else None
    if not (source.row and file and file.exists()):
        kept = "one is kept of a trial that was interrupted, and of the best one of hyperband and asha"
        raise ConfigError([f"go_on=true: the checkpoint of {text} was not kept ({kept}); {anew}."])
    try:
        done = Checkpoint.from_bytes(file.read_bytes()).epochs
    except ValueError as error:  # a function's checkpoint may contain anything
        raise ConfigError([f"go_on=true: the checkpoint of {text} cannot be used: {error}; {anew}."]) from error
    other = [key for key in given if key.partition(".")[0] in ("seed", *TRIAL_GROUPS) and key not in MAY_DIFFER]
    may = f"expected no more than {' and '.join(MAY_DIFFER)} to differ"
    mistakes = [f"{key}={given[key]}: go_on=true takes it from the checkpoint; {may}, or none of it: {anew}." for key in other]
    epochs = given.get("training.epochs", "")
    if not epochs.isdecimal() or int(epochs) <= done:
        mistakes.append(f"go_on=true: {text} has trained {done} epochs; expected training.epochs=… above that.")
    if mistakes:
        raise ConfigError(mistakes)
    return {"checkpoint": str(file.resolve()), "epochs": done, "code": source.row.code or "", "packages": source.row.packages or ""}
