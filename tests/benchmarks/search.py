"""Which oracle finds more in as many trials, ours or Optuna's:  python -m tests.benchmarks.search [seeds=10] [only=WORD] [oracles=a,b]

The regret of a search is the best score of the function minus that of the best point so far. Where scores are noisy, the point counts
that looks best, with its score without noise. Writes RESULTS_SEARCH.md unless something is left out.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import functools
import platform
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from src import oracles
from src.config.catalog import Catalog
from src.config.command_line import conf_loader, read
from src.objective import Objective
from src.space import Choice, Space
from tests.benchmarks.problems import PROBLEMS, Problem, key

COUNTS, IN_FLIGHT = (10, 20, 50, 100), (1, 2, 8)
RESULTS = Path(__file__).with_name("RESULTS_SEARCH.md")
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
            if (text := proposal.point.get(f"+{axis.key}")) is not None
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


def main() -> None:
    """Prints a line per search and writes the tables."""
    words = dict(word.split("=") for word in sys.argv[1:])
    seeds = int(words.get("seeds", 10))
    names = [name for name in SEARCHES if name in words.get("oracles", ",".join(SEARCHES)).split(",")]
    flights = [int(one) for one in words.get("in_flight", ",".join(map(str, IN_FLIGHT))).split(",")]
    rows, asks = [], {name: list[float]() for name in names}
    for problem in PROBLEMS:
        for in_flight in flights if words.get("only", "").lower() in problem.name.lower() else ():
            for name in names:
                found = [search(name, problem, in_flight, seed) for seed in range(seeds)]
                asks[name] += [seconds for _, seconds in found]
                at = np.array([[regrets[count - 1] for count in COUNTS] for regrets, _ in found])
                middle, low, high = np.median(at, axis=0), *np.percentile(at, [25, 75], axis=0)
                cells = [f"{m:.2g} ({one:.2g} … {other:.2g})" for m, one, other in zip(middle, low, high, strict=True)]
                rows.append(f"| {problem.name} | {in_flight} | {name} | {' | '.join(cells)} |")
                print(rows[-1], f"{1000 * np.median(asks[name]):.0f} ms", flush=True)
    if set(words) <= {"seeds"}:
        RESULTS.write_text(_page(rows, asks, seeds))


def _page(rows: list[str], asks: dict[str, list[float]], seeds: int) -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in ("scikit-learn", "scipy", "optuna", "keras-tuner"))
    times = ", ".join(f"{name} {1000 * np.median(seconds):.0f} ms" for name, seconds in asks.items())
    head = " | ".join(["function", "in flight", "search", *(f"{count} trials" for count in COUNTS)])
    return f"""# The search, measured

`make bench-search` on {time.strftime("%Y-%m-%d")}: Python {platform.python_version()}, {packages}; {seeds} seeds, budget {COUNTS[-1]}.
Simple regret, less is better: the median and, in brackets, the quartiles. Of noisy scores the best counts, with its regret without noise.
An ask takes, on average over a search, so much of one core: {times}.

| {head} |
|{"---|" * (3 + len(COUNTS))}
{chr(10).join(rows)}
"""


if __name__ == "__main__":
    main()
