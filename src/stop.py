"""Stops a sweep that runs in another terminal, or one of its trials.

python -m src.stop                      starts no new trials; running trials finish, as after one Ctrl-C
python -m src.stop now=true             also ends the running trials, as after two Ctrl-C; resume= continues them
python -m src.stop trial=3              ends this trial alone: it is PRUNED and does not run again

A stopped sweep can be resumed: its own command with resume=.
"""

import json
import sys
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from src.config.arguments import read_arguments
from src.errors import ConfigError
from src.exits import exit_on_error
from src.states import TrialState
from src.study.finding import driven_sweeps, find_sweeps
from src.study.instructions import CANCEL, STOP
from src.study.lock import is_driven
from src.study.overview import command_to_resume
from src.study.store import Store
from src.terminal import Terminal

SECONDS = 10.0  # to wait for the driver, which looks for instructions about once a second


@dataclass(frozen=True)
class Arguments:
    """The arguments of the command.

    Attributes:
        sweep: latest, an id or a name; without it the running sweep.
        trial: number of the trial, as on the terminal.
        now: also ends the running trials.
        format: table, or json.
    """

    sweep: str = ""
    trial: int = 0
    now: bool = False
    format: Literal["table", "json"] = "table"


def main() -> None:
    """Instructs the driver of a sweep to stop, and waits until it has read the instruction."""
    with exit_on_error():
        arguments = read_arguments(Arguments, sys.argv[1:], __doc__)
        if arguments.trial and arguments.now:
            raise ConfigError(["now=true: one trial always ends at once; expected trial= alone."])
        folder = _running(arguments.sweep)
        with closing(Store.reopen(folder / "study.db")) as store:
            trial = None
            if arguments.trial:
                _check_runs(store, arguments.trial)
                trial = arguments.trial - 1
                heard = store.instruct_and_wait(partial(is_driven, folder), SECONDS, CANCEL, trial=trial)
            else:
                heard = store.instruct_and_wait(partial(is_driven, folder), SECONDS, STOP, now=arguments.now)
            resume = command_to_resume(store.meta(), folder)
        if arguments.format == "json":
            print(json.dumps({"sweep": folder.name, "trial": trial, "heard": heard}))  # noqa: T201
            return
        terminal = Terminal()
        terminal.say(_answer(arguments, folder.name, heard))
        if not arguments.trial:
            terminal.say(f"\nGo on:\n  {resume}")


def _running(sweep: str) -> Path:
    """Returns the folder of a running sweep, by its name or id, or of the only one that runs; raises a ConfigError if there is none."""
    running = driven_sweeps()
    names = " or ".join(f"sweep={folder.name}" for folder in running) or "one that runs: python -m src.status lists them"
    if sweep:
        [folder, *others] = find_sweeps(sweep)
        if others or not is_driven(folder):
            raise ConfigError([f"sweep={sweep}: {'one at a time' if others else 'it does not run'}; expected {names}."])
        return folder
    if len(running) != 1:
        raise ConfigError([f"{'several sweeps run' if running else 'no sweep runs in this folder'}; expected {names}."])
    return running[0]


def _check_runs(store: Store, trial: int) -> None:
    """Raises a ConfigError that names the running trials if a trial does not run."""
    states = {row.number + 1: row.state for row in store.trials()}
    if states.get(trial) != TrialState.RUNNING:
        running = [f"trial={number}" for number, state in states.items() if state == TrialState.RUNNING]
        what = f"it is {states[trial]}" if trial in states else "there is no such trial"
        raise ConfigError([f"trial={trial}: {what}; expected one that runs: {' or '.join(running) or 'none does now'}."])


def _answer(arguments: Arguments, sweep: str, heard: bool | None) -> str:
    what = f"trial {arguments.trial} of {sweep}" if arguments.trial else sweep
    if heard is None:
        return f"{sweep} has ended meanwhile"
    if not heard:
        return f"{what}: asked, but no answer within {SECONDS:.0f} s; the sweep stops as soon as its current step is done"
    if arguments.trial:
        return f"{what} is stopped; the sweep goes on"
    return f"{what} is stopped: {'its running trials end now' if arguments.now else 'no new trials; its running trials finish'}"


if __name__ == "__main__":
    main()
