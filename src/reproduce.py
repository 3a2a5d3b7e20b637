"""Runs a trial again and compares the results:  python -m src.reproduce run=RUN_ID

The overrides of the trial become a new run, even if something is known to differ: the digits show if the difference matters.
Exit code 0: identical to the last digit. 1: other digits under the same conditions, or not the same trial; each difference has its key.
Content of the store is only used as overrides of known groups and keys; it is never instantiated.
"""

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from src.config.arguments import read_arguments
from src.config.command_line import conf_loader, tracking_uri
from src.config.composer import Composer
from src.errors import TrialbookError
from src.exits import exit_on_error
from src.study import provenance, result
from src.terminal import Terminal

if TYPE_CHECKING:
    from src.tracking.runs import Recorded, Runs


@dataclass(frozen=True)
class Arguments:
    """The arguments of the command.

    Attributes:
        run: id of an MLflow run.
    """

    run: str


def main() -> int:
    """Runs a trial again; returns the exit code."""
    with exit_on_error():
        arguments = read_arguments(Arguments, sys.argv[1:], __doc__)
        terminal = Terminal()
        with terminal.waiting("loading MLflow"):
            from src.promotion.candidate import replay
            from src.results.reproduction import Changes, of_conditions, of_configuration, verdict
            from src.tracking.runs import Runs
        with conf_loader() as loader:
            runs = Runs(tracking_uri(loader))
            recorded = runs.recorded(arguments.run)
            _check(recorded)
            overrides, _ = replay(recorded if recorded.is_function else runs.read(arguments.run), loader)
            configuration = of_configuration(recorded, Composer(loader)(overrides))
        here = {
            "mlflow.source.git.commit": provenance.commit(),
            "trialbook.code": provenance.code_digest(),
            "trialbook.code_dirty": provenance.code_dirty(),
            "trialbook.versions": provenance.versions(),
        }
        changes = configuration + of_conditions(recorded.tags, {**recorded.tags, **here})
        terminal.say(f"not as it was: {changes}" if changes != Changes() else "the same configuration, code and versions as then")
        again = runs.recorded(_run_again(runs, recorded, overrides))
        code, report = verdict(recorded, again, configuration + of_conditions(recorded.tags, again.tags))
        terminal.say(report)
    return code


def _check(run: "Recorded") -> None:
    """Raises a TrialbookError if a trial was pruned, so that it would end at another epoch, or if a function has no result to compare."""
    if pruned := run.tags.get("trialbook.pruned"):
        again = f"python -m src.sweep {run.overrides}"
        raise TrialbookError(f"run={run.run_id}: pruned {pruned}. Expected a trial that ran to its end; this one does by {again}")
    if run.is_function and run.status != "FINISHED":
        raise TrialbookError(f"run={run.run_id}: MLflow has it as {run.status}; expected the id of a finished trial.")


def _run_again(runs: "Runs", run: "Recorded", overrides: list[str]) -> str:
    """Runs the overrides of a trial in a new process, as on the command line; returns the id of the new run."""
    experiment = runs.client.get_experiment(run.experiment_id).name
    words = [*overrides, f"note='reproduces {run.run_id}'"]
    outcome = result.run(words, {"MLFLOW_EXPERIMENT_NAME": experiment}, lambda line: print(line, end="", flush=True))  # noqa: T201  its progress
    if not outcome or outcome.exit_code or not outcome.best_run:
        raise TrialbookError(f"run={run.run_id}: running it again failed; the lines above say why.")
    return outcome.best_run


if __name__ == "__main__":
    sys.exit(main())
