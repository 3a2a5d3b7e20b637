"""Advice about a sweep, drawn from its trials."""

from collections.abc import Iterator
from itertools import takewhile

from src.objective import Objective
from src.results.leaderboard import Standing
from src.space.values import value_text

LEAST_VALUES = 3  # a key with fewer distinct values has no ends that mean anything
LATER = 2  # epochs of rising validation loss that count as overfitting
ENOUGH_SEEDS = 5  # of a configuration; more are advised only below this number


def advice(standing: Standing, histories: dict[str, dict[str, list[float]]]) -> list[str]:
    """Warnings about the best configuration and the ranks, each with a remedy.

    Args:
        histories: key of a trial → its metrics per epoch.
    """
    if not standing.best:
        return ["no trial has a score"] if standing.entries else []
    history = histories.get(standing.best.key, {})
    return [*_edges(standing), *_unfinished(standing.objective, history), *_overfitting(history), *_ties(standing)]


def _edges(standing: Standing) -> Iterator[str]:
    """Warns of each number of the best configuration that is the lowest or the highest one tried."""
    entries = standing.by_data[0]
    for key in standing.keys:
        values = [entry.values[key] for entry in entries if key in entry.values]
        best = entries[0].values.get(key)
        if not all(_is_number(value) for value in (best, *values)):
            continue
        tried = sorted(set(values))
        if len(tried) >= LEAST_VALUES and best in (tried[0], tried[-1]) and key != "training.epochs":
            end = "lowest" if best == tried[0] else "highest"
            yield f"the best {key}={value_text(best)} is the {end} that was tried ({tried[0]:g} to {tried[-1]:g}): widen its range"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _unfinished(objective: Objective, history: dict[str, list[float]]) -> Iterator[str]:
    values = history.get(objective.name, [])
    if len(values) > 1 and objective.best_epoch(values) == len(values):
        yield f"the best trial was still improving at its last epoch, {len(values)}: raise training.epochs"


def _overfitting(history: dict[str, list[float]]) -> Iterator[str]:
    train, validation = history.get("loss", []), history.get("val_loss", [])
    if len(validation) < LATER + 1:
        return
    lowest = validation.index(min(validation))
    after = validation[lowest + 1 :]
    if len(after) >= LATER and min(after) > validation[lowest] and train[-1] < train[lowest]:
        yield f"the best trial overfits from epoch {lowest + 2} on: its validation loss rises while its training loss falls"


def _ties(standing: Standing) -> Iterator[str]:
    entries = standing.by_data[0]
    tied = len(list(takewhile(lambda rank: rank == 1, standing.ranks[: len(entries)])))
    if tied > 1:
        line = f"the first {tied} configurations cannot be told apart"
        few_seeds = any(len(entry.trials) < ENOUGH_SEEDS for entry in entries[:tied])
        yield f"{line}: repeat them with more seeds" if few_seeds else line
