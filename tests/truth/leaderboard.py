"""How often a table is wrong, and what its numbers are worth:  python -m tests.truth.leaderboard [rounds]

It prints the shares of: tables of equal configurations that tell any two apart; intervals of the mean that hold; estimates of the best
configuration, their bias in standard errors and how often their interval holds; sweeps of pure noise that get each advice.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from math import sqrt

import numpy as np

from src.results.advice import advice
from src.results.conclusions import expected_of_best
from src.results.failures import failures
from src.results.importance import importances
from src.results.leaderboard import Standing
from tests.truth.sweeps import NOISES, OBJECTIVE, ends_badly, equal, standing, tells, trial

ROWS, SEEDS = (2, 5, 12, 50), (2, 3, 5, 10, 20)
ADVICE = ("widen its range", "still improving", "overfits", "decides on failure")
Result = tuple[str, float, float]  # what, share of the tables, the largest share that a true 5 % gives by chance in 1 of 1000 cases


def limit(rounds: int, share: float = 0.05) -> float:
    return share + 3.1 * sqrt(share * (1 - share) / rounds)


def share(rounds: int, seed: int, happens: Callable[[np.random.Generator], bool]) -> float:
    random = np.random.default_rng(seed)
    return sum(happens(random) for _ in range(rounds)) / rounds


def false_tables(rounds: int, rows: Iterable[int] = ROWS, seeds: Iterable[int] = SEEDS, noises: Iterable[str] = NOISES) -> Iterator[Result]:
    """Tables of equal configurations in which somebody is better or worse."""
    every = [(noise, k, n) for noise in noises for k in rows for n in seeds]
    for number, (noise, k, n) in enumerate(every):
        yield f"{noise}, {k} x {n}", share(rounds, number, lambda r: tells(equal(r, noise, k, [n] * k))), limit(rounds)  # noqa: B023
    for k in rows:
        mixed = [1 + 2 * (place % 2) for place in range(k)]
        yield f"normal, {k} x 1 or 3", share(rounds, k, lambda r: tells(equal(r, "normal", k, mixed))), limit(rounds)  # noqa: B023
        yield f"t3, {k} x 1 or 3", share(rounds, k, lambda r: tells(equal(r, "t3", k, mixed))), limit(rounds)  # noqa: B023
        yield f"skewed, {k} x 1 or 3", share(rounds, k, lambda r: tells(equal(r, "skewed", k, mixed))), limit(rounds)  # noqa: B023
        yield f"one seed, {k} x 1", share(rounds, k, lambda r: tells(equal(r, "normal", k, [1] * k))), 0.0  # noqa: B023
        yield f"failed seeds, {k} x 5", share(rounds, k, lambda r: tells(ends_badly(r, k, 5))), limit(rounds)  # noqa: B023


def worlds(random: np.random.Generator, rows: int, error: float) -> dict[str, np.ndarray]:
    """True means of configurations."""
    lead = np.zeros(rows)
    lead[0] = 3 * error
    return {
        "equal": np.zeros(rows),
        "spread like the noise": random.normal(size=rows) * error,
        "many bad ones": -random.exponential(size=rows) * 5 * error,
        "one 3 errors ahead": lead,
    }


def selected(rounds: int, rows: Iterable[int] = ROWS, seeds: Iterable[int] = (3, 10)) -> Iterator[tuple[str, float, float, float, float]]:
    """The first row: name, bias of its mean and of the estimate in standard errors, how often the two intervals hold."""
    for k in rows:
        for n in seeds:
            for world in worlds(np.random.default_rng(0), k, 1.0):
                random, found = np.random.default_rng(k * n), []
                for _ in range(rounds):
                    means = worlds(random, k, 1 / sqrt(n))[world]
                    found.append(_first(standing((random.normal(size=(k, n)) + means[:, None]).tolist()), means, n))
                bias, bias_then, holds, holds_then = np.mean(found, axis=0)
                yield f"{world}, {k} x {n}", bias, bias_then, holds, holds_then


def _first(found: Standing, means: np.ndarray, seeds: int) -> tuple[float, float, bool, bool]:
    group, first = found.groups[0], found.entries[0]
    truth, error = means[first.values["model.units"]], 1 / sqrt(seeds)
    half = first.interval or 0.0
    plain = (first.mean - truth) / error, abs(first.mean - truth) < half
    then = expected_of_best(group)
    if not then:
        return plain[0], plain[0], plain[1], plain[1]
    return plain[0], (then.mean - truth) / error, plain[1], then.low < truth < then.high


def intervals(rounds: int, seeds: Iterable[int] = SEEDS) -> Iterator[Result]:
    """Intervals of the mean of a row that was not selected, which do not hold; by normal noise 5 % of them."""
    for n in seeds:

        def misses(random: np.random.Generator, n: int = n) -> bool:
            [entry] = standing([(random.normal(size=n) + 10).tolist()]).entries
            return abs(entry.mean - 10) > (entry.interval or 0)

        yield f"interval, {n} seeds", share(rounds, n, misses), limit(rounds)


def noise_alone(random: np.random.Generator, rows: int, epochs: int, seeds: int = 1) -> tuple[Standing, dict[str, dict[str, list[float]]]]:
    """A sweep of three keys that do not matter, with curves that are flat, and failures by chance."""
    trials = []
    for place in range(rows):
        rate, dropout, name = 10 ** random.uniform(-4, -1), random.choice([0.0, 0.1, 0.3, 0.5]), random.choice(["sgd", "adam", "rmsprop"])
        values = {"optimizer__learning_rate": f"{rate:.4g}", "model__dropout": dropout, "optimizer": name}
        for seed in range(seeds):
            score = None if random.random() < 0.1 else float(random.normal())
            trials.append(trial(len(trials), place, seed, score, **values))
    flat = {one.key: {name: list(random.normal(size=epochs)) for name in ("loss", "val_loss", "val_accuracy")} for one in trials}
    return Standing.of(trials, OBJECTIVE, 0), flat


def false_advice(
    rounds: int, shapes: Iterable[tuple[int, int, int]] = ((3, 4, 1), (12, 8, 1), (40, 20, 1), (9, 20, 3))
) -> Iterator[Result]:
    """Sweeps of pure noise that get a line of advice."""
    for rows, epochs, seeds in shapes:
        random = np.random.default_rng(rows)
        lines = ["\n".join(advice(*noise_alone(random, rows, epochs, seeds))) for _ in range(rounds)]
        for words in ADVICE:
            yield f"{words}, {rows} x {seeds}, {epochs} epochs", sum(words in line for line in lines) / rounds, limit(rounds)


def false_importance(rounds: int, rows: int = 40, seeds: int = 3) -> Iterator[Result]:
    """Sweeps of pure noise in which a key is said to matter."""
    happens = share(rounds, rows, lambda random: bool(importances(noise_alone(random, rows, 1, seeds)[0])))
    yield f"importance, {rows} x {seeds}", happens, limit(rounds)


def false_failures(rounds: int, rows: int = 50) -> Iterator[Result]:
    yield f"decides on failure, {rows}", share(rounds, rows, lambda random: bool(failures(noise_alone(random, rows, 1)[0]))), limit(rounds)


def main(rounds: int) -> None:
    print(f"{'false statements':44} share  at most")
    every = (false_tables(rounds), intervals(rounds), false_advice(rounds), false_failures(rounds), false_importance(max(20, rounds // 10)))
    for results in every:
        for name, found, most in results:
            print(f"{name:44} {found:.3f}  {most:.3f}{'  ABOVE' if found > most else ''}", flush=True)
    print(f"\n{'the best row':44} bias of its mean, of the estimate; intervals that hold: its own, the estimate's")
    for name, bias, then, holds, holds_then in selected(rounds):
        print(f"{name:44} {bias:+.2f} {then:+.2f}  {holds:.3f} {holds_then:.3f}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
