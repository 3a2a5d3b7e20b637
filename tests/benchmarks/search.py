"""Which oracle finds more in as many trials, ours or Optuna's:  python -m tests.benchmarks.search [seeds=20]

The regret of a search is the best score of the function minus that of the best point so far. Where scores are noisy, the point counts
that looks best, with its score without noise. Every search is kept in mlruns/search.jsonl, for which it need not run again; delete the file
after a change. Writes RESULTS_SEARCH.md and its picture.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import functools
import json
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from src import oracles
from src.config.catalog import Catalog
from src.config.command_line import conf_loader, read
from src.config.paths import ROOT
from src.objective import Objective
from src.space import Choice, Space
from tests.benchmarks import by_epochs, parts, search_page
from tests.benchmarks.problems import PROBLEMS, Problem, key
from tests.benchmarks.search_page import COUNTS

IN_FLIGHT = (1, 2, 8)
RAW = ROOT / "mlruns" / "search.jsonl"
Ask, Tell = Callable[[int], dict[str, Any]], Callable[[int, float | None], None]
SETTINGS: dict[str, dict[str, Any]] = {"bayesian": {"initial_points": None}, "random": {}}


@functools.cache
def catalog() -> Catalog:
    """conf/, read once."""
    with conf_loader() as loader:
        return Space.of(read(loader, ["model=one_layer"], multirun=True)).catalog


def ours(name: str, problem: Problem, most: int, seed: int) -> tuple[Ask, Tell]:
    """An oracle of conf/oracle/."""
    space = Space(problem.axes, (), (), (), catalog())
    target = {"bayesian": "src.oracles.bayesian.Bayesian", "random": "src.oracles.random.Random"}[name]
    oracle = oracles.create(
        space, Objective("val_accuracy", "max"), {"_target_": target, "max_trials": most, "seed": seed, **SETTINGS[name]}
    )

    def ask(number: int) -> dict[str, Any]:
        proposal = oracle.ask(number)
        assert proposal
        return {
            axis.key.removeprefix("model."): text if isinstance(axis.domain, Choice) else float(text)
            for axis in problem.axes
            if (text := proposal.point.get(axis.key)) is not None
        }

    return ask, oracle.tell


def optuna(problem: Problem, most: int, seed: int) -> tuple[Ask, Tell]:
    """Optuna's TPE with its defaults."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    trials = {}

    def ask(number: int) -> dict[str, Any]:
        trial = trials[number] = study.ask()
        values: dict[str, Any] = {}
        for axis in problem.axes:
            name, domain = axis.key.removeprefix("model."), axis.domain
            if not axis.exists({key(one): str(value) for one, value in values.items()}):
                continue
            if isinstance(domain, Choice):
                values[name] = trial.suggest_categorical(name, domain.texts)
            elif domain.integer:
                values[name] = trial.suggest_int(name, int(domain.low), int(domain.high), log=domain.log)
            else:
                values[name] = trial.suggest_float(name, domain.low, domain.high, log=domain.log)
        return values

    def tell(number: int, score: float | None) -> None:
        study.tell(trials[number], score, state=None if score is not None else optuna.trial.TrialState.FAIL)

    return ask, tell


SEARCHES = {"bayesian": functools.partial(ours, "bayesian"), "Optuna TPE": optuna, "random": functools.partial(ours, "random")}


def search(name: str, problem: Problem, in_flight: int, seed: int, most: int = COUNTS[-1]) -> tuple[list[float], float]:
    """The regret after each trial, (trials,), and the seconds of an ask; of the trials in flight the oldest ends first."""
    ask, tell = SEARCHES[name](problem, most, seed)
    noise = np.random.default_rng(seed + 1000).normal(0, problem.noise, most)
    running: dict[int, float | None] = {}
    best, regret, regrets, seconds = -np.inf, np.inf, [], 0.0
    for step in range(most + in_flight - 1):
        if step < most:
            before = time.process_time()
            running[step] = problem.score(ask(step))
            seconds += time.process_time() - before
        if step >= in_flight - 1:
            number = step - in_flight + 1
            score = running.pop(number)
            told = None if score is None else score + noise[number]
            if score is not None and told is not None and told > best:
                best, regret = told, problem.best - score
            tell(number, told)
            regrets.append(regret)
    return regrets, seconds / most


Key = tuple[str, str, int, str, int]  # kind of the table, function, in flight, search, seed


def jobs(seeds: int) -> Iterator[tuple[Key, Callable[[], Any]]]:
    """Every search of the page, seed by seed, so that what was interrupted has as many seeds of each."""
    for seed in range(seeds):
        for problem in PROBLEMS:
            for in_flight in IN_FLIGHT:
                for name in SEARCHES:
                    yield ("trials", problem.name, in_flight, name, seed), partial(search, name, problem, in_flight, seed)
        for in_flight in (1, 8):
            for name in by_epochs.SEARCHES:
                yield ("epochs", "digits", in_flight, name, seed), partial(by_epochs.search, name, seed, in_flight, catalog())
    for seed in range(seeds):
        for problem in PROBLEMS:
            for part in parts.PARTS:
                yield ("parts", problem.name, 8, part, seed), partial(_without, part, problem, seed)


def _without(part: str, problem: Problem, seed: int) -> Any:
    with parts.PARTS[part]():
        return search("bayesian", problem, 8, seed, most=50)


def main() -> None:
    """Runs what RAW does not have, and writes the page."""
    words = dict(word.split("=") for word in sys.argv[1:])
    RAW.parent.mkdir(exist_ok=True)
    found = {tuple(one): value for one, value in map(json.loads, RAW.read_text().splitlines())} if RAW.exists() else {}
    todo = [(one, run) for one, run in jobs(int(words.get("seeds", 20))) if one not in found]
    begin = time.time()
    for place, (one, run) in enumerate(todo, 1):
        found[one] = run()
        with RAW.open("a") as file:
            file.write(json.dumps([one, found[one]]) + "\n")
        left = (time.time() - begin) / place * (len(todo) - place) / 60
        print(*one, f"about {left:.0f} min left", flush=True)
    search_page.write(found)


if __name__ == "__main__":
    main()
