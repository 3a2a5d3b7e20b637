"""What tests.faults.kill does to our sweeps, done to other tools, each resumed as its guide shows.

    python -m tests.faults.peers [peers=grid,random,optuna] [kills=200] [seed=0]

KerasTuner goes on with `overwrite=False` in the same directory, Optuna with `load_if_exists=True` on SQLite, without the heartbeat that
would mark its stale trials a minute or more later. `kills` is for each peer.
"""

import json
import os
import random
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path

from src.config.arguments import read_arguments
from src.training import runtime
from tests.faults.fork import forked

TRIALS, SECONDS = 14, 0.003
LONGEST = 300.0  # seconds of what is not to be killed
States = list[tuple[str, str]]  # of each trial that can be read: its value of x, its state in capitals


@dataclass
class Tally:
    """What the kills cost."""

    kills: int = 0
    projects: int = 0
    failed_restarts: int = 0  # a second failure after the same kill is not counted
    raised: Counter[str] = field(default_factory=Counter)
    given_up: int = 0  # projects of which no restart succeeds
    out_of_reach: int = 0  # finished trials of those
    trials_lost: int = 0
    trials_run_again: int = 0
    never_run: int = 0  # of projects that call themselves finished
    left_running: int = 0


def note(what: str, x: float) -> None:
    """Leaves a line that outlives a SIGKILL: what is written needs no process any more."""
    with Path("ledger").open("a") as ledger:
        ledger.write(f"{what} {x!r}\n")


def score(x: float) -> float:
    """The objective."""
    note("start", x)
    time.sleep(SECONDS)
    return random.Random(x).random()


def keras_tuner(name: str) -> None:
    """A tuner with its own `run_trial`, as the guide "Tune hyperparameters in your custom training loop" shows."""
    import keras_tuner

    class Trials(getattr(keras_tuner, name)):  # type: ignore[misc]
        def run_trial(self, trial, *_, **__):
            chosen = trial.hyperparameters
            grid = name == "GridSearch"
            return score(chosen.Choice("x", [*range(TRIALS)]) if grid else chosen.Float("x", 1e-4, 1e-1, sampling="log"))

        def on_trial_end(self, trial):
            super().on_trial_end(trial)
            note("end", trial.hyperparameters.values["x"])

    Trials(max_trials=TRIALS, seed=1, directory="tuner", overwrite=False).search(verbose=0)


def optuna() -> None:
    """As the tutorial "Saving/Resuming Study with RDB Backend" shows."""
    import optuna

    study = optuna.create_study(study_name="peer", storage="sqlite:///optuna.db", load_if_exists=True)
    left = TRIALS - len(study.get_trials(states=[optuna.trial.TrialState.COMPLETE]))
    study.optimize(
        lambda trial: score(trial.suggest_float("x", 1e-4, 1e-1, log=True)),
        n_trials=left,
        callbacks=[lambda _, trial: note("end", trial.params["x"])],
    )


def of_keras_tuner(folder: Path) -> States:
    """A file that was killed while it was written is of no use to KerasTuner either."""
    found = []
    for file in folder.glob("tuner/*/trial_*/trial.json"):
        try:
            trial = json.loads(file.read_text())
        except json.JSONDecodeError:
            continue
        found.append((repr(trial["hyperparameters"]["values"].get("x")), trial["status"].replace("COMPLETED", "COMPLETE")))
    return found


def of_optuna(folder: Path) -> States:
    """Read without Optuna, whose connections should not be there when we fork."""
    query = "select param_value, state from trials left join trial_params using (trial_id)"
    try:
        with closing(sqlite3.connect(folder / "optuna.db")) as db:
            return [(repr(x), state) for x, state in db.execute(query)]
    except sqlite3.OperationalError:  # killed before the schema was there
        return []


PEERS: dict[str, tuple[Callable[[], None], Callable[[Path], States]]] = {
    "grid": (lambda: keras_tuner("GridSearch"), of_keras_tuner),
    "random": (lambda: keras_tuner("RandomSearch"), of_keras_tuner),
    "optuna": (optuna, of_optuna),
}


@dataclass
class Project:
    """One search in one folder, and what was acknowledged of it."""

    folder: Path
    search: Callable[[], None]
    states: Callable[[Path], States]
    tally: Tally
    finished: set[str] = field(default_factory=set)
    read: int = 0  # lines of the ledger

    def run(self, seconds: float) -> str:
        """Searches and is killed after some seconds; the type of what was raised, `killed`, or nothing at its end."""
        self.folder.mkdir(parents=True, exist_ok=True)
        pid = forked(self._work, self.folder)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if os.waitpid(pid, os.WNOHANG)[0]:
                return (self.folder / "raised").read_text()
            time.sleep(0.0005)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        self.tally.kills += 1
        return "killed"

    def _work(self) -> int:
        raised = Path("raised")
        try:
            self.search()
        except Exception as error:
            raised.write_text(type(error).__name__)
            raise
        raised.write_text("")
        return 0

    def look(self) -> None:
        """Compares what the peer has recorded with what it had before."""
        ledger = self.folder / "ledger"
        lines = ledger.read_text().splitlines() if ledger.exists() else []
        for what, x in (line.split() for line in lines[self.read :]):
            self.tally.trials_run_again += what == "start" and x in self.finished
            self.finished |= {x} if what == "end" else set()
        self.read = len(lines)
        complete = {x for x, state in self.states(self.folder) if state == "COMPLETE"}
        self.tally.trials_lost += len(self.finished - complete)
        self.finished = complete


def undisturbed(project: Project) -> float:
    """The seconds of a project that nobody kills."""
    began = time.monotonic()
    if raised := project.run(LONGEST):
        raise AssertionError(f"{raised}: {(project.folder / 'log').read_text()}")
    return time.monotonic() - began


def kill(name: str, kills: int, folder: Path, dice: random.Random) -> Tally:
    """Kills projects of a peer until there were so many kills, and lets the last one finish."""
    search, states = PEERS[name]
    tally, seconds = Tally(), min(undisturbed(Project(folder / f"whole{n}", search, states, Tally())) for n in range(3))
    while tally.kills < kills:
        project = Project(folder / str(tally.projects), search, states, tally)
        tally.projects += 1
        before = ""
        while ended := project.run(dice.uniform(0, seconds) if tally.kills < kills and before in ("", "killed") else LONGEST):
            project.look()
            if ended == before != "killed":
                tally.given_up += 1
                tally.out_of_reach += len(project.finished)
                break
            tally.failed_restarts += before == "killed" != ended
            tally.raised[ended] += before == "killed" != ended
            before = ended
        else:
            project.look()
            tally.never_run += TRIALS - len(project.finished)
            tally.left_running += sum(state == "RUNNING" for _, state in states(project.folder))
    return tally


@dataclass(frozen=True)
class Arguments:
    """What may be said behind the command."""

    peers: str = ",".join(PEERS)
    kills: str = "200"
    seed: str = "0"


def main() -> None:
    """Prints a line per peer."""
    arguments = read_arguments(Arguments, sys.argv[1:])
    runtime.tensorflow()
    for module in ("keras_tuner", "optuna.storages._rdb.storage", "alembic.command", "sqlalchemy.dialects.sqlite"):
        __import__(module)
    for name in arguments.peers.split(","):
        with tempfile.TemporaryDirectory() as folder:
            tally = kill(name, int(arguments.kills), Path(folder), random.Random(arguments.seed))
        print(name, {**asdict(tally), "raised": dict(+tally.raised)})


if __name__ == "__main__":
    main()
