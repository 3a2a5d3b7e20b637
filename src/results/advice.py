"""Gives advice about a sweep. If nothing that varies matters, at most 5 % of sweeps get each line; tests/truth/ shows it."""

from collections.abc import Iterator
from statistics import mean

from src.objective import Objective
from src.results.entries import EPOCHS
from src.results.failures import failures
from src.results.leaderboard import Group, Standing
from src.significance import ERROR
from src.space.values import is_number, value_text

LEAST_VALUES = 3  # distinct values of a key, below which its lowest and highest values mean nothing
OUTER = 4  # if all values of a key are distinct, one row in this many counts as being at the end
LATEST = 5  # last epochs in which a curve must still improve
LEAST_LATER = 4  # epochs, because the order of fewer may be chance
ENOUGH_SEEDS = 5  # seeds of a configuration, from which on no more are advised

History = dict[str, list[float]]


def advice(standing: Standing, histories: dict[str, History]) -> list[str]:
    """Returns warnings about the best configuration, the ranks and failures; `histories` are by the keys of trials."""
    if not standing.best:
        return ["no trial has a score"] if standing.entries else []
    group = standing.groups[0]
    curves = [histories[trial.key] for trial in group.entries[0].trials if trial.key in histories]
    remedy = "give it more steps" if "trial._target_" in group.entries[0].values else f"raise {EPOCHS}"  # a function has steps instead
    of_curves = []
    if group.entries[0].rung is None:
        of_curves = [*_unfinished(standing.objective, curves, remedy), *_overfitting(_mean(curves))]
    return [*_edges(standing, group), *of_curves, *_ties(group), *failures(standing)]


def _edges(standing: Standing, group: Group) -> Iterator[str]:
    """Warns of each number of the best configuration that is the lowest or highest one tried, if the others are worse beyond chance."""
    tried: dict[str, list[float]] = {}  # key → the distinct numbers that were tried, sorted
    for key in standing.keys:
        values = [entry.values.get(key) for entry in group.entries]
        numbers = sorted({value for value in values if is_number(value)})
        if key != EPOCHS and is_number(values[0]) and len(numbers) >= LEAST_VALUES:
            tried[key] = numbers
    for key, numbers in tried.items():
        best, low, high = group.entries[0].values[key], numbers[0], numbers[-1]
        if best in (low, high) and _decides(group, key, ERROR / len(tried)):
            end = "lowest" if best == low else "highest"
            yield f"the best {key}={value_text(best)} is the {end} that was tried ({low:g} to {high:g}): widen its range"


def _decides(group: Group, key: str, error: float) -> bool:
    """Returns True if the best value of a key, at one end, is better than the others beyond chance.

    With repeats, each other row must be significantly worse; without, the rows near that end are compared with the rest by their ranks.
    """
    best = group.entries[0].values[key]
    rows = [(place, entry) for place, entry in enumerate(group.entries) if is_number(entry.values.get(key))]
    if group.comparison.known:
        beaten = group.beaten()
        return all(beaten[place] for place, entry in rows if entry.values[key] != best)
    from scipy.stats import mannwhitneyu

    by_distance = sorted((entry for _, entry in rows), key=lambda entry: abs(entry.values[key] - best))
    costs = [group.objective.key(entry.mean) for entry in by_distance]
    outer = sum(entry.values[key] == best for entry in by_distance)
    if outer == 1:
        outer = max(1, len(costs) // OUTER)
    return outer < len(costs) and bool(mannwhitneyu(costs[:outer], costs[outer:], alternative="less").pvalue < error)


def _mean(curves: list[History]) -> History:
    """Returns the mean over repeats of each metric that all of them have, up to the last epoch of the shortest."""
    names = [name for name in (curves[0] if curves else {}) if all(name in curve for curve in curves)]
    return {name: [mean(values) for values in zip(*(curve[name] for curve in curves), strict=False)] for name in names}


def _unfinished(objective: Objective, curves: list[History], remedy: str) -> Iterator[str]:
    """Warns of a curve that was still improving. Curves of several lengths are left out: some of them were stopped early."""
    lengths = {len(curve.get(objective.name, [])) for curve in curves}
    values = _mean(curves).get(objective.name, [])
    if len(lengths) != 1 or not values or objective.best_epoch(values) != len(values):
        return
    if _falls([objective.key(value) for value in values[-LATEST:]]):
        yield f"the best configuration was still improving at its last epoch, {len(values)}: {remedy}"


def _overfitting(curves: History) -> Iterator[str]:
    train, validation = curves.get("loss", []), curves.get("val_loss", [])
    if not train or len(train) != len(validation):
        return
    lowest = validation.index(min(validation))
    later = [-value for value in validation[lowest + 1 :]]  # without the lowest one, after which even noise rises
    if _falls(later) and train[-1] < train[lowest]:
        yield f"the best configuration overfits from epoch {lowest + 2} on: its validation loss rises while its training loss falls"


def _falls(values: list[float]) -> bool:
    """Returns True if values fall beyond chance, by Kendall's rank correlation (1938, Biometrika 30); equal values count as rising."""
    if len(values) < LEAST_LATER:
        return False
    from scipy.stats import kendalltau, rankdata

    ranks = rankdata(values, method="ordinal")  # of equal values the later one ranks higher
    return bool(kendalltau(range(len(values)), ranks, alternative="less").pvalue < ERROR)


def _ties(group: Group) -> Iterator[str]:
    if group.comparison.known and len(group.tied) > 1:
        line = f"the first {len(group.tied)} configurations are not told apart"
        few_seeds = any(len(entry.trials) < ENOUGH_SEEDS for entry in group.tied)
        yield f"{line}: repeat them with more seeds" if few_seeds else line
