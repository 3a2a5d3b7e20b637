"""The same trial again:  python -m src.reproduce run=<id>

Runs the trial's overrides as a new run and gives a verdict, with what differs around it. What comes out of the store is only replayed
as overrides of known groups and keys; it is never instantiated.
"""

import os
import subprocess
import sys
from dataclasses import dataclass
from statistics import stdev

from src.config.command_line import conf_loader, tracking_uri
from src.config.words import read_words
from src.errors import TrialbookError, told
from src.objective import Objective
from src.promotion.candidate import replay
from src.study import folder, record
from src.terminal import Terminal
from src.tracking.runs import Runs, StoredRun

EXIT_DIFFERENT = 1
SPREADS = 2  # standard deviations over seeds that still count as noise


@dataclass(frozen=True)
class Words:
    """What may be said behind the command."""

    run: str


def main() -> int:
    """Reproduces one run; 0 when it is identical or within seed noise."""
    with told():
        words = read_words(Words, sys.argv[1:])
        terminal = Terminal(Objective("accuracy", "max"))
        with conf_loader() as loader:
            runs = Runs(tracking_uri(loader))
            run = runs.read(words.run)
            overrides, _ = replay(run, loader)
        here = {
            "mlflow.source.git.commit": folder.commit(),
            "trialbook.code_dirty": record.code_dirty(),
            "trialbook.versions": record.versions(),
        }
        terminal.say(f"around the run and here: {'; '.join(_changed(run.surroundings, here)) or 'the same commit and versions'}")
        again = runs.read(_run_again(runs, run, overrides))
        code, verdict = judge(runs, run, again)
        terminal.say(verdict)
    return code


def _run_again(runs: Runs, run: StoredRun, overrides: list[str]) -> str:
    """Runs the trial in a process of its own, as pasting its overrides would; the new run's id."""
    note = f"reproduces {run.run_id}"
    experiment = runs.client.get_experiment(run.experiment_id).name
    command = [sys.executable, "-m", "src.sweep", *overrides, f"note='{note}'"]
    if subprocess.run(command, check=False, env={**os.environ, "MLFLOW_EXPERIMENT_NAME": experiment}).returncode:  # noqa: S603  checked above
        raise TrialbookError(f"run={run.run_id}: running it again failed; the lines above say why.")
    return runs.newest(run.experiment_id, note)


def judge(runs: Runs, run: StoredRun, again: StoredRun) -> tuple[int, str]:
    """Exit code and verdict: identical, within seed noise, or different with what differs around it.

    Raises:
        TrialbookError: a run's record does not hold its own objective.
    """
    before, after = runs.histories(run.run_id), runs.histories(again.run_id)
    if before == after and run.digest == again.digest:
        return 0, "identical to the last digit: every metric of every epoch, and the weights"
    reasons = "; ".join(_changed(run.surroundings, again.surroundings)) or "nothing that is recorded differs around it"
    metric = Objective.parse(run.objective).name
    if metric not in run.kept or metric not in again.kept:
        raise TrialbookError(f"run {run.run_id}: its objective {metric!r} is no metric of it; expected one of {', '.join(run.kept)}.")
    difference = abs(run.kept[metric] - again.kept[metric])
    scores = runs.scores_of_seeds(run, metric)
    if len(scores) < 2:
        measure = f"python -m src.sweep -m {run.overrides} seed=1,2,3,4,5"
        return EXIT_DIFFERENT, f"different: {metric} by {difference:.4f}, because: {reasons}\nto measure the noise of the seed: {measure}"
    noise = SPREADS * stdev(scores)
    known = f"{metric} differs by {difference:.4f}, {SPREADS} spreads of {len(scores)} seeds are {noise:.4f}; {reasons}"
    return (0, f"within seed noise: {known}") if difference <= noise else (EXIT_DIFFERENT, f"different, beyond seed noise: {known}")


def _changed(before: dict[str, str], now: dict[str, str]) -> list[str]:
    return [f"{name.split('.')[-1]}: {before[name]} → {value}" for name, value in now.items() if before[name] != value]


if __name__ == "__main__":
    sys.exit(main())
