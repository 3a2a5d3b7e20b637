"""Compares published figures of a sweep's explicit trials with the results of this sweep."""

from collections.abc import Iterable
from dataclasses import replace
from statistics import mean

from src.config.paths import REPEATS
from src.results.table import Row
from src.space import Space
from src.space.origin import DIFFERS, NOT_RECORDED, Origin, labels
from src.space.values import canonical, of_texts
from src.states import TrialState
from src.study.schema import TrialRow


def compare_with_published(space: Space, published: list[dict[str, float]], trials: Iterable[TrialRow]) -> list[Row]:
    """Returns a row for every published metric: the reported value, the obtained mean over seeds and folds, and their difference.

    If the sweep continued with other code, the results of each code have their own row.

    Args:
        space: has the explicit trials in `space.trials`.
        published: metric → value, for each explicit trial in the same order.
        trials: the rows of the study.

    Returns:
        The rows; none if the command line changed more than seed and fold, because the figures would not be comparable.
    """
    if space.fixed or any(axis.key not in REPEATS for axis in space.axes):
        return []
    by_values = {canonical(of_texts(trial.point)): trial for trial in trials if trial.metrics and trial.state != TrialState.PRUNED}
    differences = labels({_origin(trial): None for trial in by_values.values()}, several=False)
    rows: list[Row] = []
    for explicit, figures in zip(space.trials, published, strict=True):
        name = " ".join(axis.override(axis.texts[0]) for axis in explicit)
        keys = [canonical(of_texts(point)) for point in replace(space, trials=(explicit,)).points()]
        repeats = [by_values[key] for key in keys if key in by_values]
        for origin in dict.fromkeys(map(_origin, repeats)) or [NOT_RECORDED]:
            metrics = [trial.metrics for trial in repeats if _origin(trial) == origin]
            head = {"trial": name}
            if any(differences.values()):
                head[DIFFERS] = differences.get(origin, "")
            rows += [{**head, **_comparison(metric, reported, metrics)} for metric, reported in figures.items()]
    return rows


def _comparison(metric: str, reported: float, trials: list[dict[str, float]]) -> Row:
    """Compares a published figure with the metrics of the trials that repeat it: of the kept epoch, or else of the whole trial."""
    found = (metrics.get(f"kept/{metric}", metrics.get(metric)) for metrics in trials)
    values = [value for value in found if value is not None]
    obtained = mean(values) if values else None
    return {
        "metric": metric,
        "reported": reported,
        "obtained": obtained,
        "difference": f"{obtained - reported:+.4f}" if obtained is not None else None,
        "repeats": len(values),
    }


def _origin(trial: TrialRow) -> Origin:
    return Origin(code=trial.code or "", packages=trial.packages or "")
