"""Writes a sweep as a folder or .zip for readers without Trialbook: report, table, best model, configuration, a README.

python -m src.export sweep=latest to=optimizers
python -m src.export sweep=SWEEP_ID to=optimizers.zip
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from src.config.arguments import read_arguments
from src.config.command_line import conf_loader, tracking_uri
from src.errors import ConfigError
from src.events import as_json
from src.exits import exit_on_error
from src.study import destination
from src.study.finding import find_sweeps
from src.terminal import Terminal


@dataclass(frozen=True)
class Arguments:
    """The arguments of the command.

    Attributes:
        to: a new folder, or a new file that ends in .zip.
        sweep: latest, an id or a name.
        format: table, or json.
    """

    to: str
    sweep: str = "latest"
    format: Literal["table", "json"] = "table"


def main() -> None:
    """Exports a sweep."""
    with exit_on_error():
        arguments = read_arguments(Arguments, sys.argv[1:], __doc__)
        terminal, place = Terminal(), Path(arguments.to)
        folder, *others = find_sweeps(arguments.sweep)
        mistakes = []
        if place.exists():
            mistakes.append(f"to={arguments.to}: it exists; expected a new folder, or a new .zip")
        if others:
            mistakes.append(f"sweep={arguments.sweep}: several sweeps; expected one")
        if mistakes:
            raise ConfigError(mistakes)
        with terminal.waiting("loading MLflow, drawing charts"), conf_loader() as loader:
            from src.report import handout
            from src.results.scores import load_standing

            standing, [store] = load_standing(folder.name)
            meta = store.meta()
            best = standing.best_among(json.loads(meta.get("concluded_trials", "[]"))) or standing.best
            found = handout.contents(standing, store, best, destination.uri_of(meta, tracking_uri(loader)), meta.get("question", ""))
            handout.write(found, place)
        if arguments.format == "json":
            facts = {"sweep": folder.name, "to": str(place), "files": sorted(found), "best_run": best.run_id if best else None}
            print(as_json(facts))  # noqa: T201
            return
        terminal.say(f"{len(found)} files, {sum(map(len, found.values())) / 2**20:.1f} MB, in {place}; README.md says what they are")


if __name__ == "__main__":
    main()
