"""What the trials of a sweep say about the sweep itself."""

from collections.abc import Iterator
from itertools import takewhile

from src.leaderboard import Standing
from src.objective import Objective

LEAST_VALUES = 3  # that a key must have been tried with before its ends mean anything
LATER = 2  # epochs of rising validation loss that count as overfitting


def advice(standing: Standing, histories: dict[str, dict[str, list[float]]]) -> list[str]:
    """Warnings about the best configuration and the ranks, each with what to do."""
    if not standing.best:
        return ["no trial has a score"] if standing.entries else []
    history = histories.get(standing.best.identity, {})
    return [*_edges(standing), *_unfinished(standing.objective, history), *_overfitting(history), *_ties(standing)]


def _edges(standing: Standing) -> Iterator[str]:
    """Numbers of the best configuration at the end of what was tried."""
    best = standing.entries[0].point
    for key, text in best.items():
        try:
            tried = sorted({float(entry.point[key]) for entry in standing.entries if key in entry.point and entry.trials})
            value = float(text)
        except ValueError:
            continue
        if len(tried) >= LEAST_VALUES and value in (tried[0], tried[-1]) and key != "training.epochs":
            end = "lowest" if value == tried[0] else "highest"
            yield f"the best {key.lstrip('+')}={text} is the {end} that was tried ({tried[0]:g} to {tried[-1]:g}): widen its range"


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
    tied = len(list(takewhile(lambda rank: rank == 1, standing.ranks)))
    if tied > 1:
        say = f"the first {tied} configurations can not be told apart"
        yield f"{say}: repeat them with more seeds" if any(len(entry.trials) < 5 for entry in standing.entries[:tied]) else say
