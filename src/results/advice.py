"""Advice about a sweep, drawn from its trials. Of sweeps in which nothing matters at most 5 % get each line; tests/truth/ shows it."""

from collections.abc import Iterator
from statistics import mean

import numpy as np

from src.objective import Objective
from src.results.entries import EPOCHS
from src.results.failures import failures
from src.results.leaderboard import Entry, Group, Standing
from src.significance import ERROR
from src.space.values import is_number, value_text

LEAST_VALUES = 3  # a key with fewer distinct values has no ends that mean anything
OUTER = 4  # the rows at an end, if each has a value of its own: one in so many
LATEST = 5  # epochs in which a curve still rises, or does not
LEAST_LATER = 4  # epochs; the order of fewer may be chance
ENOUGH_SEEDS = 5  # of a configuration; more are advised only below this number

History = dict[str, list[float]]


def advice(standing: Standing, histories: dict[str, History]) -> list[str]:
    """Warnings about the best configuration, the ranks and what failed, each with a remedy.

    Args:
        histories: key of a trial → its metrics per epoch.
    """
    if not standing.best:
        return ["no trial has a score"] if standing.entries else []
    group = standing.groups[0]
    curves = [histories[trial.key] for trial in group.entries[0].trials if trial.key in histories]
    remedy = "give it more steps" if "trial._target_" in group.entries[0].values else f"raise {EPOCHS}"  # a function has no epochs of ours
    of_curves = [*_unfinished(standing.objective, curves, remedy), *_overfitting(_mean(curves))] if group.entries[0].rung is None else []
    return [*_edges(standing, group), *of_curves, *_ties(group), *failures(standing)]


def _edges(standing: Standing, group: Group) -> Iterator[str]:
    """Warns of each number of the best configuration that is the lowest or highest one tried, if the others are worse beyond chance."""
    entries, numbers, found = group.entries, 0, []
    for key in standing.keys:
        values = [entry.values.get(key) for entry in entries]
        if key == EPOCHS or not is_number(values[0]):
            continue
        tried = sorted({value for value in values if is_number(value)})
        numbers += len(tried) >= LEAST_VALUES
        if len(tried) >= LEAST_VALUES and values[0] in (tried[0], tried[-1]):
            found.append((key, tried))
    for key, tried in found:
        best = entries[0].values[key]
        end = "lowest" if best == tried[0] else "highest"
        if _decides(group, key, ERROR / numbers):
            yield f"the best {key}={value_text(best)} is the {end} that was tried ({tried[0]:g} to {tried[-1]:g}): widen its range"


def _decides(group: Group, key: str, error: float) -> bool:
    """Returns True if the value at the end of a key is better than those inside: by repeats if there are some, else by the order of the rows."""
    best = group.entries[0].values[key]
    rows = [(place, entry) for place, entry in enumerate(group.entries) if is_number(entry.values.get(key))]
    if group.comparison.known:
        beaten = group.beaten()
        return all(beaten[place] for place, entry in rows if entry.values[key] != best)
    from scipy.stats import mannwhitneyu

    by_value = sorted((entry for _, entry in rows), key=lambda entry: abs(entry.values[key] - best))
    outer = [entry for entry in by_value if entry.values[key] == best]
    if len(outer) == 1:
        outer = by_value[: max(1, len(by_value) // OUTER)]
    rest = by_value[len(outer) :]
    scores, others = ([group.objective.key(entry.mean) for entry in some] for some in (outer, rest))
    return bool(rest) and bool(mannwhitneyu(scores, others, alternative="less").pvalue < error)


def _mean(curves: list[History]) -> History:
    """Returns the mean of each metric over repeats, as long as the shortest."""
    names = [name for name in (curves[0] if curves else {}) if all(name in curve for curve in curves)]
    return {name: [mean(values) for values in zip(*(curve[name] for curve in curves), strict=False)] for name in names}


def _unfinished(objective: Objective, curves: list[History], remedy: str) -> Iterator[str]:
    lengths = {len(curve.get(objective.name, [])) for curve in curves}
    values = _mean(curves).get(objective.name, [])
    at_last = len(lengths) == 1 and values and objective.best_epoch(values) == len(values)  # of other lengths some stopped early
    if at_last and _falls([objective.key(value) for value in values[-LATEST:]]):
        yield f"the best configuration was still improving at its last epoch, {len(values)}: {remedy}"


def _overfitting(curves: History) -> Iterator[str]:
    train, validation = curves.get("loss", []), curves.get("val_loss", [])
    if not train or len(train) != len(validation):
        return
    lowest = validation.index(min(validation))
    later = [-value for value in validation[lowest + 1 :]]  # without the lowest itself, after which every noise rises
    if _falls(later) and train[-1] < train[lowest]:
        yield f"the best configuration overfits from epoch {lowest + 2} on: its validation loss rises while its training loss falls"


def _falls(values: list[float]) -> bool:
    """Returns True if values fall beyond chance, by Kendall's rank correlation (1938, Biometrika 30); equal ones count as rising."""
    from scipy.stats import kendalltau

    places = sorted(range(len(values)), key=lambda place: values[place])
    return len(values) >= LEAST_LATER and bool(kendalltau(range(len(values)), np.argsort(places), alternative="less").pvalue < ERROR)


def _ties(group: Group) -> Iterator[str]:
    tied: list[Entry] = group.tied
    if group.comparison.known and len(tied) > 1:
        line = f"the first {len(tied)} configurations are not told apart"
        few_seeds = any(len(entry.trials) < ENOUGH_SEEDS for entry in tied)
        yield f"{line}: repeat them with more seeds" if few_seeds else line
